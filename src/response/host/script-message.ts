/**
 * The JSON lines between the manager and the programs that it runs (wazuh v4.14.7: src/os_execd/execd.c, src/active-response). Pure;
 * texts are latin1 strings.
 */
import { KEY_CHARS_MAX } from "./limits.ts";

export type JsonObject = Readonly<Record<string, unknown>>;

/** What a program is told: to do it, to go on or not behind its keys, to undo it. */
export type ScriptCommand = "add" | "continue" | "abort" | "delete";

export type ParsedMessage =
  | { readonly ok: true; readonly command: string; readonly message: JsonObject }
  | { readonly ok: false; readonly problem: string };

/** Where executables stand below the home. */
export const SCRIPT_FOLDER = "active-response/bin";
const MODULE = "wazuh-execd";
const SHOWN_CHARS_MAX = 256;

export function parseMessage(text: string): ParsedMessage {
  const message = parseObject(text);
  if (message === null) return { ok: false, problem: `(1315): Invalid JSON message: '${shown(text)}'` };
  const { command } = message;
  if (typeof command !== "string" || command === "")
    return { ok: false, problem: `(1316): Invalid AR command: '${shown(text)}'` };
  return { ok: true, command, message };
}

/** Without a newline. */
export function scriptLine(message: JsonObject, executable: string, command: ScriptCommand): string {
  const { version, origin, parameters } = message;
  return JSON.stringify({
    version,
    origin: { ...objectOf(origin), module: MODULE },
    command,
    parameters: { ...objectOf(parameters), program: `${SCRIPT_FOLDER}/${executable}` },
  });
}

/** Null for a line that is no answer with keys. */
export function parseKeys(line: string): readonly string[] | null {
  const { version, origin, command, parameters } = parseObject(line) ?? {};
  if (typeof version !== "number" || !isObject(origin) || command !== "check_keys") return null;
  const keys = isObject(parameters) ? parameters["keys"] : null;
  if (!Array.isArray(keys) || keys.length === 0) return null;
  return keys.every((key) => typeof key === "string") ? keys : null;
}

/** As a program says it; without a newline. */
export function keysLine(name: string, keys: readonly string[]): string {
  const origin = { name, module: "active-response" };
  return JSON.stringify({ version: 1, origin, command: "check_keys", parameters: { keys } });
}

/** What a response is known by while it is in force; null when it is too long. */
export function responseKey(executable: string, keys: readonly string[]): string | null {
  const key = [executable, ...keys].join("-");
  return key.length <= KEY_CHARS_MAX ? key : null;
}

/** A member some steps down, `["alert", "data", "srcip"]` below `parameters`; null where there is no text. */
export function parameterText(message: JsonObject, path: readonly string[]): string | null {
  let value: unknown = message["parameters"];
  for (const name of path) value = isObject(value) && Object.hasOwn(value, name) ? value[name] : null;
  return typeof value === "string" ? value : null;
}

/** A text of others for a line of the log. */
export function shown(text: string): string {
  return text.length > SHOWN_CHARS_MAX ? `${text.slice(0, SHOWN_CHARS_MAX)}...` : text;
}

export function parseObject(text: string): JsonObject | null {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : null;
  } catch {
    return null;
  }
}

function objectOf(value: unknown): JsonObject {
  return isObject(value) ? value : {};
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
