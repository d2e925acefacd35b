/**
 * Our own socket: `{"command":"…","parameters":{…}}` as UTF-8, answered by `{"data":…}` or `{"code":"…","message":"…"}`.
 *
 * Who may connect may do all that the commands do: the file's mode decides. Texts of agents and logs are strings with one char a byte.
 */
import { CodedError } from "#kernel/errors.ts";
import { isObject, type JsonObject, parseJsonObject } from "./json.ts";
import { ANSWER_BYTES_MAX } from "./limits.ts";

/** Throws `CodedError` for what cannot be done; its code and message are the answer. */
export type ControlCommand = (parameters: JsonObject) => unknown;
export type ControlCommands = Readonly<Record<string, ControlCommand>>;

export async function answerControl(commands: ControlCommands, request: Buffer): Promise<Buffer> {
  const answer = Buffer.from(JSON.stringify(await answerOf(commands, request)), "utf8");
  if (answer.length <= ANSWER_BYTES_MAX) return answer;
  return Buffer.from(JSON.stringify(failure("answer_too_large", "The answer is too large; ask for less")));
}

async function answerOf(commands: ControlCommands, request: Buffer): Promise<JsonObject> {
  const parsed = parseJsonObject(request);
  const { command, parameters = {} } = parsed ?? {};
  if (typeof command !== "string" || !isObject(parameters)) {
    return failure("request_invalid", "The request is no object with a command and its parameters");
  }
  const act = Object.hasOwn(commands, command) ? commands[command] : undefined;
  if (act === undefined) return failure("command_unknown", `The manager knows no command '${command}'`);
  try {
    return { data: (await act(parameters)) ?? null };
  } catch (error) {
    if (!(error instanceof CodedError)) throw error;
    return failure(error.code, error.message);
  }
}

function failure(code: string, message: string): JsonObject {
  return { code, message };
}
