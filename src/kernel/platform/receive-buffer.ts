/**
 * How much the connections of a TCP listener receive ahead of what is read: a call of Linux, for Node.js has none. They inherit it from
 * the listener and keep it, for the system lets no buffer grow whose size was asked for.
 */
import type { Server } from "node:net";
import { CodedError } from "../errors.ts";
import { type CLibrary, loadCLibrary, SOL_SOCKET } from "./c-library.ts";

/** Linux, on x64 and arm64 (asm-generic/socket.h). */
const SO_RCVBUF = 8;
const INT_BYTES = 4;

/** What a listener has to be given once it listens; null where that cannot be done: buffers are then as large as the system likes. */
export async function receiveBufferLimit(bytes: number): Promise<((server: Server) => void) | null> {
  const library = await libraryIfThere();
  if (library === null) return null;
  const set = library.call("int setsockopt(int, int, int, void *, int)");
  const value = Buffer.alloc(INT_BYTES);
  value.writeInt32LE(bytes);
  return (server) => {
    const descriptor = descriptorOf(server);
    if (descriptor !== null) set(descriptor, SOL_SOCKET, SO_RCVBUF, value, INT_BYTES);
  };
}

/** Without it all are served; only those that send more than is read wait longer for an answer. */
async function libraryIfThere(): Promise<CLibrary | null> {
  try {
    return await loadCLibrary();
  } catch (error) {
    if (error instanceof CodedError) return null;
    throw error;
  }
}

/** Node.js has it, and no documented way to it. */
function descriptorOf(server: Server): number | null {
  const handle: unknown = Reflect.get(server, "_handle");
  if (typeof handle !== "object" || handle === null) return null;
  const descriptor: unknown = Reflect.get(handle, "fd");
  return typeof descriptor === "number" && descriptor >= 0 ? descriptor : null;
}
