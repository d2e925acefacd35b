/** Events that a person types, through one session after the other as the log test shows them: what `explain` and `logtest` have in common. */
import type { CompiledRuleset } from "#analysis/engine.ts";
import type { Trace } from "#analysis/trace/trace.ts";
import { LogSession } from "#rule-tests/session.ts";
import { utf8Bytes } from "./bytes.ts";
import type { Environment } from "./environment.ts";
import { type Style, styleOf } from "./style.ts";

export class TypedEvents {
  readonly ruleset: CompiledRuleset;
  readonly style: Style;
  readonly #environment: Environment;
  readonly #location: string;
  #session: LogSession;

  constructor(environment: Environment, ruleset: CompiledRuleset, location: string) {
    this.ruleset = ruleset;
    this.style = styleOf(environment.stdout, environment.variables);
    this.#environment = environment;
    this.#location = utf8Bytes(location);
    this.#session = new LogSession(ruleset, environment.hostname);
  }

  /** What came before counts no more. */
  forget(): void {
    this.#session = new LogSession(this.ruleset, this.#environment.hostname);
  }

  process(message: string, trace: Trace | null): ReturnType<LogSession["process"]> {
    const receivedMs = this.#environment.clock.wallMs();
    return this.#session.process({ location: this.#location, message, receivedMs }, { trace });
  }

  document(result: Parameters<LogSession["document"]>[0]): string {
    return this.#session.document(result);
  }
}
