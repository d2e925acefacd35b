/**
 * What passed between the manager and one agent since it was first heard: a few counters, so that they can be kept for every agent.
 *
 * Messages to an agent are told apart by how they begin, as the peer's own statistics name them.
 */
import type { AgentCounts, SentKind } from "#model/agent-counts.ts";

export type ReceivedKind = "keepalives" | "startups" | "shutdowns" | "requestAnswers" | "events";

/** The first that fits counts; files that are pushed have no head of their own. */
const HEADS: readonly (readonly [SentKind, Buffer])[] = [
  ["ack", Buffer.from("#!-agent ack ")],
  ["request", Buffer.from("#!-req ")],
  ["ar", Buffer.from("#!-execd ")],
  ["sca", Buffer.from("#!-sca-dump")],
];

export function sentKindOf(message: Uint8Array): SentKind {
  const found = HEADS.find(([, head]) => head.equals(message.subarray(0, head.length)));
  return found?.[0] ?? "shared";
}

export class AgentStatistics {
  #sinceMs: number | null = null;
  readonly #received = { keepalives: 0, startups: 0, shutdowns: 0, requestAnswers: 0, events: 0 };
  readonly #sent = { ack: 0, ar: 0, request: 0, sca: 0, shared: 0 };
  #notSent = 0;
  #lastMs = 0;
  #missing = 0;

  received(kind: ReceivedKind, wallMs: number): void {
    this.#sinceMs ??= wallMs;
    this.#lastMs = wallMs;
    this.#received[kind]++;
  }

  /** Gives what it was. */
  sent(message: Uint8Array): SentKind {
    const kind = sentKindOf(message);
    this.#sent[kind]++;
    return kind;
  }

  sentParts(count: number): void {
    this.#sent.shared += count;
  }

  notSent(): void {
    this.#notSent++;
  }

  missed(messages: number): void {
    this.#missing += messages;
  }

  /** Null until the agent said something. */
  get counts(): AgentCounts | null {
    if (this.#sinceMs === null) return null;
    const sent = { ...this.#sent };
    return {
      sinceMs: this.#sinceMs,
      lastMs: this.#lastMs,
      ...this.#received,
      sent,
      notSent: this.#notSent,
      missing: this.#missing,
    };
  }
}
