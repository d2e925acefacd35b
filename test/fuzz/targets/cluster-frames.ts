/**
 * What comes to a node's port: frames that give the same messages however they are cut, within their bounds; tokens, of which none opens that was not
 * sealed with the key. An input is a stream, or behind `token:` a token.
 */
import assert from "node:assert/strict";
import {
  CLUSTER_KEY_BYTES,
  fernetKey,
  IV_BYTES,
  open,
  seal,
  sealedBytes,
} from "#formats/wire/cluster/fernet.ts";
import {
  encodeMessage,
  MessageReader,
  type NextMessage,
  STRANGER_PAYLOAD_BYTES_MAX,
} from "#formats/wire/cluster/frame.ts";
import type { SeededRandom } from "#testing/random.ts";
import { damagedText } from "../damage.ts";
import type { Target } from "../target.ts";

const KEY = fernetKey("k".repeat(CLUSTER_KEY_BYTES));
const TOKEN = "token:";
const BYTEWISE_BYTES_MAX = 4096;
const HEAD_BYTES = 9;
const COMMANDS = ["hello", "echo-c", "new_str", "syn_i_w_m_p", "ok", "err"];
const WORDS = [
  "d",
  "hello -----d",
  "\0\0\0\0",
  "\xff\xff\xff\xff",
  "\0\0\x40\x01",
  "\x10\0\0\0",
  "----",
  " ",
  "=",
  "gAAAAA",
  "-_+/",
];

function read(chunks: Iterable<Buffer>, isAdmitted: boolean): readonly NextMessage[] {
  const reader = new MessageReader({ isAdmitted });
  const found: NextMessage[] = [];
  let givenBytes = 0;
  for (const chunk of chunks) {
    givenBytes += chunk.length;
    reader.push(chunk);
    for (let next = reader.next(); next !== null; next = reader.next()) {
      found.push(next);
      if (next.kind === "violation") return found;
    }
    assert(reader.heldBytes <= 2 * givenBytes + 8192, `${reader.heldBytes} bytes for ${givenBytes}`);
    if (!isAdmitted) assert(reader.heldBytes <= STRANGER_PAYLOAD_BYTES_MAX);
  }
  return found;
}

function checkToken(token: Buffer): void {
  const plain = open(KEY, token);
  if (plain === null) return;
  const bytes = Buffer.from(token.toString("latin1"), "base64url");
  const stamp = { seconds: 1, iv: bytes.subarray(HEAD_BYTES, HEAD_BYTES + IV_BYTES) };
  const again = Buffer.from(seal(KEY, plain, stamp).toString("latin1"), "base64url");
  assert.equal(again.length, bytes.length);
  assert.deepEqual(
    again.subarray(HEAD_BYTES, -32),
    bytes.subarray(HEAD_BYTES, -32),
    "another text was opened",
  );
  assert(token.length >= sealedBytes(plain.length) - 2);
}

function run(input: string): void {
  const bytes = Buffer.from(input, "latin1");
  if (input.startsWith(TOKEN)) {
    checkToken(bytes.subarray(TOKEN.length));
    return;
  }
  for (const isAdmitted of [false, true]) {
    const whole = read([bytes], isAdmitted);
    if (bytes.length > BYTEWISE_BYTES_MAX) continue;
    assert.deepEqual(
      read(
        [...bytes].map((byte) => Buffer.of(byte)),
        isAdmitted,
      ),
      whole,
    );
  }
}

function make(random: SeededRandom): string {
  const plain = random.bytes(random.below(60));
  const token = seal(KEY, plain, { seconds: 1, iv: random.bytes(IV_BYTES) });
  if (random.below(3) === 0) return TOKEN + damagedText(random, token.toString("latin1"), WORDS);
  const frames = Array.from({ length: 1 + random.below(4) }, (_, counter) => {
    const head = { counter: counter % 2, command: random.pick(COMMANDS) };
    const [frame] = encodeMessage(head, random.below(2) === 0 ? token : plain, 1);
    assert(frame !== undefined);
    if (random.below(3) === 0) frame[19] = "d".charCodeAt(0);
    return frame.toString("latin1");
  });
  return random.below(3) === 0 ? frames.join("") : damagedText(random, frames.join(""), WORDS);
}

export const clusterFramesTarget: Target = {
  make,
  change: (random, input, other) => damagedText(random, input, [...WORDS, other.slice(0, 40)]),
  run,
};
