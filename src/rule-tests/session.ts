/**
 * One session of the log test: an engine of its own that remembers what came before, and the document that the peer's log test shows.
 *
 * Pure: the time of each event is given by the caller. Texts are latin1 strings.
 */
import assert from "node:assert/strict";
import { eventDocument, type ManagerIdentity, type Verdict } from "#analysis/alert/document.ts";
import { MEMORY_EVENTS_DEFAULT } from "#analysis/correlate/event-memory.ts";
import { type CompiledRuleset, Engine } from "#analysis/engine.ts";
import type { Event } from "#analysis/event.ts";
import type { Trace } from "#analysis/trace/trace.ts";
import { splitQueueMessage } from "#formats/wire/agent/queue-message.ts";
import { LocalClock } from "#kernel/local-time.ts";

/** `<alerts>` of the configuration that the peer ships. */
export const SHIPPED_ALERT_LEVELS = { log: 3, mail: 12 } as const;

/** Where an event comes from when nobody says (wazuh v4.14.7: framework/scripts/wazuh_logtest.py). */
export const LOCATION_DEFAULT = "stdin";

/** The queue of log lines, of this host or of an agent. */
const LOG_QUEUE = "1";

export type SessionEvent = {
  /** `/var/log/x`, or `[001] (name) ip->/var/log/x` for what an agent sent. */
  readonly location: string;
  readonly message: string;
  readonly receivedMs: number;
};

export type SessionResult = {
  readonly event: Event;
  /** Null when no rule held. */
  readonly verdict: Verdict | null;
  readonly alert: boolean;
};

function datagramOf(location: string, message: string): string {
  return `${LOG_QUEUE}:${location.replaceAll(/[|:]/g, "|$&")}:${message}`;
}

/** Null when events may come from there, else what is wrong with it. */
export function locationFault(location: string): string | null {
  if (location === "") return "it is empty";
  return "error" in splitQueueMessage(datagramOf(location, ""))
    ? "the agent's id has no closing bracket"
    : null;
}

export type LogSessionOptions = {
  /** How many events it remembers. */
  readonly memoryEvents?: number;
  /** Shown in documents; null without one. */
  readonly cluster?: ManagerIdentity["cluster"];
};

export class LogSession {
  readonly #engine: Engine;
  readonly #identity: ManagerIdentity;
  readonly #clock = new LocalClock();
  #position = 0;

  constructor(
    ruleset: CompiledRuleset,
    hostname: string,
    { memoryEvents = MEMORY_EVENTS_DEFAULT, cluster = null }: LogSessionOptions = {},
  ) {
    this.#engine = new Engine(ruleset, { hostname, memoryEvents, mode: "session" });
    this.#identity = { hostname, cluster };
  }

  /** Of the events that it remembers. */
  get rememberedBytes(): number {
    return this.#engine.state.memory.bytes;
  }

  /** `trace`, a new one for each event, is told its way. */
  process(
    { location, message, receivedMs }: SessionEvent,
    { trace = null }: { readonly trace?: Trace | null } = {},
  ): SessionResult {
    const parts = splitQueueMessage(datagramOf(location, message));
    assert(!("error" in parts), `no events from location ${location}`);
    const { queue, agentId, location: origin, message: text } = parts;
    const position = this.#position++;
    const raw = { position, receivedMs, queue, agentId, location: origin, message: text };
    const outcome = this.#engine.process(raw, trace);
    assert(outcome.kind === "analysed", "a session analyses every log line");
    return outcome;
  }

  /** As the log test of the peer shows an event: level 0 is in it, and an empty `decoder` is not. */
  document({ event, verdict }: SessionResult): string {
    const document = eventDocument(event, verdict, {
      identity: this.#identity,
      clock: this.#clock,
      alwaysFullLog: false,
      showLevelZero: true,
    });
    // Before the document's own `decoder` there are only texts, in which quotes are escaped: the first one found is it.
    const at = document.indexOf(EMPTY_DECODER);
    return at >= 0 && at === document.indexOf(DECODER_KEY)
      ? document.slice(0, at) + document.slice(at + EMPTY_DECODER.length)
      : document;
  }
}

const DECODER_KEY = ',"decoder":';
const EMPTY_DECODER = `${DECODER_KEY}{}`;
