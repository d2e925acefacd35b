/** Seals and opens the payloads of a connection: small ones at once, large ones in a thread of their own. */
import { type FernetKey, IV_BYTES, open, seal } from "#formats/wire/cluster/fernet.ts";
import { SEAL_INLINE_BYTES_MAX } from "./limits.ts";
import type { ClusterNeeds } from "./needs.ts";

export class Cipher {
  readonly #key: FernetKey;
  readonly #needs: Pick<ClusterNeeds, "clock" | "random" | "heavy">;

  constructor(key: FernetKey, needs: Pick<ClusterNeeds, "clock" | "random" | "heavy">) {
    this.#key = key;
    this.#needs = needs;
  }

  seal(plain: Buffer): Buffer | Promise<Buffer> {
    const { clock, random, heavy } = this.#needs;
    const stamp = { seconds: Math.floor(clock.wallMs() / 1000), iv: random.bytes(IV_BYTES) };
    if (plain.length <= SEAL_INLINE_BYTES_MAX) return seal(this.#key, plain, stamp);
    return heavy.run({ kind: "seal", key: this.#key, plain, stamp }).then(asBuffer);
  }

  /** Null for what was not sealed with the cluster's key. */
  open(token: Buffer): Buffer | null | Promise<Buffer | null> {
    if (token.length <= SEAL_INLINE_BYTES_MAX) return open(this.#key, token);
    return this.#needs.heavy
      .run({ kind: "open", key: this.#key, token })
      .then((plain) => (plain === null ? null : asBuffer(plain)));
  }
}

/** What comes from another thread is no Buffer any more. */
function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
