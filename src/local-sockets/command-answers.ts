/** How the peer's JSON sockets answer: `{"error":n,"message":…,"data":…}` (wazuh v4.14.7: src/remoted/remcom.c, src/analysisd/asyscom.c). */
import { isObject, type JsonObject, parseJsonObject } from "./json.ts";

/** The peer's texts, by their numbers. */
const MESSAGES = [
  "ok",
  "due",
  "Invalid JSON input",
  "Empty command",
  "Unrecognized command",
  "Empty parameters",
  "Empty section",
  "Unrecognized or not configured section",
  "Invalid agents parameter",
  "Error getting agents from DB",
  "Empty last id",
  "Too many agents",
  "Invalid agent or md5 parameter",
] as const;

export const OK = 0;
export const DUE = 1;
const INVALID_JSON = 2;
const EMPTY_COMMAND = 3;
const UNKNOWN_COMMAND = 4;
const EMPTY_PARAMETERS = 5;
const EMPTY_SECTION = 6;
const UNKNOWN_SECTION = 7;
export const INVALID_AGENTS = 8;
export const NO_AGENTS = 9;
export const EMPTY_LAST_ID = 10;
export const TOO_MANY_AGENTS = 11;
export const INVALID_AGENT = 12;

export type CommandAnswer = { readonly code: number; readonly data: JsonObject | readonly string[] };
/** Null for a section that the part has not. */
export type Sections = (name: string) => JsonObject | null;

/** By their names. Those that take parameters are given an object. */
export type JsonCommands = {
  readonly plain: Readonly<Record<string, () => CommandAnswer | Promise<CommandAnswer>>>;
  readonly withParameters: Readonly<
    Record<string, (parameters: JsonObject) => CommandAnswer | Promise<CommandAnswer>>
  >;
};

const EMPTY: JsonObject = {};

export function refused(code: number): CommandAnswer {
  return { code, data: EMPTY };
}

/** `getconfig` of a part. */
export function sectionAnswer(sections: Sections, { section }: JsonObject): CommandAnswer {
  if (typeof section !== "string") return refused(EMPTY_SECTION);
  const data = sections(section);
  return data === null ? refused(UNKNOWN_SECTION) : { code: OK, data };
}

export async function answerJson(commands: JsonCommands, request: Buffer): Promise<Buffer> {
  const { code, data } = await answerOf(commands, request);
  return Buffer.from(JSON.stringify({ error: code, message: MESSAGES[code], data }));
}

async function answerOf({ plain, withParameters }: JsonCommands, request: Buffer): Promise<CommandAnswer> {
  const parsed = parseJsonObject(request);
  if (parsed === null) return refused(INVALID_JSON);
  const { command, parameters } = parsed;
  if (typeof command !== "string") return refused(EMPTY_COMMAND);
  const ask = Object.hasOwn(plain, command) ? plain[command] : undefined;
  if (ask !== undefined) return await ask();
  const asked = Object.hasOwn(withParameters, command) ? withParameters[command] : undefined;
  if (asked === undefined) return refused(UNKNOWN_COMMAND);
  return isObject(parameters) ? await asked(parameters) : refused(EMPTY_PARAMETERS);
}
