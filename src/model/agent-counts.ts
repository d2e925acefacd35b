/** What passed between the manager and one agent since it was first heard. */

export type SentKind = "ack" | "ar" | "request" | "sca" | "shared";

export type AgentCounts = {
  readonly sinceMs: number;
  readonly keepalives: number;
  readonly startups: number;
  readonly shutdowns: number;
  readonly requestAnswers: number;
  readonly events: number;
  readonly sent: Readonly<Record<SentKind, number>>;
  readonly notSent: number;
};
