/** Events through an engine with a trace, for the tests of this folder. */
import { type Analysed, EngineFixture, type RulesetTexts } from "../engine.fixture.ts";
import { type RuleTry, Trace, triedRules } from "./trace.ts";

export type TracedOutcome = { readonly outcome: Analysed; readonly trace: Trace };

export class TraceFixture {
  readonly fixture: EngineFixture;

  constructor(texts: RulesetTexts) {
    this.fixture = new EngineFixture(texts);
  }

  process(message: string, changes: Parameters<EngineFixture["raw"]>[1] = {}): TracedOutcome {
    const trace = new Trace();
    const outcome = this.fixture.engine.process(this.fixture.raw(message, changes), trace);
    if (outcome.kind !== "analysed") throw new Error(JSON.stringify(outcome));
    return { outcome, trace };
  }

  /** What became of a rule with an event. */
  tryOf(ruleId: number, message: string, changes: Parameters<EngineFixture["raw"]>[1] = {}): RuleTry {
    const { trace } = this.process(message, changes);
    for (const [tried] of triedRules(trace.rules)) if (tried.node.rule.id === ruleId) return tried;
    throw new Error(`rule ${ruleId} was not tried`);
  }
}
