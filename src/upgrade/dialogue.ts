/**
 * What is said to an agent to upgrade it, in the two forms that agents know: JSON to its upgrade module (from 4.1 on), or texts to its
 * `com` (before). Pure; answers are hostile until they are read here.
 */
import { DETAIL_CHARS_MAX } from "./limits.ts";
import { compareVersions, parseVersion, type Version } from "./versions.ts";

const MODULE_SINCE: Version = [4, 1, 0];

export const LOCK_RESTART = Buffer.from("com lock_restart -1");
/** Ends an agent's reports about its last upgrade and lets it take another. */
export const CLEAR_RESULT = Buffer.from('upgrade {"command":"clear_upgrade_result","parameters":{}}');

/** `text` is what the agent said, cut and without control bytes. */
export type StepAnswer = { readonly ok: boolean; readonly text: string };

export type Dialogue = {
  open(file: string): Buffer;
  write(file: string, chunk: Uint8Array): Buffer;
  close(file: string): Buffer;
  sha1(file: string): Buffer;
  upgrade(file: string, installer: string): Buffer;
  read(answer: Uint8Array): StepAnswer;
};

export function dialogueFor(agentVersion: string): Dialogue {
  const version = parseVersion(agentVersion);
  return version !== null && compareVersions(version, MODULE_SINCE) < 0 ? COM : MODULE;
}

const MODULE: Dialogue = {
  open: (file) => toModule("open", { mode: "wb", file }),
  write: (file, chunk) => {
    const buffer = Buffer.from(chunk).toString("base64");
    return toModule("write", { buffer, length: chunk.length, file });
  },
  close: (file) => toModule("close", { file }),
  sha1: (file) => toModule("sha1", { file }),
  upgrade: (file, installer) => toModule("upgrade", { file, installer }),
  read: readModuleAnswer,
};

const COM: Dialogue = {
  open: (file) => Buffer.from(`com open wb ${file}`),
  write: (file, chunk) => Buffer.concat([Buffer.from(`com write ${chunk.length} ${file} `), chunk]),
  close: (file) => Buffer.from(`com close ${file}`),
  sha1: (file) => Buffer.from(`com sha1 ${file}`),
  upgrade: (file, installer) => Buffer.from(`com upgrade ${file} ${installer}`),
  read: readTextAnswer,
};

function toModule(command: string, parameters: Readonly<Record<string, string | number>>): Buffer {
  return Buffer.from(`upgrade ${JSON.stringify({ command, parameters })}`);
}

/** `{"error":0,"message":"…"}`, or an `err …` of what is before the module. */
function readModuleAnswer(answer: Uint8Array): StepAnswer {
  const text = Buffer.from(answer).toString("utf8");
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null && "error" in value && "message" in value) {
      const { error, message } = value;
      if (typeof error === "number" && typeof message === "string")
        return { ok: error === 0, text: shown(message) };
    }
  } catch {
    // No JSON: what is before the module, or nothing that an agent says.
  }
  return { ok: false, text: shown(text) };
}

/** `ok[ <data>]` or `err <text>`; also what `com` answers to `lock_restart`, whatever the agent's version. */
export function readTextAnswer(answer: Uint8Array): StepAnswer {
  const text = Buffer.from(answer).toString("latin1");
  const ok = text === "ok" || text.startsWith("ok ");
  return { ok, text: shown(ok ? text.slice("ok ".length) : text) };
}

function shown(text: string): string {
  return text
    .slice(0, DETAIL_CHARS_MAX)
    .replace(/[\x00-\x1f\x7f-\x9f]/g, " ")
    .trim();
}
