/**
 * Messages of the event queue and lines of replayed files: what a second reader finds, which follows the format's words byte by byte.
 */
import assert from "node:assert/strict";
import { readInputLine } from "#cli/replay/input-line.ts";
import { splitQueueMessage } from "#formats/wire/agent/queue-message.ts";
import { damagedText, oddText } from "../damage.ts";
import type { Target } from "../target.ts";

const PARTS = [
  "1:",
  "8:",
  "[001] ",
  "[",
  "] ",
  "(web1) ",
  "any->",
  "/var/log/x",
  "|:",
  "||",
  "|",
  ":",
  "syscheck",
  "\0",
  "text",
];

type Split = { queue: string; agentId: string; location: string; message: string };

function slowSplit(datagram: string): Split | null {
  const text = datagram.split("\0")[0] ?? "";
  if (text.length < 4) return null;
  let origin = "";
  let at = 2;
  while (at < text.length && text[at] !== ":") {
    const escapes = text[at] === "|" && at + 1 < text.length;
    if (escapes) at++;
    origin += text[at];
    at++;
  }
  if (at >= text.length) return null;
  const parts = { queue: text.charAt(0), message: text.slice(at + 1) };
  if (!origin.startsWith("[")) return { ...parts, agentId: "000", location: origin };
  const close = origin.indexOf("]");
  return close < 0 ? null : { ...parts, agentId: origin.slice(1, close), location: origin.slice(close + 2) };
}

function run(input: string): void {
  const parts = splitQueueMessage(input);
  const expected = slowSplit(input);
  if ("error" in parts) assert.equal(expected, null);
  else {
    const { hostname, ...found } = parts;
    assert.deepEqual(found, expected);
    assert.equal(hostname === null, !input.slice(2).replace(/^\|/, "").startsWith("["));
  }
  readInputLine(input.replaceAll("\n", " "), "f");
}

export const queueMessagesTarget: Target = {
  make: (random) =>
    Array.from({ length: 1 + random.below(12) }, () =>
      random.below(6) === 0 ? oddText(random) : random.pick(PARTS),
    ).join(""),
  change: (random, input, other) => damagedText(random, input, [...PARTS, other]),
  run,
};
