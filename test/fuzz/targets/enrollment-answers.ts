/** Answers that an enrolling agent gets, and those of programs that know keys: what is taken as a key is safe as a line of client.keys. */
import assert from "node:assert/strict";
import { ANSWER_BYTES_MAX, parseAnswer } from "#formats/wire/enrollment/client.ts";
import { parseKeyAnswer } from "#formats/wire/enrollment/key-answer.ts";
import { damagedJson, damagedText } from "../damage.ts";
import type { Target } from "../target.ts";

const KEY = "0123456789abcdef".repeat(4);
const TEXTS = [
  `OSSEC K:'001 web-1 any ${KEY}'`,
  `OSSEC K:'1000 web-1 192.0.2.0/24 ${KEY}'\n\n`,
  "ERROR: Invalid password. Unable to add agent\n\n",
];
const DOCUMENTS = [
  `{"error":0,"data":{"id":"001","name":"web-1","ip":"any","key":"${KEY}"}}`,
  '{"error":1,"message":"No such agent"}',
];
const WORDS = [
  "OSSEC K:'",
  "'",
  " ",
  "001",
  "000",
  "any",
  "::1",
  "10.0.0.0/8",
  "ERROR: ",
  KEY,
  "..",
  "!",
  "\n",
  "x".repeat(130),
];

type Entry = {
  readonly id: string;
  readonly name: string;
  readonly address: { readonly text: string };
  readonly key: { reveal(): string };
};

function checkEntry({ id, name, address, key }: Entry): void {
  const line = `${id} ${name} ${address.text} ${key.reveal()}`;
  assert.match(line, /^[0-9]{1,8} [A-Za-z0-9_-][A-Za-z0-9._-]{1,127} [0-9a-fA-F.:/any]{2,} [!-~]{1,127}$/);
}

function run(input: string): void {
  const answer = parseAnswer(Buffer.from(input, "latin1"));
  if (answer.kind === "key") {
    checkEntry(answer.entry);
    assert(input.startsWith("OSSEC K:'"));
  } else if (answer.kind === "refused") assert(answer.text.length < ANSWER_BYTES_MAX);
  const known = parseKeyAnswer(input);
  if (known?.kind === "agent") {
    checkEntry(known.agent);
    assert(Number(known.agent.id) !== 0, "the manager's own id");
  } else if (known !== null) {
    const text = known.kind === "unknown" ? known.message : known.problem;
    assert(!/[\x00-\x1f\x7f]/.test(text), "a control byte in the log");
  }
}

export const enrollmentAnswersTarget: Target = {
  make: (random) =>
    random.below(2) === 0
      ? damagedText(random, random.pick(TEXTS), WORDS)
      : damagedJson(random, random.pick(DOCUMENTS)),
  change: (random, input) =>
    input.startsWith("{") && random.below(2) === 0
      ? damagedJson(random, input)
      : damagedText(random, input, WORDS),
  run,
};
