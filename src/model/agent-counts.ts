/** What passed between the manager and one agent since it was first heard. */

export type SentKind = "ack" | "ar" | "request" | "sca" | "shared";

export type AgentCounts = {
  readonly sinceMs: number;
  /** When its last message came. */
  readonly lastMs: number;
  readonly keepalives: number;
  readonly startups: number;
  readonly shutdowns: number;
  readonly requestAnswers: number;
  readonly events: number;
  readonly sent: Readonly<Record<SentKind, number>>;
  readonly notSent: number;
  /** Messages that its counters show to be missing: lost on the way to a UDP socket, or in front of it. */
  readonly missing: number;
};
