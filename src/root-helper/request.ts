/** What goes through the pipe: one JSON object a line, requests one way and answers the other. Pure. */
import { type HostAction, type HostActionOutcome, parseHostAction } from "#model/host-action.ts";
import { LINE_BYTES_MAX } from "./limits.ts";

export type HelperRequest = {
  readonly id: number;
  readonly action: HostAction;
  /** Only what would be run is told. */
  readonly dryRun: boolean;
};

export type HelperAnswer = HostActionOutcome & { readonly id: number };

/** Null for anything but a request with good arguments. */
export function parseRequest(line: string): HelperRequest | null {
  const value = parseObject(line);
  const action = parseHostAction(value?.["action"]);
  const { id, dryRun } = value ?? {};
  return action !== null && isId(id) && typeof dryRun === "boolean" ? { id, action, dryRun } : null;
}

/** The id of a line that is no request, so that who sent it is answered; 0 where there is none. */
export function requestIdOf(line: string): number {
  const id = parseObject(line)?.["id"];
  return isId(id) ? id : 0;
}

export function parseAnswer(line: string): HelperAnswer | null {
  const { id, ok, code, text } = parseObject(line) ?? {};
  if (!isId(id) || typeof ok !== "boolean" || typeof code !== "string" || typeof text !== "string")
    return null;
  return { id, ok, code, text };
}

/** With its newline. */
export function formatFrame(frame: HelperRequest | HelperAnswer): string {
  return `${JSON.stringify(frame)}\n`;
}

/** Cuts a stream into lines. Holds less than `LINE_BYTES_MAX` bytes; a longer line ends the conversation. */
export class FrameLines {
  #pending = "";

  /** Null when a line is too long: nothing behind it can be trusted. */
  push(chunk: Uint8Array): readonly string[] | null {
    const lines = (this.#pending + Buffer.from(chunk).toString("latin1")).split("\n");
    this.#pending = lines.pop() ?? "";
    const isTooLong = [...lines, this.#pending].some((line) => line.length > LINE_BYTES_MAX);
    return isTooLong ? null : lines.map((line) => Buffer.from(line, "latin1").toString("utf8"));
  }
}

function isId(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value > 0;
}

function parseObject(text: string): Readonly<Record<string, unknown>> | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? { ...value } : null;
  } catch {
    return null;
  }
}
