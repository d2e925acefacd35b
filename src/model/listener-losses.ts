/**
 * What a listener lost, as an event of its own: whoever reads alerts learns of it, once a minute at most.
 *
 * `<daemon>: ` in front and the location are those of the peer's notices, so that the rule for it sees no text of others.
 */
import type { EventInput } from "./event-block.ts";

/** How long losses are gathered before the next event tells them. */
export const LOSS_NOTICE_PERIOD_MS = 60_000;

/** `receive_buffer`: dropped by the kernel. `journal`: the journal was full. `limit`: the sender had sent too much. */
export type LossReason = "receive_buffer" | "journal" | "limit";

export type ListenerName = {
  readonly port: number;
  readonly protocol: "UDP" | "TCP";
  /** As the line of its start calls it. */
  readonly connection: "secure" | "syslog";
};

export class ListenerLosses {
  readonly #name: ListenerName;
  readonly #byReason = new Map<LossReason, number>();
  #saidAtMs = -Infinity;

  constructor(name: ListenerName) {
    this.#name = name;
  }

  add(reason: LossReason, messages: number): void {
    if (messages > 0) this.#byReason.set(reason, (this.#byReason.get(reason) ?? 0) + messages);
  }

  /** The event that is due, or null. Call `said()` when it was accepted. */
  notice(nowMs: number, wallMs: number): (EventInput & { readonly message: string }) | null {
    if (this.#byReason.size === 0 || nowMs - this.#saidAtMs < LOSS_NOTICE_PERIOD_MS) return null;
    return {
      receivedMs: wallMs,
      queue: "1",
      agentId: "000",
      locationPrefix: "",
      location: "wazuh-remoted",
      message: this.#text(),
    };
  }

  said(nowMs: number): void {
    this.#saidAtMs = nowMs;
    this.#byReason.clear();
  }

  #text(): string {
    const { port, protocol, connection } = this.#name;
    const total = [...this.#byReason.values()].reduce((sum, messages) => sum + messages, 0);
    const reasons = [...this.#byReason].map(([reason, messages]) => `${reason} ${messages}`).join(", ");
    return `ossec: Messages lost: '${total}' on port ${port}/${protocol} (${connection}): ${reasons}.`;
  }
}
