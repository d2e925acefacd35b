/** What the log test service asks of other parts; the composition root hands it over. */
import type { ManagerIdentity } from "#analysis/alert/document.ts";
import type { CompiledRuleset } from "#analysis/engine.ts";
import type { Ruleset } from "#analysis/ruleset/ruleset.ts";
import type { RulesetSources } from "#analysis/ruleset/sources.ts";
import type { Problem } from "#formats/source-position.ts";
import type { Clock } from "#kernel/ports/clock.ts";
import type { Files } from "#kernel/ports/files.ts";
import type { LocalSockets } from "#kernel/ports/local-sockets.ts";
import type { Log } from "#kernel/ports/log.ts";
import type { Metrics } from "#kernel/ports/metrics.ts";
import type { Random } from "#kernel/ports/random.ts";

export type LogtestConfig = {
  readonly socketPath: string;
  /** `max_sessions` and `session_timeout` of `<rule_test>`. */
  readonly sessionsMax: number;
  readonly sessionSeconds: number;
  /** `SESSIONS_BYTES_MAX` outside of tests. */
  readonly sessionsBytesMax: number;
};

/** What the configuration says now. */
export type RulesetChoice = {
  readonly sources: RulesetSources;
  /** The files that say it. */
  readonly configFiles: readonly string[];
  /** `memory_size`: how many events a session remembers. */
  readonly memoryEvents: number;
  compile(ruleset: Ruleset): CompiledRuleset;
};

export type LogtestNeeds = {
  readonly files: Files;
  readonly clock: Clock;
  readonly random: Random;
  readonly localSockets: LocalSockets;
  readonly log: Log;
  readonly metrics: Metrics;
  /** The manager's name in documents. */
  readonly identity: ManagerIdentity;
  /** The problems are errors. May throw `CodedError` when a file cannot be read. */
  chooseRuleset(): RulesetChoice | { readonly problems: readonly Problem[] };
  /** Called when a rule set was loaded, or was dropped. */
  giveBackMemory(): void;
};
