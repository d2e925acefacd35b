/** Answers to requests of the other side, and what became of our own requests. */

import { byteLiteral } from "#formats/wire/cluster/byte-literal.ts";
import type { ReplyWord } from "#formats/wire/cluster/commands.ts";
import { type ClusterException, internalError, writeException } from "#formats/wire/cluster/exceptions.ts";

export type Reply = { readonly word: ReplyWord; readonly payload: Buffer };

/** Null when the request gets no answer at all (`sendsync` on the local socket). */
export type Handler = (payload: Buffer) => Reply | null | Promise<Reply | null>;

export type HandlerTable = ReadonlyMap<string, Handler>;

export type RequestOutcome =
  | { readonly kind: "ok"; readonly payload: Buffer }
  | { readonly kind: "failed"; readonly error: ClusterException };

export function ok(payload: string | Buffer, word: ReplyWord = "ok"): Reply {
  return { word, payload: typeof payload === "string" ? Buffer.from(payload) : payload };
}

export function refused(error: ClusterException): Reply {
  return { word: "err", payload: writeException(error) };
}

/** A refusal without an exception; the peer takes it as one of code 3000. */
export function refusedText(text: string): Reply {
  return { word: "err", payload: Buffer.from(text, "latin1") };
}

export function unknownCommand(command: string): Reply {
  return refusedText(`unknown command '${byteLiteral(command)}'`);
}

/** What the peer's tables say of a key that they do not have. */
export function unknownKey(key: string): Reply {
  return refused(internalError(byteLiteral(key)));
}

export function failed(error: ClusterException): RequestOutcome {
  return { kind: "failed", error };
}
