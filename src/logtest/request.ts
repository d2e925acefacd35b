/**
 * Requests of the log test socket: JSON text in, a typed request or its refusal out (wazuh v4.14.7: src/analysisd/logtest.c).
 *
 * Pure. Texts are latin1 strings, JSON is read as the peer reads it: bytes behind the document are ignored, of a name that occurs
 * twice the first counts.
 */
import { CJsonObject, CJsonReader, type CJsonValue } from "#analysis/plugins/cjson.ts";
import { printCJson } from "#analysis/plugins/cjson-print.ts";
import { invalidToken, type Message, notABoolean, notAnObject, warning } from "./message.ts";

const TOKEN_CHARS = 8;
/** Of the text around a mistake. */
const SHOWN_BYTES = 20;

/** The numbers of `error` in answers. */
export type RefusalCode = 1 | 2 | 3 | 4;

export type Refusal = { readonly kind: "refused"; readonly code: RefusalCode; readonly message: string };

export type LogProcessing = {
  readonly kind: "log_processing";
  readonly location: string;
  readonly event: string;
  /** Null for a new session. */
  readonly token: string | null;
  readonly rulesDebug: boolean;
  /** About parameters that are ignored: said before the session's messages, and behind them. */
  readonly early: readonly Message[];
  readonly late: readonly Message[];
};

export type RemoveSession = { readonly kind: "remove_session"; readonly token: string };

export type Request = LogProcessing | RemoveSession | Refusal;

function refused(code: RefusalCode, message: string): Refusal {
  return { kind: "refused", code, message };
}

const notFound = (field: string) => refused(2, `(7313): '${field}' JSON field not found`);
const notValid = (field: string) => refused(2, `(7317): '${field}' JSON field value is not valid`);
const stringRequired = (field: string) =>
  refused(2, `(7308): '${field}' JSON field is required and must be a string`);

/** Undefined when there is none; what is no object has no members. */
function member(value: CJsonValue | undefined, name: string): CJsonValue | undefined {
  return value instanceof CJsonObject ? value.values[value.names.indexOf(name)] : undefined;
}

function unparsable(text: string, at: number): Refusal {
  const position = Math.min(at, text.length);
  const from = Math.max(0, position - SHOWN_BYTES / 2);
  const shown = text.slice(from, from + SHOWN_BYTES);
  return refused(1, `(7307): Error parsing JSON in position ${position}, ... ${shown} ...`);
}

export function readRequest(bytes: Buffer): Request {
  const received = bytes.toString("latin1");
  const nul = received.indexOf("\0");
  const text = nul < 0 ? received : received.slice(0, nul);
  const reader = new CJsonReader(text);
  const root = reader.value(0);
  if (root === undefined) return unparsable(text, reader.at);
  const parameters = member(root, "parameters");
  if (parameters === undefined) return notFound("parameters");
  if (!(parameters instanceof CJsonObject)) return notValid("parameters");
  const command = member(root, "command");
  if (command === undefined) return notFound("command");
  if (typeof command !== "string") return notValid("command");
  if (command === "remove_session") return readRemoval(parameters);
  if (command === "log_processing") return readProcessing(parameters);
  return refused(3, "(7306): Unable to process command");
}

function readRemoval(parameters: CJsonObject): Request {
  const token = member(parameters, "token");
  if (typeof token !== "string")
    return refused(4, "(7316): Failure to remove session. token JSON field must be a string");
  return token.length === TOKEN_CHARS ? { kind: "remove_session", token } : refused(4, invalidToken(token));
}

/** An object stands for the JSON log that it is; null when it is no event. */
function eventText(event: CJsonValue): string | null {
  if (typeof event === "string") return event === "" ? null : event;
  return event instanceof CJsonObject && event.names.length > 0 ? printCJson(event) : null;
}

function readProcessing(parameters: CJsonObject): Request {
  const location = member(parameters, "location");
  if (typeof location !== "string" || location === "") return stringRequired("location");
  const format = member(parameters, "log_format");
  if (typeof format !== "string" || format === "") return stringRequired("log_format");
  const eventValue = member(parameters, "event");
  if (eventValue === undefined) return notFound("event");
  const event = eventText(eventValue);
  if (event === null) return notValid("event");
  const { token, tokenMessages } = readToken(member(parameters, "token"));
  const { rulesDebug, early, late } = readOptions(member(parameters, "options"));
  return {
    kind: "log_processing",
    location,
    event,
    token,
    rulesDebug,
    early: [...tokenMessages, ...early],
    late,
  };
}

function readToken(token: CJsonValue | undefined): {
  readonly token: string | null;
  readonly tokenMessages: readonly Message[];
} {
  if (token === undefined) return { token: null, tokenMessages: [] };
  if (typeof token === "string" && /^[0-9a-fA-F]{8}$/.test(token)) return { token, tokenMessages: [] };
  const shown = typeof token === "string" ? token : printCJson(token);
  return { token: null, tokenMessages: [warning(invalidToken(shown))] };
}

function readOptions(options: CJsonValue | undefined): Pick<LogProcessing, "rulesDebug" | "early" | "late"> {
  const isObject = options === undefined || options instanceof CJsonObject;
  const rulesDebug = member(options, "rules_debug");
  const isBoolean = rulesDebug === undefined || typeof rulesDebug === "boolean";
  return {
    rulesDebug: rulesDebug === true,
    early: isObject ? [] : [notAnObject("options")],
    late: isBoolean ? [] : [notABoolean("rules_debug")],
  };
}
