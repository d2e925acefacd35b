/**
 * Datagram sockets of the host's file system, of which Node.js has none: the calls of Linux through `koffi`.
 *
 * One `epoll_wait` for all sockets of a thread waits in Node's thread pool, so silence costs nothing; what came is read in the thread
 * itself, some datagrams at a time, so that others have their turn. How many wait unread is the system's matter (`net.unix.max_dgram_qlen`),
 * not that of a buffer's size: a sender that finds no room blocks.
 */
import { chmodSync } from "node:fs";
import { CodedError } from "../errors.ts";
import {
  DATAGRAM_BYTES_MAX,
  type DatagramHandler,
  type DatagramOptions,
  type DatagramSocket,
  type UnixDatagrams,
} from "../ports/unix-datagrams.ts";
import { AF_UNIX, SOCK_DGRAM_CLOEXEC_NONBLOCK, withCLibrary } from "./c-library.ts";
import { guarded, removeStale, unlinkIfThere } from "./socket-files.ts";

/** Of one socket before others have their turn: some milliseconds of work. */
const TURN_DATAGRAMS_MAX = 64;
/** How long a thread that is ended without `close()` may be held up. */
const WAIT_MS = 2000;
const READY_MAX = 8;

/** Linux, on every machine that Node.js runs on (sys/socket.h, sys/epoll.h). */
const EPOLL_CLOEXEC = 0o2_000_000;
const MSG_DONTWAIT_TRUNC = 0x60;
const SHUT_RD = 0;
const CTL_ADD = 1;
const CTL_DELETE = 2;
const CTL_MODIFY = 3;
const EPOLLIN = 0x1;
const EPOLLRDHUP = 0x2000;
/** `struct sockaddr_un`: its path with the NUL behind it. */
const PATH_BYTES_MAX = 107;
/** `struct epoll_event` is packed on x86-64 only. */
const EVENT_FD_AT = process.arch === "x64" ? 4 : 8;
const EVENT_BYTES = process.arch === "x64" ? 12 : 16;

type Calls = {
  readonly errno: () => number;
  readonly socket: (domain: number, type: number, protocol: number) => number;
  readonly bind: (fd: number, address: Buffer, bytes: number) => number;
  readonly recv: (fd: number, into: Buffer, bytes: number, flags: number) => number | bigint;
  readonly shutdown: (fd: number, how: number) => number;
  readonly close: (fd: number) => number;
  readonly epollCreate: (flags: number) => number;
  readonly epollControl: (epoll: number, operation: number, fd: number, event: Buffer) => number;
  readonly epollWait: (epoll: number, events: Buffer, count: number, waitMs: number) => Promise<number>;
};

function loadCalls(): Promise<Calls> {
  return withCLibrary(unavailable, (library, errno) => {
    const wait = library.func("int epoll_wait(int, void *, int, int)");
    return {
      errno,
      socket: library.func("int socket(int, int, int)"),
      bind: library.func("int bind(int, void *, int)"),
      recv: library.func("int64 recv(int, void *, uint64, int)"),
      shutdown: library.func("int shutdown(int, int)"),
      close: library.func("int close(int)"),
      epollCreate: library.func("int epoll_create1(int)"),
      epollControl: library.func("int epoll_ctl(int, int, int, void *)"),
      epollWait: (...parameters) =>
        new Promise((resolve, reject) =>
          wait.async(...parameters, (error: unknown, count: number) =>
            error === null || error === undefined ? resolve(count) : reject(error),
          ),
        ),
    };
  });
}

function unavailable(why: string, cause?: unknown): CodedError {
  return new CodedError("datagrams_unavailable", `No datagram sockets on this system: ${why}`, {}, cause);
}

/** The sockets of one thread. */
export class SystemUnixDatagrams implements UnixDatagrams {
  #shared: Promise<SocketSet> | null = null;

  async bind(options: DatagramOptions, handler: DatagramHandler): Promise<DatagramSocket> {
    this.#shared ??= loadCalls().then((calls) => new SocketSet(calls));
    const set = await this.#shared;
    return set.add(options, handler);
  }
}

class SocketSet {
  readonly calls: Calls;
  readonly #sockets = new Map<number, SystemDatagramSocket>();
  readonly #events = Buffer.alloc(EVENT_BYTES * READY_MAX);
  /** Of all sockets: what is read is handled before the next is. */
  readonly received = Buffer.alloc(DATAGRAM_BYTES_MAX);
  #epoll = -1;

  constructor(calls: Calls) {
    this.calls = calls;
  }

  add({ path, permissions }: DatagramOptions, handler: DatagramHandler): DatagramSocket {
    if (Buffer.byteLength(path) > PATH_BYTES_MAX)
      throw new CodedError("listen_failed", `longer than ${PATH_BYTES_MAX} bytes`, { path });
    guarded(path, () => removeStale(path));
    const fd = this.#succeed(path, "socket", this.calls.socket(AF_UNIX, SOCK_DGRAM_CLOEXEC_NONBLOCK, 0));
    try {
      const address = addressOf(path);
      this.#succeed(path, "bind", this.calls.bind(fd, address, address.length));
      // The umask keeps all others out until here.
      guarded(path, () => chmodSync(path, permissions));
      this.#open(path);
      const socket = new SystemDatagramSocket(this, fd, path, handler);
      this.#succeed(path, "epoll_ctl", this.control(CTL_ADD, fd, EPOLLIN | EPOLLRDHUP));
      this.#sockets.set(fd, socket);
      if (this.#sockets.size === 1) void this.#serve();
      return socket;
    } catch (error) {
      this.calls.close(fd);
      throw error;
    }
  }

  control(operation: number, fd: number, interest: number): number {
    const event = Buffer.alloc(EVENT_BYTES);
    event.writeUInt32LE(interest, 0);
    event.writeInt32LE(fd, EVENT_FD_AT);
    return this.calls.epollControl(this.#epoll, operation, fd, event);
  }

  remove(fd: number): void {
    this.control(CTL_DELETE, fd, 0);
    this.calls.close(fd);
    this.#sockets.delete(fd);
  }

  #open(path: string): void {
    if (this.#epoll < 0)
      this.#epoll = this.#succeed(path, "epoll_create1", this.calls.epollCreate(EPOLL_CLOEXEC));
  }

  async #serve(): Promise<void> {
    while (this.#sockets.size > 0) {
      const count = await this.calls.epollWait(this.#epoll, this.#events, READY_MAX, WAIT_MS);
      for (let index = 0; index < count; index++)
        this.#sockets.get(this.#events.readInt32LE(index * EVENT_BYTES + EVENT_FD_AT))?.read();
    }
    this.calls.close(this.#epoll);
    this.#epoll = -1;
  }

  #succeed(path: string, call: string, result: number): number {
    if (result >= 0) return result;
    throw new CodedError("listen_failed", `${call} failed with error ${this.calls.errno()}`, { path });
  }
}

class SystemDatagramSocket implements DatagramSocket {
  readonly #set: SocketSet;
  readonly #fd: number;
  readonly #path: string;
  readonly #handler: DatagramHandler;
  readonly #closed = Promise.withResolvers<void>();
  #isClosing = false;
  #isPaused = false;

  constructor(set: SocketSet, fd: number, path: string, handler: DatagramHandler) {
    this.#set = set;
    this.#fd = fd;
    this.#path = path;
    this.#handler = handler;
  }

  read(): void {
    // What a shut socket still has is all that it will ever have.
    for (let count = 0; (count < TURN_DATAGRAMS_MAX || this.#isClosing) && !this.#isPaused; count++) {
      const { received, calls } = this.#set;
      const sentBytes = Number(calls.recv(this.#fd, received, received.length, MSG_DONTWAIT_TRUNC));
      // An empty datagram says nothing; nor does a socket that is shut.
      if (sentBytes < 0 || (sentBytes === 0 && this.#isClosing)) break;
      if (sentBytes > 0) this.#hand(received.subarray(0, sentBytes), sentBytes);
    }
    if (!this.#isClosing) return;
    this.#set.remove(this.#fd);
    this.#closed.resolve();
  }

  resume(): void {
    if (!this.#isPaused || this.#isClosing) return;
    this.#isPaused = false;
    this.#set.control(CTL_MODIFY, this.#fd, EPOLLIN | EPOLLRDHUP);
  }

  close(): Promise<void> {
    if (!this.#isClosing) {
      this.#isClosing = true;
      unlinkIfThere(this.#path);
      this.#set.calls.shutdown(this.#fd, SHUT_RD);
    }
    return this.#closed.promise;
  }

  #hand(bytes: Buffer, sentBytes: number): void {
    if (this.#handler.datagram(bytes, sentBytes)) return;
    this.#isPaused = true;
    this.#set.control(CTL_MODIFY, this.#fd, EPOLLRDHUP);
  }
}

/** `struct sockaddr_un` up to the NUL behind the path. */
function addressOf(path: string): Buffer {
  const head = Buffer.alloc(2);
  head.writeUInt16LE(AF_UNIX);
  return Buffer.concat([head, Buffer.from(`${path}\0`, "utf8")]);
}
