/**
 * Ports that are bound while there are rights to, and listened on later, in whichever thread: a socket's number is the whole process's.
 * Node.js binds and listens in one step, so these few are made by the calls of Linux.
 */
import { readFileSync } from "node:fs";
import { CodedError } from "../errors.ts";
import { type CLibrary, SOL_SOCKET } from "./c-library.ts";
import { listenError } from "./listen-error.ts";

export type PortWish = { readonly protocol: "tcp" | "udp"; readonly host: string; readonly port: number };
export type BoundPort = PortWish & { readonly descriptor: number };

/** Linux, on x64 and arm64 (asm-generic/socket.h, linux/in.h, linux/in6.h). */
const AF_INET = 2;
const AF_INET6 = 10;
const SOCK_STREAM = 1;
const SOCK_DGRAM = 2;
const SOCK_CLOEXEC_NONBLOCK = 0o2_004_000;
const SO_REUSEADDR = 2;
const IPPROTO_IPV6 = 41;
const IPV6_V6ONLY = 26;
/** `struct sockaddr_in` and `struct sockaddr_in6`, and where each has its address. */
const IPV4_SOCKADDR_BYTES = 16;
const IPV4_ADDRESS_AT = 4;
const IPV6_SOCKADDR_BYTES = 28;
const IPV6_ADDRESS_AT = 8;

/** From which port on everybody may listen. Where the system does not say it is the usual one. */
const UNPRIVILEGED_PATH = "/proc/sys/net/ipv4/ip_unprivileged_port_start";
const UNPRIVILEGED_PORT_MIN = 1024;

export function needsRights({ port }: PortWish): boolean {
  return port < unprivilegedPortMin();
}

function unprivilegedPortMin(): number {
  try {
    return Number(readFileSync(UNPRIVILEGED_PATH, "latin1"));
  } catch {
    return UNPRIVILEGED_PORT_MIN;
  }
}

/** Throws as `Network.listen` does; none stays bound then. */
export function bindPorts(library: CLibrary, wishes: readonly PortWish[]): readonly BoundPort[] {
  const close = library.call("int close(int)");
  const bound: BoundPort[] = [];
  try {
    for (const wish of wishes) {
      const descriptor = newSocket(library, wish);
      bound.push({ ...wish, descriptor });
      bind(library, descriptor, wish);
    }
  } catch (error) {
    for (const { descriptor } of bound) close(descriptor);
    throw error;
  }
  return bound;
}

function newSocket(library: CLibrary, wish: PortWish): number {
  const family = wish.host.includes(":") ? AF_INET6 : AF_INET;
  const kind = wish.protocol === "tcp" ? SOCK_STREAM : SOCK_DGRAM;
  const socket = library.call("int socket(int, int, int)");
  return succeed(library, wish, socket(family, kind | SOCK_CLOEXEC_NONBLOCK, 0));
}

/** As Node.js does it. */
function bind(library: CLibrary, descriptor: number, wish: PortWish): void {
  const set = library.call("int setsockopt(int, int, int, void *, int)");
  const option = (level: number, name: number, value: number) =>
    succeed(library, wish, set(descriptor, level, name, intBytes(value), 4));
  if (wish.protocol === "tcp") option(SOL_SOCKET, SO_REUSEADDR, 1);
  if (wish.host.includes(":")) option(IPPROTO_IPV6, IPV6_V6ONLY, 0);
  const address = socketAddress(library, wish);
  succeed(library, wish, library.call("int bind(int, void *, int)")(descriptor, address, address.length));
}

function intBytes(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32LE(value);
  return bytes;
}

function socketAddress(library: CLibrary, wish: PortWish): Buffer {
  const isIpv6 = wish.host.includes(":");
  const address = Buffer.alloc(isIpv6 ? IPV6_SOCKADDR_BYTES : IPV4_SOCKADDR_BYTES);
  const family = isIpv6 ? AF_INET6 : AF_INET;
  address.writeUInt16LE(family, 0);
  address.writeUInt16BE(wish.port, 2);
  const into = address.subarray(isIpv6 ? IPV6_ADDRESS_AT : IPV4_ADDRESS_AT);
  if (library.call("int inet_pton(int, str, void *)")(family, wish.host, into) === 1) return address;
  const { host, port } = wish;
  throw new CodedError("address_unavailable", `No address: ${host}`, { host, port });
}

function succeed(library: CLibrary, wish: PortWish, result: number): number {
  if (result >= 0) return result;
  const code = library.errorName();
  throw listenError(Object.assign(new Error(`${code}: port ${wish.port}`), { code }), wish);
}
