/**
 * Texts of lists: the entries that a second reader finds, which follows the format's words byte by byte, and look-ups by rules.
 *
 * Sections of an input: `list` and `events`.
 */
import assert from "node:assert/strict";
import { CompiledRuleset } from "#analysis/engine.ts";
import { EVERYTHING_DECODERS } from "#analysis/everything-rules.fixture.ts";
import { loadRuleset } from "#analysis/ruleset/ruleset.ts";
import { parseListText } from "#formats/cdb-list/list-text.ts";
import { FakeFiles } from "#testing/files.ts";
import type { SeededRandom } from "#testing/random.ts";
import { damagedText, oddText, splicedLines } from "../damage.ts";
import { checkEvents } from "../engine-run.ts";
import { parseEvents, printEvent } from "../event-lines.ts";
import { changeSection, parseSections, printSections } from "../sections.ts";
import type { Target } from "../target.ts";

const LIST = "etc/lists/a";
const LOOKUPS = [
  "match_key",
  "not_match_key",
  "match_key_value",
  "address_match_key",
  "not_address_match_key",
  "address_match_key_value",
];
const LISTED_FIELDS = ["srcip", "user", "my.key"];

/** An event says in its field `n` which of the look-ups is its. */
const RULES = `<group name="syslog,"><rule id="1" level="0" noalert="1"><category>syslog</category><description>x</description></rule></group>
<group name="l,"><rule id="100" level="3"><decoded_as>json</decoded_as><description>base</description></rule>
${LISTED_FIELDS.flatMap((field, row) => LOOKUPS.map((lookup, column) => lookupRule(field, lookup, 10 * row + column))).join("\n")}</group>`;

function lookupRule(field: string, lookup: string, n: number): string {
  return `<rule id="${200 + n}" level="5"><if_sid>100</if_sid><field name="n">^${n}$</field><list field="${field}" lookup="${lookup}" check_value="^v|x">${LIST}</list><description>$(srcip)</description></rule>`;
}

const KEYS = [
  "10.0.0.1",
  "10.0.",
  "10.",
  "joe",
  "a:b",
  "",
  "\xff",
  "__proto__",
  "constructor",
  "203.0.113.9",
  "key with blanks",
];
const VALUES = ["", "v1", "x", '"quoted: value"', '"open', "a:b", "\r"];

function slowEntries(text: string): Map<string, string> {
  const entries = new Map<string, string>();
  for (const whole of text.split("\n")) {
    const entry = slowEntry(whole.split("\r")[0] ?? "");
    if (entry !== null && !entries.has(entry[0])) entries.set(entry[0], entry[1]);
  }
  return entries;
}

/** Text of the line up to `until`, or between quotes when one stands before it; null when that is not there. */
function slowPart(
  bytes: readonly string[],
  until: (byte: string) => boolean,
): { text: string; rest: string[] } | null {
  let text = "";
  for (const [at, byte] of bytes.entries()) {
    if (until(byte)) return { text, rest: bytes.slice(at + 1) };
    if (byte === '"') {
      const close = bytes.indexOf('"', at + 1);
      if (close < 0) return null;
      return { text: bytes.slice(at + 1, close).join(""), rest: bytes.slice(close + 1) };
    }
    text += byte;
  }
  return { text, rest: [] };
}

function slowEntry(line: string): readonly [string, string] | null {
  const bytes = [...line];
  if (!bytes.includes(":")) return null;
  const key = slowPart(bytes, (byte) => byte === ":");
  if (key === null) return null;
  const wasQuoted = bytes.indexOf('"') >= 0 && bytes.indexOf('"') < bytes.indexOf(":");
  const colon = key.rest.indexOf(":");
  if (wasQuoted && colon < 0) return null;
  const value = slowPart(wasQuoted ? key.rest.slice(colon + 1) : key.rest, () => false);
  return value === null ? null : [key.text, value.text];
}

function run(input: string): void {
  const { list = "", events = "" } = parseSections(input);
  assert.deepEqual([...parseListText(list)], [...slowEntries(list)]);
  const files = new FakeFiles();
  const file = (name: string, text: string) => {
    files.write(name, text);
    return [{ name, path: name }];
  };
  const { ruleset, problems } = loadRuleset(files, {
    decoders: file("d.xml", EVERYTHING_DECODERS),
    rules: file("r.xml", RULES),
    lists: file(LIST, list),
  });
  assert(ruleset !== null, JSON.stringify(problems));
  checkEvents(new CompiledRuleset(ruleset, { log: 1, mail: 16 }), parseEvents(events), 50);
}

const key = (random: SeededRandom): string => (random.below(4) === 0 ? oddText(random) : random.pick(KEYS));

function eventLine(random: SeededRandom): string {
  const n = 10 * random.below(LISTED_FIELDS.length) + random.below(LOOKUPS.length);
  const document = { n, srcip: key(random), user: key(random), my: { key: key(random) } };
  const place = { queue: "1", agent: "000", location: "/var/log/x", after: 1000 };
  return printEvent({ ...place, message: JSON.stringify(document) });
}

function entryLine(random: SeededRandom): string {
  const quote = random.pick(["", "", '"']);
  const separator = random.pick([":", ":", ":", "", "::", " : "]);
  return `${quote}${key(random)}${quote}${separator}${random.pick(VALUES)}${random.pick(["", "\r"])}`;
}

const lines = (random: SeededRandom, most: number, make: (random: SeededRandom) => string): string =>
  Array.from({ length: random.below(most) }, () => make(random)).join("\n");

export const listsTarget: Target = {
  make: (random) =>
    printSections({
      list: random.below(100) === 0 ? `${entryLine(random)}\n`.repeat(20_000) : lines(random, 30, entryLine),
      events: lines(random, 20, eventLine),
    }),
  change: (random, input, other) =>
    changeSection(
      input,
      (names) => random.pick(names),
      (text, name) =>
        random.below(2) === 0
          ? damagedText(random, text, [...KEYS, ":", '"'])
          : splicedLines(random, text, parseSections(other)[name] ?? ""),
    ),
  run,
};
