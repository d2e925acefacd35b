/**
 * The texts that tell a program to run a response, in the three forms of the 4.x generation (wazuh v4.14.7: src/analysisd/exec.c,
 * src/analysisd/ar_json.c). Pure; texts are latin1 strings.
 */
import type { DecidedResponse, ResponseDecision } from "#model/response-decision.ts";

/** `text`: words with blanks between them. `escaped_json`: what the first versions that take JSON give to a shell on their way. */
export type MessageForm = "text" | "escaped_json" | "json";

/** As `agent.version` of a keepalive: the first `v` with three numbers counts. */
const VERSION = /v([0-9]{1,9})\.([0-9]{1,9})\.([0-9]{1,9})/;
/** Of the product name and the version; a longer text is none. */
const VERSION_CHARS_MAX = 128;
const ESCAPED = /[!$'`]/g;
const SHELL_MEANING = /[\\"'\t;`><|#*[\]{}&$!:()]/g;
const CONTROL_BYTES = /[\x00-\x1f\x7f]/g;
/** The peer's buffer for the form `text`. */
const TEXT_BYTES_MAX = 1023;

/** Null for a version that is none: what such an agent would take is not known. */
export function messageFormOf(version: string): MessageForm | null {
  const found = version.length > VERSION_CHARS_MAX ? null : VERSION.exec(version);
  if (found === null) return null;
  const [major, minor, patch] = [Number(found[1]), Number(found[2]), Number(found[3])];
  if (major < 4 || (major === 4 && minor < 2)) return "text";
  return major === 4 && minor === 2 && patch < 5 ? "escaped_json" : "json";
}

/** `nodeName` is the cluster node's, empty where there is none. */
export function responseMessage(
  form: MessageForm,
  { decision, response }: { readonly decision: ResponseDecision; readonly response: DecidedResponse },
  nodeName: string,
): string {
  switch (form) {
    case "text":
      return wordsMessage(decision, response);
    case "escaped_json":
      return jsonMessage(decision, response, nodeName).replace(ESCAPED, hexEscape);
    case "json":
      return jsonMessage(decision, response, nodeName);
  }
}

function jsonMessage(decision: ResponseDecision, response: DecidedResponse, nodeName: string): string {
  const origin = JSON.stringify({ name: nodeName, module: "wazuh-analysisd" });
  const extraArgs = JSON.stringify(response.extraArgs.split(" ").filter((word) => word !== ""));
  const parameters = `{"extra_args":${extraArgs},"alert":${decision.alert}}`;
  return `{"version":1,"origin":${origin},"command":${JSON.stringify(response.name)},"parameters":${parameters}}`;
}

/** Inside the JSON text: `\\x27`, which a reader of JSON takes for `\x27`. */
function hexEscape(character: string): string {
  return `\\\\x${character.charCodeAt(0).toString(16)}`;
}

function wordsMessage(decision: ResponseDecision, { name, extraArgs }: DecidedResponse): string {
  const { dstuser, srcip, id, ruleId, location, file } = decision;
  const words = [name, dstuser, srcip, id, ruleId, location, shellEscape(file), shellEscape(extraArgs)];
  return oneLine(words.map((word) => (word === "" ? "-" : word)).join(" "));
}

/** As the form `text` may be: words come from agents and users, and no line may end in one. */
export function oneLine(text: string): string {
  return text.replace(CONTROL_BYTES, "_").slice(0, TEXT_BYTES_MAX);
}

export function shellEscape(text: string): string {
  return text.replace(SHELL_MEANING, (character) => `\\${character}`);
}
