/** The log test's thread: a slow pattern that somebody tries holds up nobody else. */
import { workerData } from "node:worker_threads";
import type { ManagerIdentity } from "#analysis/alert/document.ts";
import { CompiledRuleset } from "#analysis/engine.ts";
import type { RulesetFile, RulesetSources } from "#analysis/ruleset/sources.ts";
import type { Problem } from "#formats/source-position.ts";
import { SystemClock } from "#kernel/platform/clock.ts";
import { systemFiles } from "#kernel/platform/files.ts";
import { systemLocalSockets } from "#kernel/platform/local-sockets.ts";
import { systemRandom } from "#kernel/platform/random.ts";
import type { LogtestConfig, RulesetChoice } from "#logtest/needs.ts";
import { LogtestService } from "#logtest/service.ts";
import { GeoDatabaseFile } from "./geo-database-file.ts";
import { giveBackMemory } from "./give-back-memory.ts";
import { homePaths } from "./home.ts";
import { readMitreTable } from "./mitre-file.ts";
import { alertFormOptions, readSettings, rulesetSources } from "./settings.ts";
import { ThreadLink } from "./thread-link.ts";

export type LogtestThreadData = {
  readonly home: string;
  /** A rule set in the peer's layout instead of the configured one. */
  readonly rulesetDirectory: string | null;
  readonly identity: ManagerIdentity;
  readonly config: LogtestConfig;
};

const data: LogtestThreadData = workerData;
const link = new ThreadLink<never>();
const log = link.log("cyb3rhq-analysisd");

/** The peer's messages name files from the home on. */
function namedFromHome({ decoders, rules, lists }: RulesetSources): RulesetSources {
  const start = `${data.home}/`;
  const shortened = ({ name, path }: RulesetFile) => ({
    name: name.startsWith(start) ? name.slice(start.length) : name,
    path,
  });
  return { decoders: decoders.map(shortened), rules: rules.map(shortened), lists };
}

function chooseRuleset(): RulesetChoice | { readonly problems: readonly Problem[] } {
  const paths = homePaths(data.home);
  const settings = readSettings(systemFiles, paths);
  const errors = settings.problems.filter(({ severity }) => severity === "error");
  if (errors.length > 0) return { problems: errors };
  const { config } = settings;
  const sources = rulesetSources(systemFiles, paths, { config, directory: data.rulesetDirectory });
  const levels = { log: config.alerts.logLevel, mail: config.alerts.emailLevel };
  const { geoDatabasePath } = alertFormOptions(settings, paths);
  return {
    sources: namedFromHome(sources),
    configFiles: geoDatabasePath === null ? [paths.config] : [paths.config, geoDatabasePath],
    memoryEvents: config.global.eventMemory,
    compile: (ruleset) => {
      // Its own, so that the database goes with the rule set.
      const places = new GeoDatabaseFile(systemFiles, log, geoDatabasePath).read();
      return new CompiledRuleset(ruleset, levels, { mitre: readMitreTable(systemFiles), places });
    },
  };
}

const service = new LogtestService(data.config, {
  files: systemFiles,
  clock: new SystemClock(),
  random: systemRandom,
  localSockets: systemLocalSockets,
  log,
  metrics: link.counters,
  identity: data.identity,
  chooseRuleset,
  // Not before the functions have returned that still hold what is to be given back.
  giveBackMemory: () => setImmediate(giveBackMemory),
});

service.start().then(
  () => {
    giveBackMemory();
    link.ready("");
  },
  (error: unknown) => link.failed(error),
);
