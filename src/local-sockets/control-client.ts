/** Asks the running manager over its own socket, as the command line does. */
import { encodeFrame, FrameDecoder, PAYLOAD_BYTES_MAX } from "#formats/wire/agent/frame.ts";
import { CodedError } from "#kernel/errors.ts";
import type { LocalSockets } from "#kernel/ports/local-sockets.ts";
import { type JsonObject, parseJsonObject } from "./json.ts";

/**
 * Gives the `data` of the answer. Throws `CodedError`: `manager_unreachable`, `request_too_large`, `answer_invalid`, or what the
 * manager says. Waits as long as the manager is there.
 */
export async function askManager(
  localSockets: Pick<LocalSockets, "open">,
  path: string,
  request: { readonly command: string; readonly parameters: JsonObject },
): Promise<unknown> {
  const payload = Buffer.from(JSON.stringify(request), "utf8");
  if (payload.length > PAYLOAD_BYTES_MAX)
    throw new CodedError("request_too_large", "The request is too large; name fewer agents at a time");
  const { handler, answered } = collector();
  const connection = await reach(localSockets, path, handler);
  connection.write(encodeFrame(payload));
  const answer = parseJsonObject(await answered);
  if (answer === null)
    throw new CodedError("answer_invalid", "The manager hung up before its answer was whole");
  const { code, message } = answer;
  if (typeof code === "string") throw new CodedError(code, String(message));
  return answer["data"];
}

async function reach(localSockets: Pick<LocalSockets, "open">, path: string, handler: Collector["handler"]) {
  try {
    return await localSockets.open(path, handler);
  } catch (error) {
    if (!(error instanceof CodedError)) throw error;
    const text = `No manager can be reached at ${path} (${error.message}); it must run, and this user must be of its group`;
    throw new CodedError("manager_unreachable", text, { path }, error);
  }
}

type Collector = ReturnType<typeof collector>;

/** Joins frames until the other side hangs up. */
function collector() {
  const decoder = new FrameDecoder();
  const parts: Buffer[] = [];
  const { promise: answered, resolve } = Promise.withResolvers<Buffer>();
  const handler = {
    data: (chunk: Buffer) => parts.push(...decoder.push(chunk).frames),
    closed: () => resolve(Buffer.concat(parts)),
  };
  return { handler, answered };
}
