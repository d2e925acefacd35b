/** The checksum file of a day: digests of its output and of the checksum file of the day before, so that days form a chain. */
import { createHash } from "node:crypto";

const ALGORITHMS = ["md5", "sha1", "sha256"] as const;
/** As the peer pads them (wazuh v4.14.7: src/monitord/sign_log.c). */
const LABELS = { md5: "MD5  ", sha1: "SHA1 ", sha256: "SHA256 " } as const;

/** In hex, in the order of the file; null for what is not there. */
export type Digests = readonly [md5: string, sha1: string, sha256: string] | null;

/** Digests of bytes that come in pieces. */
export class DigestSet {
  readonly #md5 = createHash("md5");
  readonly #sha1 = createHash("sha1");
  readonly #sha256 = createHash("sha256");

  update(bytes: Uint8Array): void {
    this.#md5.update(bytes);
    this.#sha1.update(bytes);
    this.#sha256.update(bytes);
  }

  finish(): Digests {
    return [this.#md5.digest("hex"), this.#sha1.digest("hex"), this.#sha256.digest("hex")];
  }
}

function paragraph(title: string, path: string, digests: Digests): string {
  const lines = ALGORITHMS.map((name, index) => `${LABELS[name]}(${path}) = ${digests?.[index] ?? "none"}\n`);
  return `${title} checksum:\n${lines.join("")}\n`;
}

/** `path` is the day's, without part number and extension; `chainedPath` that of the checksum file before. */
export function sumText(path: string, digests: Digests, chainedPath: string, chained: Digests): string {
  return paragraph("Current", path, digests) + paragraph("Chained", chainedPath, chained);
}
