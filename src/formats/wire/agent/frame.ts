/**
 * Frames of the agent TCP stream: a four-byte little-endian payload length, then the payload.
 *
 * Pure: bytes in, frames out; the socket and its timeouts belong to `connection/`.
 * Memory held per connection is bounded by one payload, and by twice what was received of it: a header alone,
 * which any stranger can send, does not reserve the length that it announces.
 */
import assert from "node:assert/strict";

/** The manager hangs up on a longer frame, so encoding one is a bug on our side. The peer's OS_MAXSTR. */
export const PAYLOAD_BYTES_MAX = 65_536;
const HEADER_BYTES = 4;
/** The least room made for a payload that comes in pieces; nearly every real one fits. */
const PAYLOAD_BYTES_FIRST = 1024;
const NOTHING = Buffer.alloc(0);

/** After a violation the stream cannot be resynchronised: log the code, close the connection. */
export type FrameViolation = { readonly code: "frame_too_long"; readonly payloadBytes: number };

/** `frames` holds what was complete before the violation: those were valid and are delivered. */
export type PushResult = {
  readonly frames: readonly Buffer[];
  readonly violation: FrameViolation | null;
};

export function encodeFrame(payload: Uint8Array): Buffer {
  assert(payload.length <= PAYLOAD_BYTES_MAX, `frame payload of ${payload.length} bytes`);
  const frame = Buffer.allocUnsafe(HEADER_BYTES + payload.length);
  frame.writeUInt32LE(payload.length, 0);
  frame.set(payload, HEADER_BYTES);
  return frame;
}

export class FrameDecoder {
  readonly #header = Buffer.alloc(HEADER_BYTES);
  #payload: Buffer | null = null; // null while the header is being filled
  #payloadBytes = 0; // announced by the header
  #filledBytes = 0; // of the header or of the payload, whichever is being filled
  #violated = false;

  /** True when the peer closed inside a frame: worth a log line, never an error. */
  get midFrame(): boolean {
    return this.#payload !== null || this.#filledBytes > 0;
  }

  /** Bytes reserved for the frame that is being received. */
  get heldBytes(): number {
    return this.#payload?.length ?? 0;
  }

  /** Takes the next bytes of the stream. The frames returned are copies: the chunk may be reused. */
  push(chunk: Uint8Array): PushResult {
    assert(!this.#violated, "push after a violation");
    const frames: Buffer[] = [];
    let offset = 0;
    while (offset < chunk.length) {
      if (this.#payload === null) {
        offset += this.#fill(this.#header, chunk, offset, HEADER_BYTES);
        if (this.#filledBytes < HEADER_BYTES) break;
        const payloadBytes = this.#header.readUInt32LE(0);
        if (payloadBytes > PAYLOAD_BYTES_MAX) {
          this.#violated = true;
          return { frames, violation: { code: "frame_too_long", payloadBytes } };
        }
        this.#payloadBytes = payloadBytes;
        this.#payload = NOTHING;
        this.#filledBytes = 0;
      }
      const payload = this.#roomFor(this.#payload, chunk.length - offset);
      offset += this.#fill(payload, chunk, offset, this.#payloadBytes);
      // An empty payload is complete as soon as its header is.
      if (this.#filledBytes === this.#payloadBytes) {
        frames.push(payload);
        this.#payload = null;
        this.#filledBytes = 0;
      }
    }
    return { frames, violation: null };
  }

  #fill(target: Buffer, chunk: Uint8Array, offset: number, targetBytes: number): number {
    const taken = Math.min(targetBytes - this.#filledBytes, chunk.length - offset);
    target.set(chunk.subarray(offset, offset + taken), this.#filledBytes);
    this.#filledBytes += taken;
    return taken;
  }

  /** The payload buffer, grown when the next bytes do not fit: for those bytes, and at least twofold. */
  #roomFor(payload: Buffer, availableBytes: number): Buffer {
    const neededBytes = Math.min(this.#payloadBytes, this.#filledBytes + availableBytes);
    if (neededBytes <= payload.length) return payload;
    const roomBytes = Math.max(neededBytes, 2 * payload.length, PAYLOAD_BYTES_FIRST);
    const grown = Buffer.allocUnsafe(Math.min(this.#payloadBytes, roomBytes));
    grown.set(payload.subarray(0, this.#filledBytes));
    this.#payload = grown;
    return grown;
  }
}
