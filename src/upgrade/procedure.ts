/** Brings a package to one agent and has it run: each step a request, the next one only after the agent said yes. */
import type { Clock } from "#kernel/ports/clock.ts";
import { type Dialogue, dialogueFor, LOCK_RESTART, readTextAnswer, type StepAnswer } from "./dialogue.ts";
import type { UpgradeErrorCode } from "./errors.ts";
import { OPEN_ATTEMPTS_MAX, OPEN_RETRY_MS } from "./limits.ts";
import type { RequestOutcome } from "./needs.ts";
import type { UpgradePackage } from "./package-file.ts";

/** The agent's word that it began: the installer's exit code. */
const STARTED = "0";

/** `text` is the agent's, or why it said nothing. */
export type ProcedureOutcome =
  | { readonly ok: true }
  | { readonly ok: false; readonly code: UpgradeErrorCode; readonly text: string };

export type ProcedureNeeds = {
  readonly clock: Clock;
  readonly request: (payload: Uint8Array) => Promise<RequestOutcome>;
  /** Bytes of the package; throws `CodedError`. */
  readonly chunk: (position: number, bytes: number) => Uint8Array;
};

export type ProcedureAim = {
  readonly agentVersion: string;
  readonly package: UpgradePackage;
  readonly installer: string;
  /** Of the package in one request. */
  readonly chunkBytes: number;
};

export async function upgradeAgent(aim: ProcedureAim, needs: ProcedureNeeds): Promise<ProcedureOutcome> {
  const dialogue = dialogueFor(aim.agentVersion);
  const { name, sha1 } = aim.package;
  const ask = async (payload: Buffer) => answerOf(await needs.request(payload), dialogue.read);
  const locked = answerOf(await needs.request(LOCK_RESTART), readTextAnswer);
  if (!locked.ok) return failed("lock_restart", locked.text);
  const opened = await open(dialogue.open(name), needs, ask);
  if (!opened.ok) return failed("open_file", opened.text);
  const written = await write(aim, dialogue, needs, ask);
  if (!written.ok) return failed("write_file", written.text);
  const closed = await ask(dialogue.close(name));
  if (!closed.ok) return failed("close_file", closed.text);
  const sum = await ask(dialogue.sha1(name));
  if (!sum.ok) return failed("verify_sha1", sum.text);
  if (sum.text.toLowerCase() !== sha1) return failed("verify_sha1", `the agent has ${sum.text || "nothing"}`);
  const begun = await ask(dialogue.upgrade(name, aim.installer));
  return begun.ok && begun.text.startsWith(STARTED) ? { ok: true } : failed("upgrade_command", begun.text);
}

type Ask = (payload: Buffer) => Promise<StepAnswer>;

async function open(payload: Buffer, { clock }: ProcedureNeeds, ask: Ask): Promise<StepAnswer> {
  for (let attempt = 1; ; attempt++) {
    const answer = await ask(payload);
    if (answer.ok || attempt === OPEN_ATTEMPTS_MAX) return answer;
    await new Promise<void>((resolve) => clock.after(OPEN_RETRY_MS, resolve));
  }
}

/** A chunk is sent once: nobody can say whether one without an answer was written. */
async function write(
  { package: { name, bytes }, chunkBytes }: ProcedureAim,
  dialogue: Dialogue,
  { chunk }: ProcedureNeeds,
  ask: Ask,
): Promise<StepAnswer> {
  for (let at = 0; at < bytes; at += chunkBytes) {
    const answer = await ask(dialogue.write(name, chunk(at, Math.min(chunkBytes, bytes - at))));
    if (!answer.ok) return answer;
  }
  return { ok: true, text: "" };
}

function answerOf(outcome: RequestOutcome, read: (answer: Uint8Array) => StepAnswer): StepAnswer {
  return outcome.ok ? read(outcome.answer) : { ok: false, text: outcome.code };
}

function failed(code: UpgradeErrorCode, text: string): ProcedureOutcome {
  return { ok: false, code, text };
}
