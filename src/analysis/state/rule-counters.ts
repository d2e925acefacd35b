/** What is counted per rule: how often it fired in the current hour, and since when its `ignore` window runs. */
import type { CompiledRule, CompiledRules } from "../match/compiled-rule.ts";

export type RuleCountersSnapshot = {
  readonly fired: readonly (readonly [ruleId: number, times: number])[];
  readonly ignoredSince: readonly (readonly [ruleId: number, ms: number])[];
};

export class RuleCounters {
  readonly #rules: CompiledRules;
  readonly #fired: Uint32Array;
  readonly #ignoredSince = new Map<number, number>();

  constructor(rules: CompiledRules) {
    this.#rules = rules;
    this.#fired = new Uint32Array(rules.rules.length);
  }

  /** The count including this time. */
  fire(ruleNumber: number): number {
    const times = (this.#fired[ruleNumber] ?? 0) + 1;
    this.#fired[ruleNumber] = times;
    return times;
  }

  fired(ruleNumber: number): number {
    return this.#fired[ruleNumber] ?? 0;
  }

  /** The rules that fired in this hour, in the order in which they were loaded. */
  *firedRules(): Generator<{ readonly rule: CompiledRule; readonly times: number }> {
    for (const rule of this.#rules.rules) {
      const times = this.fired(rule.number);
      if (times > 0) yield { rule, times };
    }
  }

  /** Counts start again with each hour. */
  beginHour(): void {
    this.#fired.fill(0);
  }

  /** True inside the window that the first hit opened; outside it this hit opens the next one, unless `restart` is false. */
  ignores(
    ruleNumber: number,
    options: { readonly windowMs: number; readonly nowMs: number; readonly restart: boolean },
  ): boolean {
    const since = this.#ignoredSince.get(ruleNumber);
    if (since !== undefined && options.nowMs - since < options.windowMs) return true;
    if (since === undefined || options.restart) this.#ignoredSince.set(ruleNumber, options.nowMs);
    else this.#ignoredSince.delete(ruleNumber);
    return false;
  }

  snapshot(): RuleCountersSnapshot {
    const idOf = (number: number) => this.#rules.rules[number]?.id ?? 0;
    return {
      fired: Array.from(this.firedRules(), ({ rule, times }) => [rule.id, times] as const),
      ignoredSince: [...this.#ignoredSince].map(([number, ms]) => [idOf(number), ms]),
    };
  }

  /** `keepsWindow` says of which rules the `ignore` window goes on. */
  restore(snapshot: RuleCountersSnapshot, keepsWindow: (ruleId: number) => boolean): void {
    for (const [id, times] of snapshot.fired) {
      const rule = this.#rules.byId.get(id);
      if (rule !== undefined) this.#fired[rule.number] = times;
    }
    for (const [id, ms] of snapshot.ignoredSince) {
      const rule = this.#rules.byId.get(id);
      if (rule !== undefined && keepsWindow(id)) this.#ignoredSince.set(rule.number, ms);
    }
  }
}
