/** Datagram sockets in memory, and a sender to real ones. */
import koffi from "koffi";
import type {
  DatagramHandler,
  DatagramOptions,
  DatagramSocket,
  UnixDatagrams,
} from "#kernel/ports/unix-datagrams.ts";

export class FakeUnixDatagrams implements UnixDatagrams {
  readonly #bound = new Map<string, { readonly handler: DatagramHandler; isPaused: boolean }>();
  /** What no socket has taken yet, as the system keeps it. */
  readonly #waiting = new Map<string, Buffer[]>();

  bind({ path }: DatagramOptions, handler: DatagramHandler): Promise<DatagramSocket> {
    const bound = { handler, isPaused: false };
    this.#bound.set(path, bound);
    const resume = () => {
      bound.isPaused = false;
      this.#deliver(path);
    };
    const close = () => {
      this.#bound.delete(path);
      return Promise.resolve();
    };
    return Promise.resolve({ resume, close });
  }

  send(path: string, text: string | Uint8Array): void {
    const bytes = typeof text === "string" ? Buffer.from(text, "latin1") : Buffer.from(text);
    this.#waiting.set(path, [...(this.#waiting.get(path) ?? []), bytes]);
    this.#deliver(path);
  }

  /** Datagrams that wait because a handler is full. */
  waiting(path: string): number {
    return this.#waiting.get(path)?.length ?? 0;
  }

  #deliver(path: string): void {
    const bound = this.#bound.get(path);
    const waiting = this.#waiting.get(path) ?? [];
    while (bound !== undefined && !bound.isPaused) {
      const bytes = waiting.shift();
      if (bytes === undefined) return;
      bound.isPaused = !bound.handler.datagram(bytes, bytes.length);
    }
  }
}

/** Linux: sys/socket.h. */
const AF_UNIX = 1;
const SOCK_DGRAM = 2;
const MSG_DONTWAIT = 0x40;

export class DatagramSender {
  readonly #send: (
    fd: number,
    bytes: Buffer,
    length: number,
    flags: number,
    to: Buffer,
    size: number,
  ) => number;
  readonly #fd: number;
  readonly #flags: number;
  readonly #address: Buffer;

  /** One that does not wait is told when there is no room. */
  constructor(path: string, { waits = false } = {}) {
    this.#flags = waits ? 0 : MSG_DONTWAIT;
    const library = koffi.load(null);
    this.#send = library.func("int sendto(int, void *, uint64, int, void *, int)");
    this.#fd = library.func("int socket(int, int, int)")(AF_UNIX, SOCK_DGRAM, 0);
    this.#address = Buffer.concat([Buffer.of(AF_UNIX, 0), Buffer.from(`${path}\0`)]);
  }

  /** False when the socket is not there, or has no room. */
  send(text: string | Uint8Array): boolean {
    const bytes = typeof text === "string" ? Buffer.from(text, "latin1") : Buffer.from(text);
    return this.#send(this.#fd, bytes, bytes.length, this.#flags, this.#address, this.#address.length) >= 0;
  }
}
