/** The parts of a string or file on their way to the other side, which takes them in their order: while one is opened the next is sealed. */
import type { RequestOutcome } from "./replies.ts";

/** As many as keep both sides busy; each is held several times over. */
const PARTS_UNANSWERED_MAX = 2;

type Failed = Extract<RequestOutcome, { kind: "failed" }>;

/** `parts` is asked for one when there is room for it. Null when all have their answers, else the one that `ends` them. */
export async function sendParts(
  parts: Iterable<Buffer>,
  send: (part: Buffer) => Promise<RequestOutcome>,
  ends: (outcome: RequestOutcome) => outcome is Failed,
): Promise<Failed | null> {
  const unanswered: Promise<RequestOutcome>[] = [];
  for (const part of parts) {
    unanswered.push(send(part));
    const first = unanswered.length < PARTS_UNANSWERED_MAX ? null : await unanswered.shift();
    if (first && ends(first)) return first;
  }
  for (const last of unanswered) {
    const outcome = await last;
    if (ends(outcome)) return outcome;
  }
  return null;
}
