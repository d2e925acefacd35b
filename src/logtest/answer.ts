/** Answers of the log test socket: the peer's keys in the peer's order (wazuh v4.14.7: src/analysisd/logtest.c). Pure, latin1 strings. */
import { MESSAGES_MAX } from "./limits.ts";
import type { Message } from "./message.ts";
import type { Refusal } from "./request.ts";

const HEADER_BYTES = 4;

export type Processed = {
  readonly token: string;
  /** The document as JSON; null when the event could not be taken. */
  readonly output: string | null;
  /** Null when nobody asked. */
  readonly rulesDebug: readonly string[] | null;
  readonly alert: boolean;
  /** What was said while the event was processed. */
  readonly messages: readonly Message[];
};

/** An answer that says so before its request was read whole: it has no `data`. */
export const TOO_LARGE_ANSWER =
  '{"message":"(7315): Failure to receive message: size is bigger than expected","error":5}';

/** The frame of an answer; unlike a request it has no bound but what it holds. */
export function framedAnswer(answer: Uint8Array): Buffer {
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUInt32LE(answer.length);
  return Buffer.concat([header, answer]);
}

function codeOf(messages: readonly Message[]): -1 | 0 | 1 {
  if (messages.some(({ level }) => level === "ERROR")) return -1;
  return messages.some(({ level }) => level === "WARNING") ? 1 : 0;
}

function messagesPart(messages: readonly Message[]): string[] {
  if (messages.length === 0) return [];
  return [`"messages":${JSON.stringify(messages.map(({ level, text }) => `${level}: ${text}`))}`];
}

function withData(parts: readonly string[]): string {
  return `{"error":0,"data":{${parts.join(",")}}}`;
}

export function refusalAnswer({ code, message }: Refusal): string {
  return `{"message":${JSON.stringify(message)},"error":${code},"data":{}}`;
}

/** Of a removed session, and of a session that could not begin. */
export function messagesAnswer(messages: readonly Message[]): string {
  return withData([...messagesPart(messages), `"codemsg":${codeOf(messages)}`]);
}

/** `opening`: what was said before the event; the other messages join them at their place. */
export function processedAnswer(opening: readonly Message[], processed: Processed): string {
  const { token, output, rulesDebug, alert, messages } = processed;
  const all = [...opening, ...messages];
  const code = codeOf(all);
  return withData([
    ...messagesPart(opening.length > 0 ? all : []),
    `"token":"${token}"`,
    ...(output === null ? [] : [`"output":${output}`]),
    ...(rulesDebug === null ? [] : [`"rules_debug":${JSON.stringify(rulesDebug)}`]),
    ...messagesPart(opening.length > 0 ? [] : messages),
    ...(code < 0 ? [] : [`"alert":${alert}`]),
    `"codemsg":${code}`,
  ]);
}

/** The first ones and the last one: that says what came of it. */
export function boundedMessages(messages: readonly Message[]): readonly Message[] {
  return messages.length <= MESSAGES_MAX
    ? messages
    : [...messages.slice(0, MESSAGES_MAX - 1), ...messages.slice(-1)];
}
