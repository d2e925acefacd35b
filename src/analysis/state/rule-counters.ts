/** What is counted per rule: how often it fired in the current hour, and since when its `ignore` window runs. */
import type { CompiledRules } from "../match/compiled-rule.ts";

const HOUR_MS = 3_600_000;

export type RuleCountersSnapshot = {
  readonly hour: number;
  readonly fired: readonly (readonly [ruleId: number, times: number])[];
  readonly ignoredSince: readonly (readonly [ruleId: number, ms: number])[];
};

export class RuleCounters {
  readonly #rules: CompiledRules;
  readonly #fired: Uint32Array;
  readonly #ignoredSince = new Map<number, number>();
  #hour = Number.NaN;

  constructor(rules: CompiledRules) {
    this.#rules = rules;
    this.#fired = new Uint32Array(rules.rules.length);
  }

  /** The count including this time. Counts start again with each hour. */
  fire(ruleNumber: number, nowMs: number): number {
    const hour = Math.floor(nowMs / HOUR_MS);
    if (hour !== this.#hour) {
      this.#hour = hour;
      this.#fired.fill(0);
    }
    const times = (this.#fired[ruleNumber] ?? 0) + 1;
    this.#fired[ruleNumber] = times;
    return times;
  }

  fired(ruleNumber: number): number {
    return this.#fired[ruleNumber] ?? 0;
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
      hour: this.#hour,
      fired: [...this.#fired.entries()]
        .filter(([, times]) => times > 0)
        .map(([number, times]) => [idOf(number), times]),
      ignoredSince: [...this.#ignoredSince].map(([number, ms]) => [idOf(number), ms]),
    };
  }

  restore(snapshot: RuleCountersSnapshot): void {
    this.#hour = snapshot.hour;
    for (const [id, times] of snapshot.fired) {
      const rule = this.#rules.byId.get(id);
      if (rule !== undefined) this.#fired[rule.number] = times;
    }
    for (const [id, ms] of snapshot.ignoredSince) {
      const rule = this.#rules.byId.get(id);
      if (rule !== undefined) this.#ignoredSince.set(rule.number, ms);
    }
  }
}
