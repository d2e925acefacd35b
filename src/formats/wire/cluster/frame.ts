/**
 * Frames between the nodes of a cluster and on the daemon's local socket: a header of 20 bytes, then the payload. A long message is cut
 * into several frames of one counter. wazuh v4.14.7: framework/wazuh/core/cluster/common.py.
 *
 * Pure: what a payload means, and its sealing, are others'. Memory for one connection is bounded by `MESSAGE_BYTES_MAX` for the frame
 * that arrives and as much for all divided messages together, and by `STRANGER_PAYLOAD_BYTES_MAX` until `admit()` was called.
 */
import assert from "node:assert/strict";
import { FillingBuffer } from "./filling-buffer.ts";

export const HEADER_BYTES = 20;
/** A plain payload up to this is one frame; a longer message is cut into frames of this size with their header. */
export const CHUNK_BYTES = 5_242_880;
/** The peer closes the connection above it (since 4.14.5). */
export const MESSAGE_BYTES_MAX = 268_435_456;
/** The peer closes the connection at one more (since 4.14.5). */
export const DIVIDED_MESSAGES_MAX = 10;
/** Of one divided message. The largest has 52 in chunks of the usual size; a peer short of memory halves its chunks. */
export const DIVIDED_PARTS_MAX = 1024;
/** A hello has well under 1 KiB; who has not shown that it knows the key gets no more memory than this. */
export const STRANGER_PAYLOAD_BYTES_MAX = 16_384;

const COMMAND_OFFSET = 8;
const COMMAND_BYTES = 12;
const DIVISION_OFFSET = HEADER_BYTES - 1;
/** Of the name: the last byte of the field says whether more frames follow. */
export const COMMAND_NAME_BYTES_MAX = COMMAND_BYTES - 1;
const MORE_FOLLOWS = "d".charCodeAt(0);

export type FrameHead = { readonly counter: number; readonly command: string };

/** `payload` is as it came: sealed between nodes, plain on the local socket. `command` has one char a byte. */
export type Message = FrameHead & { readonly payload: Buffer };

/** The connection cannot go on: log it and close. */
export type FrameViolation =
  | { readonly code: "payload_too_large"; readonly bytes: number; readonly bytesMax: number }
  | { readonly code: "stranger_payload_too_large"; readonly bytes: number }
  | { readonly code: "stranger_divided" }
  | { readonly code: "too_many_divided_messages" }
  | { readonly code: "too_many_parts" };

export type NextMessage =
  | { readonly kind: "message"; readonly message: Message }
  | { readonly kind: "violation"; readonly violation: FrameViolation };

function encodeFrame({ counter, command }: FrameHead, payload: Uint8Array, moreFollow: boolean): Buffer {
  assert(command.length <= COMMAND_NAME_BYTES_MAX, `command of ${command.length} bytes`);
  const frame = Buffer.allocUnsafe(HEADER_BYTES + payload.length);
  frame.writeUInt32BE(counter, 0);
  frame.writeUInt32BE(payload.length, 4);
  frame.write(`${command} `.padEnd(COMMAND_BYTES, "-"), COMMAND_OFFSET, "latin1");
  if (moreFollow) frame[DIVISION_OFFSET] = MORE_FOLLOWS;
  frame.set(payload, HEADER_BYTES);
  return frame;
}

/**
 * The frames of one message. `payload` is what goes over the wire; whether it is cut depends on `plainBytes`, its length before sealing.
 * Each frame must be one write: the peer loses its place when a read ends exactly behind a header.
 */
export function encodeMessage(head: FrameHead, payload: Uint8Array, plainBytes: number): Buffer[] {
  assert(payload.length <= MESSAGE_BYTES_MAX, `message of ${payload.length} bytes`);
  if (plainBytes <= CHUNK_BYTES) return [encodeFrame(head, payload, false)];
  const partBytes = CHUNK_BYTES - HEADER_BYTES;
  const frames: Buffer[] = [];
  let offset = 0;
  while (payload.length - offset >= partBytes) {
    frames.push(encodeFrame(head, payload.subarray(offset, offset + partBytes), true));
    offset += partBytes;
  }
  frames.push(encodeFrame(head, payload.subarray(offset), false));
  return frames;
}

type Divided = { readonly parts: Buffer[]; bytes: number };
type Frame = Message & { readonly moreFollow: boolean };

/** Messages out of a stream, one at a time: the next one is looked for when the caller is done with the last. */
export class MessageReader {
  readonly #chunks: Buffer[] = [];
  #header = new FillingBuffer(HEADER_BYTES);
  #payload: FillingBuffer | null = null; // null while the header is being filled
  readonly #divided = new Map<number, Divided>();
  #dividedBytes = 0;
  #isAdmitted: boolean;
  #hasFailed = false;
  #framesRead = 0;

  constructor(options: { readonly isAdmitted: boolean }) {
    this.#isAdmitted = options.isAdmitted;
  }

  /** A message of this connection has verified: from here on the peer's limits count. */
  admit(): void {
    this.#isAdmitted = true;
  }

  /** Number of the frame that has begun and is not complete, for its deadline; null between frames. */
  get openFrame(): number | null {
    return this.#payload !== null || this.#header.filledBytes > 0 ? this.#framesRead : null;
  }

  /** Memory of messages that are not complete. */
  get heldBytes(): number {
    return this.#dividedBytes + (this.#payload?.heldBytes ?? 0);
  }

  /** The chunk is kept until it was read. */
  push(chunk: Buffer): void {
    if (chunk.length > 0) this.#chunks.push(chunk);
  }

  /** Null when more bytes are needed. */
  next(): NextMessage | null {
    for (;;) {
      assert(!this.#hasFailed, "next after a violation");
      const frame = this.#nextFrame();
      if (frame === null) return null;
      const result = "code" in frame ? frame : this.#assemble(frame);
      if (result === null) continue;
      if (!("code" in result)) return { kind: "message", message: result };
      this.#hasFailed = true;
      return { kind: "violation", violation: result };
    }
  }

  #nextFrame(): Frame | FrameViolation | null {
    if (this.#payload === null) {
      this.#fill(this.#header);
      if (!this.#header.isFull) return null;
      const bytes = this.#header.bytes().readUInt32BE(4);
      const violation = this.#sizeViolation(bytes);
      if (violation !== null) return violation;
      this.#payload = new FillingBuffer(bytes);
    }
    this.#fill(this.#payload);
    if (!this.#payload.isFull) return null;
    const header = this.#header.bytes();
    const frame = {
      counter: header.readUInt32BE(0),
      command: commandName(header),
      moreFollow: header[DIVISION_OFFSET] === MORE_FOLLOWS,
      payload: this.#payload.bytes(),
    };
    this.#header = new FillingBuffer(HEADER_BYTES);
    this.#payload = null;
    this.#framesRead++;
    return frame;
  }

  #fill(target: FillingBuffer): void {
    while (!target.isFull) {
      const chunk = this.#chunks[0];
      if (chunk === undefined) return;
      const takenBytes = target.push(chunk);
      if (takenBytes === chunk.length) this.#chunks.shift();
      else this.#chunks[0] = chunk.subarray(takenBytes);
    }
  }

  #sizeViolation(bytes: number): FrameViolation | null {
    if (!this.#isAdmitted && bytes > STRANGER_PAYLOAD_BYTES_MAX) {
      return { code: "stranger_payload_too_large", bytes };
    }
    return bytes > MESSAGE_BYTES_MAX ? tooLarge(bytes) : null;
  }

  /** The whole message when `frame` ends one. */
  #assemble(frame: Frame): Message | FrameViolation | null {
    const { counter, command, payload, moreFollow } = frame;
    const known = this.#divided.get(counter);
    if (known === undefined && !moreFollow) return { counter, command, payload };
    if (!this.#isAdmitted) return { code: "stranger_divided" };
    if (this.#dividedBytes + payload.length > MESSAGE_BYTES_MAX) {
      return tooLarge(this.#dividedBytes + payload.length);
    }
    if (known === undefined && this.#divided.size >= DIVIDED_MESSAGES_MAX) {
      return { code: "too_many_divided_messages" };
    }
    const divided = known ?? { parts: [], bytes: 0 };
    if (divided.parts.length >= DIVIDED_PARTS_MAX) return { code: "too_many_parts" };
    divided.parts.push(payload);
    divided.bytes += payload.length;
    this.#dividedBytes += payload.length;
    if (moreFollow) {
      this.#divided.set(counter, divided);
      return null;
    }
    this.#divided.delete(counter);
    this.#dividedBytes -= divided.bytes;
    return { counter, command, payload: Buffer.concat(divided.parts, divided.bytes) };
  }
}

function tooLarge(bytes: number): FrameViolation {
  return { code: "payload_too_large", bytes, bytesMax: MESSAGE_BYTES_MAX };
}

function commandName(header: Buffer): string {
  const name = header.toString("latin1", COMMAND_OFFSET, DIVISION_OFFSET);
  const end = name.indexOf(" ");
  return end === -1 ? name : name.slice(0, end);
}
