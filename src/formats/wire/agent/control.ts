/**
 * Control messages: texts that begin with `#!-`, between an agent and the manager's connection service.
 *
 * Here is what an agent sends and the two answers that the hand-shake needs. What the answers follow from (state, versions
 * allowed, pushes that are pending) is `connection/`'s.
 */
import { isUtf8 } from "node:buffer";

const CONTROL_PREFIX = Buffer.from("#!-");
const STARTUP = "agent startup ";
const SHUTDOWN = "agent shutdown ";
const REQUEST = "req ";
/** `req `, up to eight hex digits (the number has 32 bits), a space. */
const REQUEST_HEAD = /^req ([0-9A-Fa-f]{1,8}) /;
/** Real ones have seven; it is kept and shown, so it is short. */
const VERSION_CHARS_MAX = 128;
const REQUEST_HEAD_BYTES_MAX = REQUEST.length + 8 + 1;

export type ControlMessage =
  | { readonly kind: "startup"; readonly version: StartupVersion }
  | { readonly kind: "shutdown" }
  /** `answer` is a view of the message: remote requests may carry any bytes. */
  | { readonly kind: "request-answer"; readonly requestNumber: number; readonly answer: Buffer }
  /** One char a byte, without what follows the last newline: very old agents put a random text there. */
  | { readonly kind: "keepalive"; readonly text: string }
  | { readonly kind: "invalid" };

export type StartupVersion =
  /** Agents before 4.6 do not say it. */
  | { readonly kind: "absent" }
  | { readonly kind: "stated"; readonly text: string }
  | { readonly kind: "unreadable" };

/** Tells the two kinds of messages of an agent apart: all others are events. */
export function isControlMessage(message: Buffer): boolean {
  return message.subarray(0, CONTROL_PREFIX.length).equals(CONTROL_PREFIX);
}

/** Takes a message for which `isControlMessage()` is true. */
export function parseControlMessage(message: Buffer): ControlMessage {
  const body = message.subarray(CONTROL_PREFIX.length);
  if (body.toString("latin1", 0, REQUEST.length) === REQUEST) return parseRequestAnswer(body);
  const text = replaceInvalidUtf8(body).toString("latin1");
  if (text === SHUTDOWN) return { kind: "shutdown" };
  if (text.startsWith(STARTUP)) {
    return { kind: "startup", version: parseStartupVersion(text.slice(STARTUP.length)) };
  }
  const lastNewline = text.lastIndexOf("\n");
  return lastNewline === -1
    ? { kind: "invalid" }
    : { kind: "keepalive", text: text.slice(0, lastNewline + 1) };
}

/** The answer to a startup and to a keepalive. */
export const AGENT_ACK = Buffer.from("#!-agent ack ");

/** The manager's two reasons to refuse a startup, in the peer's words. */
export const VERSION_TOO_HIGH = "Agent version must be lower or equal to manager version";
export const VERSION_UNREADABLE = "Couldn't retrieve version";

/** Instead of the ack to a startup. */
export function errorMessage(text: string): Buffer {
  return Buffer.from(`#!-err ${JSON.stringify({ message: text })}`);
}

function parseRequestAnswer(body: Buffer): ControlMessage {
  const head = REQUEST_HEAD.exec(body.toString("latin1", 0, REQUEST_HEAD_BYTES_MAX));
  if (head === null) return { kind: "invalid" };
  const [whole, digits = ""] = head;
  return {
    kind: "request-answer",
    requestNumber: Number.parseInt(digits, 16),
    answer: body.subarray(whole.length),
  };
}

function parseStartupVersion(json: string): StartupVersion {
  if (json.trim() === "") return { kind: "absent" };
  try {
    const info: unknown = JSON.parse(json);
    const version = typeof info === "object" && info !== null && "version" in info ? info.version : null;
    if (typeof version === "string" && version.length <= VERSION_CHARS_MAX) {
      return { kind: "stated", text: version };
    }
  } catch {
    // Not JSON: as unreadable as JSON without a version.
  }
  return { kind: "unreadable" };
}

/** Bytes that are no UTF-8 become U+FFFD, so at most three times as many. */
function replaceInvalidUtf8(bytes: Buffer): Buffer {
  return isUtf8(bytes) ? bytes : Buffer.from(bytes.toString("utf8"));
}
