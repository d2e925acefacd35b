/**
 * ossec.conf and the internal options: every problem has a place in its file, and a configuration without errors can be used.
 *
 * Sections of an input: `ossec.conf` and `internal_options.conf`.
 */
import assert from "node:assert/strict";
import { describeInternalOptions, readInternalOptions } from "#config/internal-options.ts";
import { describeOptions, readManagerConfig } from "#config/manager-config.ts";
import { shippedConfig } from "#config/shipped-config.ts";
import { homePaths } from "#daemons/home.ts";
import { connectionConfig, enrollmentConfig, identityOf } from "#daemons/settings.ts";
import { formatProblem, type Problem } from "#formats/source-position.ts";
import type { SeededRandom } from "#testing/random.ts";
import { cpuMs } from "../cpu-time.ts";
import { damagedText, oddText, splicedLines } from "../damage.ts";
import { changeSection, parseSections, printSections } from "../sections.ts";
import { type Target, TooSlow } from "../target.ts";

const READ_MS_MAX = 3000;
const PATHS = homePaths("/home");
const CONFIG = "ossec.conf";
const INTERNAL = "internal_options.conf";

const OPTION_PATHS = describeOptions().map(({ path }) => path);
const INTERNAL_NAMES = describeInternalOptions().map(({ name }) => name);
const VALUES = [
  "yes",
  "no",
  "",
  "0",
  "1",
  "65535",
  "65536",
  "-1",
  "10m",
  "1w",
  "5GB",
  "syslog",
  "secure",
  "tcp,udp",
  "any",
  "::1",
  "10.0.0.0/8",
  "/var/log/x",
  "a/../b",
  "0".repeat(32),
];

function checkProblems(problems: readonly Problem[], text: string): void {
  const lines = text.split("\n");
  for (const problem of problems) {
    const { line, column } = problem.position;
    const said = formatProblem(problem);
    assert(line >= 1 && line <= lines.length, `line of ${said}`);
    assert(column >= 1 && column <= (lines[line - 1]?.length ?? 0) + 1, `column of ${said}`);
  }
}

function run(input: string): void {
  const sections = parseSections(input);
  const text = sections[CONFIG] ?? "";
  const internalText = sections[INTERNAL] ?? "";
  const begunMs = cpuMs();
  const { config, problems } = readManagerConfig(text, CONFIG);
  const internal = readInternalOptions([{ text: internalText, file: INTERNAL }]);
  if (cpuMs() - begunMs > READ_MS_MAX) throw new TooSlow("reading the configuration");
  checkProblems(problems, text);
  checkProblems(internal.problems, internalText);
  assert.deepEqual(readManagerConfig(text, CONFIG).problems, problems);
  const all = [...problems, ...internal.problems];
  if (all.some(({ severity }) => severity === "error")) return;
  const settings = { config, options: internal.options, problems: all };
  connectionConfig(settings, PATHS, 1);
  enrollmentConfig(settings, PATHS, "manager");
  identityOf(config, "manager");
}

const value = (random: SeededRandom): string =>
  random.below(6) === 0 ? oddText(random) : random.pick(VALUES);

/** `remote.port` as `<remote><port>…</port></remote>`. */
function optionXml(random: SeededRandom): string {
  const names = random
    .pick(OPTION_PATHS)
    .split(/[.\s/>[\]]+/)
    .filter((name) => /^[\w-]+$/.test(name));
  const open = names.map((name) => `<${name}>`).join("");
  const close = names
    .toReversed()
    .map((name) => `</${name}>`)
    .join("");
  return `<ossec_config>${open}${value(random)}${close}</ossec_config>`;
}

const WORDS = [
  "<ossec_config>",
  "</ossec_config>",
  "<remote>",
  "</remote>",
  "<!--",
  "-->",
  "<a b='c'>",
  ...VALUES,
];

export const configTarget: Target = {
  make(random) {
    const options = Array.from({ length: random.below(12) }, () => optionXml(random));
    const internal = Array.from(
      { length: random.below(6) },
      () => `${random.pick(INTERNAL_NAMES)}=${value(random)}`,
    );
    const shipped = shippedConfig();
    const base = random.pick([shipped, damagedText(random, shipped, WORDS), ""]);
    return printSections({ [CONFIG]: [base, ...options].join("\n"), [INTERNAL]: internal.join("\n") });
  },
  change: (random, input, other) =>
    changeSection(
      input,
      (names) => random.pick(names),
      (text, name) =>
        random.below(3) === 0
          ? splicedLines(random, text, parseSections(other)[name] ?? "")
          : damagedText(random, text, WORDS),
    ),
  run,
};
