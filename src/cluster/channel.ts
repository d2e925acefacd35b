/**
 * One connection: requests and answers both ways. It reads frames, opens them, tells answers from requests, seals and sends.
 *
 * What a request means is the handlers'; who the other side is, and its strings and files, are `session.ts`'s. Messages are handled in the order in
 * which they came and leave in the order in which they were given, however long sealing one takes. What waits here is bounded: nothing is read while a large
 * message is being opened or too much waits to be sent.
 */
import { byteLiteral } from "#formats/wire/cluster/byte-literal.ts";
import { isReplyWord } from "#formats/wire/cluster/commands.ts";
import { clusterError, internalError, readErrorReply } from "#formats/wire/cluster/exceptions.ts";
import { sealedBytes } from "#formats/wire/cluster/fernet.ts";
import {
  encodeMessage,
  type FrameHead,
  type FrameViolation,
  MESSAGE_BYTES_MAX,
  type Message,
  MessageReader,
} from "#formats/wire/cluster/frame.ts";
import { messageOf } from "#kernel/errors.ts";
import type { Timer } from "#kernel/ports/clock.ts";
import type { Log } from "#kernel/ports/log.ts";
import type { Connection } from "#kernel/ports/network.ts";
import type { Cipher } from "./cipher.ts";
import type { HeldMemory, Holder } from "./held-memory.ts";
import {
  FRAME_DEADLINE_MS,
  OUTPUT_BYTES_MAX,
  REQUEST_TIMEOUT_MS,
  REQUESTS_OUTSTANDING_MAX,
} from "./limits.ts";
import type { ClusterNeeds } from "./needs.ts";
import { failed, type Handler, type Reply, type RequestOutcome, refused, unknownCommand } from "./replies.ts";

export type Link = Pick<Connection, "pendingBytes" | "write" | "pause" | "resume" | "destroy">;

export type ChannelOptions = {
  readonly link: Link;
  /** Null on the local socket, where nothing is sealed and everybody who may connect is trusted with the limits. */
  readonly cipher: Cipher | null;
  /** Of this connection; the texts are the peer's. */
  readonly log: Log;
  readonly handlerOf: (command: string) => Handler | null;
  /** Where this connection's share of the memory is counted; `ofOwner` is what others hold on its behalf. Absent on the local socket. */
  readonly memory?: { readonly shared: HeldMemory; readonly ofOwner: () => number };
  /** Called once, whoever ended the connection; `error` when it was for what the other side sent. */
  readonly closed: (error: string | null) => void;
};

type Outstanding = {
  readonly command: string;
  readonly timer: Timer;
  readonly settle: (outcome: RequestOutcome) => void;
};
/** A message on its way out; null until it is sealed. */
type Outgoing = { frames: readonly Buffer[] | null; readonly plainBytes: number };

const COUNTERS = 2 ** 32;

export type ChannelNeeds = Pick<ClusterNeeds, "clock" | "random" | "metrics">;

export class Channel implements Holder {
  readonly #options: ChannelOptions;
  readonly #needs: ChannelNeeds;
  readonly #reader: MessageReader;
  readonly #outstanding = new Map<number, Outstanding>();
  readonly #outgoing: Outgoing[] = [];
  #outgoingBytes = 0;
  #openingBytes = 0;
  #counter: number;
  #state: "reading" | "opening" | "full" | "closed" = "reading";
  #deadline: { readonly frame: number; readonly timer: Timer } | null = null;

  constructor(options: ChannelOptions, needs: ChannelNeeds) {
    this.#options = options;
    this.#needs = needs;
    this.#reader = new MessageReader({ isAdmitted: options.cipher === null });
    this.#counter = needs.random.below(COUNTERS);
  }

  get isClosed(): boolean {
    return this.#state === "closed";
  }

  /** Never rejects: an answer of `err`, a timeout and a lost connection are outcomes. */
  request(command: string, payload: Buffer): Promise<RequestOutcome> {
    if (this.isClosed) return Promise.resolve(failed(clusterError(3018, "connection closed")));
    if (this.#outstanding.size >= REQUESTS_OUTSTANDING_MAX) {
      return Promise.resolve(failed(clusterError(3018, "too many requests without an answer")));
    }
    if (this.#isTooLarge(payload)) return Promise.resolve(failed(clusterError(3050)));
    const counter = this.#nextCounter();
    return new Promise((settle) => {
      const timer = this.#needs.clock.after(REQUEST_TIMEOUT_MS, () =>
        this.#settle(counter, failed(clusterError(3020, command))),
      );
      this.#outstanding.set(counter, { command, timer, settle });
      this.#send({ counter, command }, payload);
    });
  }

  /** Bytes of the stream. */
  data(chunk: Buffer): void {
    if (this.isClosed) return;
    this.#reader.push(chunk);
    this.#readOn();
    this.#account();
  }

  giveUp(): void {
    this.#needs.metrics.add("cluster_memory_refusals");
    this.#warn("Closing connection: all connections together hold too much, and this one most.");
  }

  drained(): void {
    if (this.#state !== "full") return;
    this.#state = "reading";
    this.#options.link.resume();
    this.#readOn();
    this.#account();
  }

  /** Ends the connection; safe to call again, and when the other side has ended it. */
  close(error: string | null = null): void {
    if (this.isClosed) return;
    this.#state = "closed";
    this.#deadline?.timer.cancel();
    this.#outgoing.length = 0;
    this.#options.link.destroy();
    for (const counter of [...this.#outstanding.keys()]) {
      this.#settle(counter, failed(clusterError(3018, "connection closed")));
    }
    this.#options.closed(error);
    this.#account();
  }

  #account(): void {
    const { link, memory } = this.#options;
    if (memory === undefined) return;
    const own = this.#reader.heldBytes + this.#openingBytes + this.#outgoingBytes + link.pendingBytes;
    memory.shared.set(this, this.isClosed ? 0 : own + memory.ofOwner());
  }

  #readOn(): void {
    while (this.#state === "reading") {
      if (this.#outgoingBytes + this.#options.link.pendingBytes > OUTPUT_BYTES_MAX) {
        this.#hold("full");
        return;
      }
      const next = this.#reader.next();
      this.#watchDeadline();
      if (next === null) return;
      if (next.kind === "violation") this.#violated(next.violation);
      else this.#open(next.message);
    }
  }

  /** The other side cannot send the rest of a frame meanwhile, so its deadline starts anew afterwards. */
  #hold(state: "opening" | "full"): void {
    this.#state = state;
    this.#deadline?.timer.cancel();
    this.#deadline = null;
    this.#options.link.pause();
  }

  #watchDeadline(): void {
    const frame = this.#reader.openFrame;
    if (frame === (this.#deadline?.frame ?? null)) return;
    this.#deadline?.timer.cancel();
    this.#deadline = null;
    if (frame === null) return;
    const timer = this.#needs.clock.after(FRAME_DEADLINE_MS, () => {
      this.#needs.metrics.add("cluster_frames_late");
      this.#warn("Closing connection: incomplete message payload not received within deadline.");
    });
    this.#deadline = { frame, timer };
  }

  #open(message: Message): void {
    const opened = this.#options.cipher?.open(message.payload) ?? null;
    if (this.#options.cipher === null) this.#take(message, message.payload);
    else if (opened instanceof Promise) {
      this.#hold("opening");
      this.#openingBytes = message.payload.length;
      opened.then(
        (plain) => this.#openedLate(message, plain),
        (error) => this.close(messageOf(error)),
      );
    } else this.#take(message, opened);
  }

  #openedLate(message: Message, plain: Buffer | null): void {
    this.#openingBytes = 0;
    if (this.isClosed) return;
    this.#state = "reading";
    this.#take(message, plain);
    if (this.#state === "reading") {
      this.#options.link.resume();
      this.#readOn();
    }
    this.#account();
  }

  #take({ counter, command }: FrameHead, plain: Buffer | null): void {
    if (plain === null) {
      this.#needs.metrics.add("cluster_payloads_unverified");
      this.close(clusterError(3025).text);
      return;
    }
    this.#reader.admit();
    // A request of the other side may have a counter that is also ours, so the word counts too.
    if (isReplyWord(command) && this.#outstanding.has(counter)) {
      this.#settle(counter, outcomeOf(command, plain));
      return;
    }
    const handler = this.#options.handlerOf(command);
    // An answer that came too late has nobody who waits for it.
    if (handler === null && isReplyWord(command)) return;
    this.#options.log.write("debug", `Command received: ${byteLiteral(command)}`);
    if (handler !== null) this.#handle({ counter, command }, handler, plain);
    else {
      this.#needs.metrics.add("cluster_commands_unknown");
      this.#reply(counter, unknownCommand(command));
    }
  }

  #handle({ counter, command }: FrameHead, handler: Handler, payload: Buffer): void {
    const failure = (error: unknown): Reply => {
      const text = messageOf(error);
      this.#needs.metrics.add("cluster_requests_failed");
      this.#options.log.write(
        "error",
        `Unhandled error processing request '${byteLiteral(command)}': ${text}`,
      );
      return refused(internalError(text));
    };
    let reply: ReturnType<Handler>;
    try {
      reply = handler(payload);
    } catch (error) {
      reply = failure(error);
    }
    if (reply instanceof Promise) reply.catch(failure).then((late) => this.#reply(counter, late));
    else this.#reply(counter, reply);
  }

  #reply(counter: number, reply: Reply | null): void {
    if (reply === null || this.isClosed) return;
    const sent = this.#isTooLarge(reply.payload) ? refused(clusterError(3050)) : reply;
    this.#send({ counter, command: sent.word }, sent.payload);
  }

  #isTooLarge({ length }: Buffer): boolean {
    return (this.#options.cipher === null ? length : sealedBytes(length)) > MESSAGE_BYTES_MAX;
  }

  #send(head: FrameHead, plain: Buffer): void {
    const outgoing: Outgoing = { frames: null, plainBytes: plain.length };
    this.#outgoing.push(outgoing);
    this.#outgoingBytes += plain.length;
    const sealed = this.#options.cipher?.seal(plain) ?? plain;
    const ready = (payload: Buffer) => {
      outgoing.frames = encodeMessage(head, payload, plain.length);
      this.#sendReady();
    };
    if (sealed instanceof Promise) sealed.then(ready, (error) => this.close(messageOf(error)));
    else ready(sealed);
  }

  /** Each frame is one write: the peer's reader loses its place when a read ends right behind a header. */
  #sendReady(): void {
    for (;;) {
      const first = this.#outgoing[0];
      if (this.isClosed || first === undefined || first.frames === null) return;
      this.#outgoing.shift();
      this.#outgoingBytes -= first.plainBytes;
      for (const frame of first.frames) this.#options.link.write(frame);
      if (this.#state === "full" && this.#options.link.pendingBytes === 0) this.drained();
    }
  }

  #settle(counter: number, outcome: RequestOutcome): void {
    const waiting = this.#outstanding.get(counter);
    if (waiting === undefined) return;
    this.#outstanding.delete(counter);
    waiting.timer.cancel();
    waiting.settle(outcome);
  }

  #nextCounter(): number {
    do this.#counter = (this.#counter + 1) % COUNTERS;
    while (this.#outstanding.has(this.#counter));
    return this.#counter;
  }

  #violated(violation: FrameViolation): void {
    this.#needs.metrics.add("cluster_frames_refused");
    switch (violation.code) {
      case "payload_too_large": {
        const sizes = `${violation.bytes} bytes received, but the maximum allowed is ${violation.bytesMax} bytes.`;
        this.#warn(
          `[Cluster] Payload too large. Possible DoS attempt. Details: ${sizes} Closing connection.`,
        );
        return;
      }
      case "too_many_divided_messages":
        this.close(clusterError(3051).text);
        return;
      default:
        this.#warn(`Closing connection: ${violation.code.replaceAll("_", " ")}.`);
    }
  }

  #warn(text: string): void {
    this.#options.log.write("warning", text);
    this.close();
  }
}

function outcomeOf(word: string, payload: Buffer): RequestOutcome {
  switch (word) {
    case "err":
      return failed(readErrorReply(payload));
    case "error":
      return failed(clusterError(3016, payload.toString("latin1", 0, 1024)));
    default:
      return { kind: "ok", payload };
  }
}
