/**
 * A node that holds the cluster's key and says whatever a test wants. Written from the protocol's description on raw sockets; it shares no code with
 * the product, so that it is a second implementation of the wire as well.
 */
import assert from "node:assert/strict";
import { createCipheriv, createDecipheriv, createHash, createHmac, randomBytes } from "node:crypto";
import { connect, type Socket } from "node:net";
import { deflateSync } from "node:zlib";

export const KEY = "c98b62a9b6169ac5f67dae55ae4a9088";
const HEADER_BYTES = 20;
const PART_BYTES = 5_000_000;
const END_MS_MAX = 5000;
const ANSWER_WORDS = ["ok", "err", "error", "ok-m", "ok-c"];

export function sealed(plain: Uint8Array, { key = KEY, seconds = 1n } = {}): Buffer {
  const iv = randomBytes(16);
  const head = Buffer.alloc(9, 0x80);
  head.writeBigUInt64BE(seconds, 1);
  const cipher = createCipheriv("aes-128-cbc", key.slice(16), iv);
  const body = Buffer.concat([head, iv, cipher.update(plain), cipher.final()]);
  const mac = createHmac("sha256", key.slice(0, 16)).update(body).digest();
  const text = Buffer.concat([body, mac]).toString("base64");
  return Buffer.from(text.replaceAll("+", "-").replaceAll("/", "_"), "latin1");
}

function opened(token: Buffer): Buffer {
  const bytes = Buffer.from(token.toString("latin1").replaceAll("-", "+").replaceAll("_", "/"), "base64");
  const body = bytes.subarray(0, -32);
  assert.deepEqual(createHmac("sha256", KEY.slice(0, 16)).update(body).digest(), bytes.subarray(-32));
  const decipher = createDecipheriv("aes-128-cbc", KEY.slice(16), body.subarray(9, 25));
  return Buffer.concat([decipher.update(body.subarray(25)), decipher.final()]);
}

/** `flag` d: more of this message follows. `bytes`: what the header says that follows it. */
export function frame(
  counter: number,
  command: string,
  payload: Uint8Array,
  { flag = "-", bytes = payload.length } = {},
): Buffer {
  const header = Buffer.alloc(HEADER_BYTES, "-");
  header.writeUInt32BE(counter, 0);
  header.writeUInt32BE(bytes, 4);
  header.write(`${command} `.padEnd(11, "-").slice(0, 11) + flag, 8, "latin1");
  return Buffer.concat([header, payload]);
}

export type Answer = { readonly word: string; readonly payload: Buffer };
type Asked = (payload: Buffer) => string | Buffer | null;

export class FakeNode {
  readonly socket: Socket;
  /** What the other side asks, and how it is answered; anything else gets `ok`. */
  readonly answers = new Map<string, Asked>();
  readonly asked: { readonly command: string; readonly payload: Buffer }[] = [];
  readonly closed: Promise<void>;
  isClosed = false;
  receivedBytes = 0;
  #pending = Buffer.alloc(0);
  #counter = 7;
  readonly #waiting = new Map<number, (answer: Answer) => void>();

  constructor(socket: Socket) {
    this.socket = socket;
    this.closed = new Promise((resolve) => {
      socket.on("close", () => {
        this.isClosed = true;
        for (const settle of this.#waiting.values()) settle({ word: "closed", payload: Buffer.alloc(0) });
        resolve();
      });
    });
    socket.on("error", () => {});
    socket.on("data", (bytes: Buffer) => this.#read(bytes));
  }

  /** From an address of the loopback network, each of which counts for itself. */
  static async connect(port: number, from = "127.0.0.2"): Promise<FakeNode> {
    const socket = connect({ host: "127.0.0.1", port, localAddress: from, noDelay: true });
    const node = new FakeNode(socket);
    await new Promise<void>((resolve) => {
      socket.once("connect", resolve);
      socket.once("close", () => resolve());
    });
    return node;
  }

  raw(bytes: Uint8Array): void {
    this.socket.write(bytes);
  }

  /** The word `closed` when the connection ended instead. */
  request(command: string, payload: Uint8Array | string = ""): Promise<Answer> {
    const counter = this.#counter++;
    if (this.isClosed) return Promise.resolve({ word: "closed", payload: Buffer.alloc(0) });
    return new Promise((resolve) => {
      this.#waiting.set(counter, resolve);
      this.raw(frame(counter, command, sealed(Buffer.from(payload))));
    });
  }

  async text(command: string, payload: Uint8Array | string = ""): Promise<string> {
    const answer = await this.request(command, payload);
    return `${answer.word} ${answer.payload.toString("utf8")}`.trim();
  }

  hello(name: string, { cluster = "wazuh", version = "4.14.7" } = {}): Promise<string> {
    return this.text("hello", `${name} ${cluster} worker ${version}`);
  }

  /** Sends a file and names it; the answer to that. */
  async sendFile(path: string, content: Buffer, command: string, taskId: string): Promise<string> {
    await this.request("new_file", `/${path}`);
    for (let at = 0; at < content.length; at += PART_BYTES) {
      const part = content.subarray(at, at + PART_BYTES);
      await this.request("file_upd", Buffer.concat([Buffer.from(`/${path} `), part]));
    }
    const digest = createHash("sha256").update(content).digest();
    await this.request("file_end", Buffer.concat([Buffer.from(`/${path} `), digest]));
    return this.text(command, `${taskId} ${path}`);
  }

  end(): Promise<void> {
    this.socket.destroy();
    return this.ended();
  }

  /** The other side ends it, and soon. */
  async ended(): Promise<void> {
    const { promise, reject } = Promise.withResolvers<void>();
    const timer = setTimeout(() => reject(new Error(`still open after ${END_MS_MAX} ms`)), END_MS_MAX);
    await Promise.race([this.closed, promise]);
    clearTimeout(timer);
  }

  #read(bytes: Buffer): void {
    this.receivedBytes += bytes.length;
    this.#pending = Buffer.concat([this.#pending, bytes]);
    while (this.#pending.length >= HEADER_BYTES) {
      const end = HEADER_BYTES + this.#pending.readUInt32BE(4);
      if (this.#pending.length < end) return;
      const whole = this.#pending.subarray(0, end);
      this.#pending = this.#pending.subarray(end);
      const command = whole.toString("latin1", 8, 19).split(" ")[0] ?? "";
      this.#take(whole.readUInt32BE(0), command, opened(whole.subarray(HEADER_BYTES)));
    }
  }

  #take(counter: number, command: string, payload: Buffer): void {
    const settle = this.#waiting.get(counter);
    if (settle !== undefined && ANSWER_WORDS.includes(command)) {
      this.#waiting.delete(counter);
      settle({ word: command, payload });
      return;
    }
    this.asked.push({ command, payload });
    const answer = (this.answers.get(command) ?? (() => "ok"))(payload);
    if (answer !== null) this.raw(frame(counter, "ok", sealed(Buffer.from(answer))));
  }
}

export type Member = readonly [path: string, content: string | Buffer];

/** `stream`: the packed bytes of the metadata as they are. */
export function archive(members: readonly Member[], metadata: unknown, stream?: Buffer): Buffer {
  const parts = members.flatMap(([path, content]) => [
    Buffer.from(`${path}|//@@//|`),
    deflateSync(content, { level: 1 }),
    Buffer.from("|@@//@@|"),
  ]);
  const text = typeof metadata === "string" ? metadata : JSON.stringify(metadata);
  return Buffer.concat([
    ...parts,
    Buffer.from("files_metadata.json|//@@//|"),
    stream ?? deflateSync(text, { level: 1 }),
  ]);
}

/** What a node says of a file with this content. */
export function entry(key: string, content = ""): Record<string, unknown> {
  const hash = createHash("blake2b512").update(content).digest("hex");
  return { mod_time: 1.5, cluster_item_key: key, merged: false, hash };
}

const BOMB_BLOCK_BYTES = 1024 * 1024;
const SYNC_FLUSH = 2; // Z_SYNC_FLUSH ends a block at a byte, so that it can be repeated

/** A stream that unpacks to so many MiB of zeros, of a thousandth of their bytes. */
export function bomb(mebibytes: number): Buffer {
  const block = deflateSync(Buffer.alloc(BOMB_BLOCK_BYTES), { level: 9, finishFlush: SYNC_FLUSH });
  return Buffer.concat([
    block.subarray(0, 2),
    ...Array<Buffer>(mebibytes).fill(block.subarray(2)),
    Buffer.from([3, 0]),
  ]);
}
