/**
 * The sessions of the log test: a session has a state of its own (remembered events, first-time-seen, accumulated fields) and the
 * rule set whose files were there when it began, which it shares with others.
 *
 * Bounded by their number, by what all of them remember and by the number of rule sets: whoever was used longest ago is closed.
 */
import { CodedError } from "#kernel/errors.ts";
import { LogSession } from "#rule-tests/session.ts";
import type { LogtestCounter, LogtestEvents } from "./events.ts";
import { RULESETS_MAX } from "./limits.ts";
import { error, type Message, problemMessage } from "./message.ts";
import type { LogtestConfig, LogtestNeeds } from "./needs.ts";
import {
  choiceFingerprint,
  configFailure,
  loadShared,
  type RulesetFailure,
  type SharedRuleset,
} from "./ruleset-loading.ts";

const TOKEN_BYTES = 4;

export type Session = {
  readonly token: string;
  readonly log: LogSession;
  readonly ruleset: SharedRuleset;
  usedMs: number;
};

/** `session` is null when the rule set has errors, which are among the messages. */
export type Opened = { readonly session: Session | null; readonly messages: readonly Message[] };

export class Sessions {
  readonly #config: LogtestConfig;
  readonly #needs: LogtestNeeds;
  readonly #events: LogtestEvents;
  /** The one used longest ago comes first. */
  readonly #byToken = new Map<string, Session>();
  /** Kept for sessions to come until the next sweep finds them unused. The one used longest ago comes first. */
  #rulesets: readonly SharedRuleset[] = [];

  constructor(config: LogtestConfig, needs: LogtestNeeds, events: LogtestEvents) {
    this.#config = config;
    this.#needs = needs;
    this.#events = events;
  }

  /** Null when there is none, or none any more. */
  use(token: string): Session | null {
    const session = this.#byToken.get(token);
    if (session === undefined) return null;
    session.usedMs = this.#needs.clock.monotonicMs();
    this.#byToken.delete(token);
    this.#byToken.set(token, session);
    this.#touch(session.ruleset);
    return session;
  }

  open(): Opened {
    const ruleset = this.#currentRuleset();
    if ("failure" in ruleset) {
      this.#events.count("logtest_sessions_failed");
      return { session: null, messages: ruleset.failure };
    }
    while (this.#byToken.size >= this.#config.sessionsMax) this.#closeOldest("logtest_sessions_over_limit");
    const { clock, identity } = this.#needs;
    const { hostname, cluster } = identity;
    const { compiled, memoryEvents, warnings } = ruleset;
    const session = {
      token: this.#newToken(),
      log: new LogSession(compiled, hostname, { memoryEvents, cluster }),
      ruleset,
      usedMs: clock.monotonicMs(),
    };
    this.#byToken.set(session.token, session);
    this.#events.count("logtest_sessions_opened");
    this.#changed();
    return { session, messages: warnings };
  }

  /** False when there is none. */
  remove(token: string): boolean {
    return this.#close(token, "logtest_sessions_removed");
  }

  /** To be called after an event: the session that had it stays, whatever it remembers. */
  keepWithinMemory(): void {
    while (this.#byToken.size > 1 && this.#rememberedBytes() > this.#config.sessionsBytesMax)
      this.#closeOldest("logtest_sessions_over_memory");
  }

  /** Closes idle sessions, and drops the rule sets that no session uses. */
  sweep(): void {
    const idleSinceMs = this.#needs.clock.monotonicMs() - this.#config.sessionSeconds * 1000;
    for (const { token, usedMs } of [...this.#byToken.values()])
      if (usedMs <= idleSinceMs) this.#close(token, "logtest_sessions_idle");
    this.#dropUnusedRulesets();
  }

  #currentRuleset(): SharedRuleset | RulesetFailure {
    const { files } = this.#needs;
    try {
      const choice = this.#needs.chooseRuleset();
      if ("problems" in choice) return configFailure(choice.problems.map(problemMessage));
      const fingerprint = choiceFingerprint(files, choice);
      const known = this.#rulesets.find((ruleset) => ruleset.fingerprint === fingerprint);
      if (known !== undefined) {
        this.#touch(known);
        return known;
      }
      this.#makeRoomForRuleset();
      this.#events.count("logtest_rulesets_loaded");
      const loaded = loadShared(files, choice, fingerprint);
      this.#needs.giveBackMemory();
      if (!("failure" in loaded)) this.#rulesets = [...this.#rulesets, loaded];
      return loaded;
    } catch (failure) {
      if (!(failure instanceof CodedError)) throw failure;
      return configFailure([error(failure.message)]);
    }
  }

  #makeRoomForRuleset(): void {
    if (this.#rulesets.length < RULESETS_MAX) return;
    this.#dropUnusedRulesets();
    const [oldest] = this.#rulesets;
    if (oldest === undefined || this.#rulesets.length < RULESETS_MAX) return;
    for (const { token, ruleset } of [...this.#byToken.values()])
      if (ruleset === oldest) this.#close(token, "logtest_sessions_over_rulesets");
    this.#dropUnusedRulesets();
  }

  #touch(used: SharedRuleset): void {
    this.#rulesets = [...this.#rulesets.filter((ruleset) => ruleset !== used), used];
  }

  #dropUnusedRulesets(): void {
    const used = new Set([...this.#byToken.values()].map(({ ruleset }) => ruleset));
    const kept = this.#rulesets.filter((ruleset) => used.has(ruleset));
    if (kept.length === this.#rulesets.length) return;
    this.#rulesets = kept;
    this.#changed();
    this.#needs.giveBackMemory();
  }

  #closeOldest(why: LogtestCounter): void {
    const [oldest] = this.#byToken.keys();
    if (oldest !== undefined) this.#close(oldest, why);
  }

  #close(token: string, why: LogtestCounter): boolean {
    if (!this.#byToken.delete(token)) return false;
    this.#events.count(why);
    this.#changed();
    return true;
  }

  #changed(): void {
    this.#events.open(this.#byToken.size, this.#rulesets.length);
  }

  #rememberedBytes(): number {
    let bytes = 0;
    for (const { log } of this.#byToken.values()) bytes += log.rememberedBytes;
    return bytes;
  }

  #newToken(): string {
    for (;;) {
      const token = this.#needs.random.bytes(TOKEN_BYTES).toString("hex");
      if (!this.#byToken.has(token)) return token;
    }
  }
}
