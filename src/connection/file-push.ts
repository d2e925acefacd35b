/**
 * Sends files to agents, a little at a time and to all in turn.
 *
 * Events come first: between two turns of a few milliseconds the thread is everybody's, and no agent is given more than it takes. A
 * push belongs to one connection; the agent that comes back on another one is sent the file from its beginning.
 */
import { FILE_END, filePartEnd, fileStart } from "#formats/wire/agent/file-message.ts";
import type { Clock, Timer } from "#kernel/ports/clock.ts";
import type { AgentId } from "#model/agent.ts";
import type { AgentLink, AgentTable } from "./agent-table.ts";
import type { ConnectionEvents } from "./events.ts";
import {
  DATAGRAM_PARTS_IN_A_ROW,
  DATAGRAM_PAUSE_MS,
  PUSH_IDLE_PAUSE_MS,
  PUSH_PAUSE_MS,
  PUSH_PENDING_BYTES_MAX,
  PUSH_STALLED_MS_MAX,
  PUSH_TURN_BYTES,
  PUSH_VISIT_PARTS,
  PUSHES_MAX,
} from "./limits.ts";
import type { PushOutcome, PushReports } from "./needs.ts";

export type FilePush = {
  readonly agentId: AgentId;
  /** MD5 of the bytes. */
  readonly sum: string;
  /** As the agent names the file. */
  readonly fileName: string;
  /** As the log names it. */
  readonly shownName: string;
  /** Without a NUL byte. They may be shared by any number of pushes. */
  readonly bytes: Uint8Array;
};

type ActivePush = {
  readonly push: FilePush;
  readonly link: AgentLink;
  /** How much was sent; null before the message that begins the file. */
  at: number | null;
  notBeforeMs: number;
  lastProgressMs: number;
};

export type FilePushNeeds = {
  readonly clock: Clock;
  readonly table: AgentTable;
  readonly events: ConnectionEvents;
  readonly reports: PushReports;
};

export class FilePushes {
  readonly #needs: FilePushNeeds;
  #waiting: FilePush[] = [];
  /** The first is the next one to get something. */
  readonly #active = new Set<ActivePush>();
  #timer: Timer | null = null;

  constructor(needs: FilePushNeeds) {
    this.#needs = needs;
  }

  get size(): number {
    return this.#active.size + this.#waiting.length;
  }

  /** `PushReports.pushEnded` is told of the end in any case, after this call. The caller asks once for an agent at a time. */
  add(push: FilePush): void {
    this.#waiting.push(push);
    this.#timer ??= this.#needs.clock.after(0, () => this.#turn());
  }

  /** Nobody is told. */
  stop(): void {
    this.#timer?.cancel();
    this.#timer = null;
    this.#waiting = [];
    this.#active.clear();
  }

  #turn(): void {
    const { clock } = this.#needs;
    const nowMs = clock.monotonicMs();
    this.#begin(nowMs);
    let bytesLeft = PUSH_TURN_BYTES;
    let idleVisits = 0;
    while (bytesLeft > 0 && idleVisits < this.#active.size) {
      const [next] = this.#active;
      if (next === undefined) break;
      this.#active.delete(next);
      const bytes = this.#visit(next, nowMs);
      if (bytes === null) continue; // it has ended
      this.#active.add(next);
      idleVisits = bytes === 0 ? idleVisits + 1 : 0;
      bytesLeft -= bytes;
    }
    const pauseMs = bytesLeft === PUSH_TURN_BYTES ? PUSH_IDLE_PAUSE_MS : PUSH_PAUSE_MS;
    this.#timer = this.size === 0 ? null : clock.after(pauseMs, () => this.#turn());
  }

  #begin(nowMs: number): void {
    const { events, table } = this.#needs;
    const begun = this.#waiting.splice(0, PUSHES_MAX - this.#active.size);
    for (const push of begun) {
      const link = table.byId(push.agentId)?.link ?? null;
      if (link?.greeted !== true) {
        this.#ended(push, "not_connected");
        continue;
      }
      events.sendingFile(push.shownName, push.agentId);
      this.#active.add({ push, link, at: null, notBeforeMs: nowMs, lastProgressMs: nowMs });
    }
  }

  /** The bytes of the file that the agent was given; null when the push has ended. */
  #visit(active: ActivePush, nowMs: number): number | null {
    const { push, link } = active;
    if (!link.greeted || nowMs - active.lastProgressMs > PUSH_STALLED_MS_MAX) {
      this.#ended(push, link.greeted ? "stalled" : "not_connected");
      return null;
    }
    if (nowMs < active.notBeforeMs || link.pendingBytes > PUSH_PENDING_BYTES_MAX) return 0;
    const { parts, at, last } = this.#nextParts(active);
    if (!link.sendParts(parts)) return 0;
    const bytes = at - (active.at ?? 0);
    active.at = at;
    active.lastProgressMs = nowMs;
    if (link.losesParts) active.notBeforeMs = nowMs + DATAGRAM_PAUSE_MS;
    if (!last) return bytes;
    this.#ended(push, "sent");
    return null;
  }

  #nextParts({ push, link, at: sentBytes }: ActivePush): {
    readonly parts: readonly Uint8Array[];
    readonly at: number;
    readonly last: boolean;
  } {
    const { bytes, fileName, sum } = push;
    const partsMax = link.losesParts ? DATAGRAM_PARTS_IN_A_ROW : PUSH_VISIT_PARTS;
    const parts: Uint8Array[] = sentBytes === null ? [fileStart(sum, fileName)] : [];
    let at = sentBytes ?? 0;
    while (at < bytes.length && parts.length < partsMax) {
      const end = filePartEnd(bytes, at);
      parts.push(bytes.subarray(at, end));
      at = end;
    }
    const last = at === bytes.length && parts.length < partsMax;
    if (last) parts.push(FILE_END);
    return { parts, at, last };
  }

  #ended({ agentId, sum }: FilePush, outcome: PushOutcome): void {
    const { events, reports } = this.#needs;
    events.count(outcome === "sent" ? "agent_files_sent" : "agent_files_not_sent");
    reports.pushEnded(agentId, sum, outcome);
  }
}
