/** A log test on a small rule set in memory, and the requests and answers of its clients. */
import { CompiledRuleset } from "#analysis/engine.ts";
import { stockSources } from "#analysis/ruleset/sources.ts";
import type { Random } from "#kernel/ports/random.ts";
import { FOLDER, rulesetFiles } from "#rule-tests/ruleset.fixture.ts";
import { SHIPPED_ALERT_LEVELS } from "#rule-tests/session.ts";
import { FakeClock } from "#testing/clock.ts";
import type { FakeFiles } from "#testing/files.ts";
import { FakeLocalSockets } from "#testing/local-sockets.ts";
import { RecordingLog, RecordingMetrics } from "#testing/log.ts";
import { SeededRandom } from "#testing/random.ts";
import { LogtestEvents } from "./events.ts";
import { Logtest } from "./logtest.ts";
import type { LogtestConfig, LogtestNeeds, RulesetChoice } from "./needs.ts";

export const SOCKET = "/home/queue/sockets/logtest";
export const CONFIG: LogtestConfig = {
  socketPath: SOCKET,
  sessionsMax: 3,
  sessionSeconds: 900,
  sessionsBytesMax: 1024 * 1024,
};
export const CONFIG_FILE = `${FOLDER}/ossec.conf`;
export const RULE_FILE = `${FOLDER}/rules/r.xml`;

export class FakeNeeds implements LogtestNeeds {
  readonly files: FakeFiles;
  readonly clock = new FakeClock();
  readonly random: Random = new SeededRandom(1);
  readonly localSockets = new FakeLocalSockets();
  readonly log = new RecordingLog();
  readonly metrics = new RecordingMetrics();
  readonly identity = { hostname: "manager.example", cluster: { name: "c", node: "n1" } };
  memoryEvents = 8192;
  compiled = 0;
  memoryGivenBack = 0;
  /** What the next choice is instead. */
  chooses: (() => ReturnType<LogtestNeeds["chooseRuleset"]>) | null = null;

  constructor(files = rulesetFiles()) {
    this.files = files;
    this.files.write(CONFIG_FILE, "");
  }

  chooseRuleset(): ReturnType<LogtestNeeds["chooseRuleset"]> {
    return this.chooses === null ? this.choice() : this.chooses();
  }

  choice(): RulesetChoice {
    return {
      sources: stockSources(this.files, FOLDER),
      configFiles: [CONFIG_FILE],
      memoryEvents: this.memoryEvents,
      compile: (ruleset) => {
        this.compiled++;
        return new CompiledRuleset(ruleset, SHIPPED_ALERT_LEVELS);
      },
    };
  }

  giveBackMemory(): void {
    this.memoryGivenBack++;
  }
}

export function makeLogtest(needs: FakeNeeds, config = CONFIG): Logtest {
  return new Logtest(config, needs, new LogtestEvents(needs));
}

export function processing(event: unknown, parameters: Readonly<Record<string, unknown>> = {}): string {
  return JSON.stringify({
    version: 1,
    origin: { name: "test", module: "test" },
    command: "log_processing",
    parameters: { location: "stdin", log_format: "syslog", event, ...parameters },
  });
}

export function removal(token: unknown): string {
  return JSON.stringify({ version: 1, command: "remove_session", parameters: { token } });
}

export type Answer = {
  readonly message?: string;
  readonly error: number;
  readonly data?: {
    readonly messages?: readonly string[];
    readonly token?: string;
    readonly output?: {
      readonly rule?: { readonly id: string; readonly level?: number };
      readonly [key: string]: unknown;
    };
    readonly rules_debug?: readonly string[];
    readonly alert?: boolean;
    readonly codemsg?: number;
  };
};

export function parseAnswer(text: string): Answer {
  return JSON.parse(Buffer.from(text, "latin1").toString("utf8"));
}

export function ask(logtest: Logtest, request: string): Answer {
  return parseAnswer(logtest.answer(Buffer.from(request, "utf8")));
}

export function frame(payload: string | Uint8Array): Buffer {
  const body = Buffer.from(payload);
  const header = Buffer.alloc(4);
  header.writeUInt32LE(body.length);
  return Buffer.concat([header, body]);
}
