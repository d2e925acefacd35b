/** Calls of the C library that Node.js has none for, through `koffi`. Linux on the two machines that its constants are written for. */
import { getSystemErrorName } from "node:util";
import type { LibraryHandle } from "koffi";
import { CodedError, messageOf } from "../errors.ts";

type Argument = number | string | Buffer;
/** Negative for a failure. */
export type CCall = (...parameters: readonly Argument[]) => number;

export type CLibrary = {
  /** `prototype` in C; pointers to bytes are `void *`. */
  readonly call: (prototype: string) => CCall;
  /** Node's name of what the last call of this thread failed with: `EACCES`. */
  readonly errorName: () => string;
};

/** Linux, on x64 and arm64 (asm-generic/socket.h). */
export const AF_UNIX = 1;
export const SOCK_DGRAM_CLOEXEC_NONBLOCK = 0o2_004_002;
export const SOL_SOCKET = 1;

/** Throws `CodedError` `c_library_unavailable`. */
export function loadCLibrary(): Promise<CLibrary> {
  const unavailable: Unavailable = (why, cause) =>
    new CodedError("c_library_unavailable", `The C library cannot be called: ${why}`, {}, cause);
  return withCLibrary(unavailable, (library, errno) => ({
    call: (prototype) => library.func(prototype),
    errorName: () => getSystemErrorName(-errno()),
  }));
}

/** What there is to say, and to throw, where the library cannot be called. */
export type Unavailable = (why: string, cause?: unknown) => CodedError;
/** Gives what `use` makes of the library; whatever that throws is `unavailable`, too. */
export async function withCLibrary<T>(
  unavailable: Unavailable,
  use: (library: LibraryHandle, errno: () => number) => T,
): Promise<T> {
  if (process.platform !== "linux" || (process.arch !== "x64" && process.arch !== "arm64"))
    throw unavailable(`not made for ${process.platform} on ${process.arch}`);
  try {
    const { default: koffi } = await import("koffi");
    // The one that Node.js itself runs with, whichever it is.
    return use(koffi.load(null), () => koffi.errno());
  } catch (error) {
    throw unavailable(messageOf(error), error);
  }
}
