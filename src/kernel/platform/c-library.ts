/** Calls of the C library that Node.js has none for, through `koffi`. Linux on the two machines that its constants are written for. */
import { getSystemErrorName } from "node:util";
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

/** Throws `CodedError` `c_library_unavailable`. */
export async function loadCLibrary(): Promise<CLibrary> {
  if (process.platform !== "linux" || (process.arch !== "x64" && process.arch !== "arm64"))
    throw unavailable(`not made for ${process.platform} on ${process.arch}`);
  try {
    const { default: koffi } = await import("koffi");
    // The one that Node.js itself runs with, whichever it is.
    const library = koffi.load(null);
    return {
      call: (prototype) => library.func(prototype),
      errorName: () => getSystemErrorName(-koffi.errno()),
    };
  } catch (error) {
    throw unavailable(messageOf(error), error);
  }
}

function unavailable(why: string, cause?: unknown): CodedError {
  return new CodedError("c_library_unavailable", `The C library cannot be called: ${why}`, {}, cause);
}
