/** The engine as it makes the documents that recordings of the peer are compared with. */
import assert from "node:assert/strict";
import { eventDocument, type Verdict } from "#analysis/alert/document.ts";
import { CompiledRuleset, Engine } from "#analysis/engine.ts";
import type { Event } from "#analysis/event.ts";
import { loadRuleset } from "#analysis/ruleset/ruleset.ts";
import { stockSources } from "#analysis/ruleset/sources.ts";
import { splitQueueMessage } from "#formats/wire/agent/queue-message.ts";
import { LocalClock } from "#kernel/local-time.ts";
import type { Files } from "#kernel/ports/files.ts";
import { RULESET_DIRECTORY } from "./shared-data.ts";

export const RECEIVED_MS = 1_700_000_000_000;

export type Document = { readonly rule?: Record<string, unknown>; readonly [key: string]: unknown };

/** Without what differs with the run: times, ids, the label with the agent's address, how often a rule fired before. */
export function comparable({ timestamp, id, agent, rule, ...document }: Document): Document {
  if (rule === undefined) return document;
  const { firedtimes, ...shown } = rule;
  return { ...document, rule: shown };
}

export class RecordedEngine {
  readonly #engine: Engine;
  readonly #clock = new LocalClock();

  constructor(files: Files) {
    const { ruleset, problems } = loadRuleset(files, stockSources(files, RULESET_DIRECTORY));
    assert(ruleset !== null, JSON.stringify(problems));
    const set = new CompiledRuleset(ruleset, { log: 3, mail: 12 });
    this.#engine = new Engine(set, { hostname: "vm", mode: "live" });
  }

  /** Null for a message that is no event. */
  process(datagram: string): { archive: Document; alert: Document | null } | null {
    const parts = splitQueueMessage(datagram);
    assert(!("error" in parts));
    const outcome = this.#engine.process({ ...parts, position: 0, receivedMs: RECEIVED_MS });
    if (outcome.kind !== "analysed") return null;
    const { event, verdict, alert } = outcome;
    const shown = verdict !== null && verdict.rule.level > 0 ? verdict : null;
    return {
      archive: this.#document(event, shown, true),
      alert: alert ? this.#document(event, shown, false) : null,
    };
  }

  #document(event: Event, verdict: Verdict | null, alwaysFullLog: boolean): Document {
    const identity = { hostname: "vm", cluster: null };
    const options = { identity, clock: this.#clock, alwaysFullLog, showLevelZero: false };
    return comparable(JSON.parse(eventDocument(event, verdict, options)));
  }
}
