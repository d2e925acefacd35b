/**
 * What agents answer to requests: each request ends once, with the first answer of the agent that was asked or because time is over, whatever
 * comes from whom; and what an answer to a step of an upgrade says is short, and yes only where it says yes.
 *
 * Lines of an input: `ask`, `wait <ms>`, and `<agent> <request, counted back> <bytes>` for a message behind `#!-req <its number> `.
 */
import assert from "node:assert/strict";
import { CONNECTION_DEFAULTS } from "#connection/config.ts";
import { ConnectionEvents } from "#connection/events.ts";
import { PendingRequests } from "#connection/pending-requests.ts";
import { isControlMessage, parseControlMessage } from "#formats/wire/agent/control.ts";
import { type AgentId, agentIdOf, parseAgentId } from "#model/agent.ts";
import { FakeClock } from "#testing/clock.ts";
import { RecordingLog, RecordingMetrics } from "#testing/log.ts";
import { SeededRandom } from "#testing/random.ts";
import { dialogueFor, readTextAnswer } from "#upgrade/dialogue.ts";
import { DETAIL_CHARS_MAX } from "#upgrade/limits.ts";
import { damagedText, splicedLines } from "../damage.ts";
import type { Target } from "../target.ts";

const ASKED = agentIdOf(1);
const OVER_UDP = agentIdOf(2);
const POOL = 5;
const ANSWERS = [
  "ok ",
  "ok 0",
  "err Invalid timeout",
  "ack",
  '{"error":0,"message":"ok","data":[]}',
  '{"error":7,"message":"File not opened","data":[]}',
  '{"error":"0","message":0}',
];
const WORDS = [
  ...ANSWERS,
  "ask",
  "wait 1000",
  "001 0 ",
  "002 1 ",
  "#!-req ",
  "ffffffff ",
  "\n",
  "null",
  "[]",
];
const LINES_MAX = 60;
const SECOND_MS = 1000;
const LONG_MS = 10 * CONNECTION_DEFAULTS.requests.responseMs;

function checkStep(answer: Buffer): void {
  const readings = [
    dialogueFor("v4.14.7").read(answer),
    dialogueFor("v4.0.0").read(answer),
    readTextAnswer(answer),
  ];
  const text = answer.toString("latin1");
  for (const { text: said } of readings) {
    assert(said.length <= DETAIL_CHARS_MAX);
    assert(!/[\x00-\x1f\x7f-\x9f]/.test(said), "a control byte");
  }
  const [module, com] = readings;
  assert.equal(com?.ok, text.split(" ")[0] === "ok");
  if (module?.ok === true) assert(JSON.parse(answer.toString("utf8")).error === 0);
}

type Asked = { readonly agentId: AgentId; readonly number: number; open: boolean };

class Site {
  readonly #clock = new FakeClock();
  readonly #asked: Asked[] = [];
  #message = "";
  readonly #requests = new PendingRequests(
    { ...CONNECTION_DEFAULTS.requests, pool: POOL },
    {
      clock: this.#clock,
      random: new SeededRandom(1),
      events: new ConnectionEvents(new RecordingLog(), new RecordingMetrics()),
      send: (_, message) => {
        this.#message = Buffer.from(message).toString("latin1");
        return true;
      },
      losesMessages: (agentId) => agentId === OVER_UDP,
    },
  );

  ask(): void {
    const agentId = this.#asked.length % 2 === 0 ? ASKED : OVER_UDP;
    const before = this.#requests.size;
    void this.#requests.request(agentId, Buffer.from("com x"));
    assert.equal(this.#requests.size, Math.min(before + 1, POOL));
    if (before === POOL) return;
    const number = /^#!-req ([0-9a-f]{1,8}) com x$/.exec(this.#message)?.[1];
    assert(number !== undefined, this.#message);
    this.#asked.push({ agentId, number: Number.parseInt(number, 16), open: true });
  }

  /** Time only ends requests. */
  wait(ms: number): void {
    const before = this.#requests.size;
    this.#clock.advance(ms);
    assert(this.#requests.size <= before);
    if (this.#requests.size === before) return;
    // Which have ended shows when all have.
    this.#clock.advance(LONG_MS);
    for (const asked of this.#asked) asked.open = false;
    assert.equal(this.#requests.size, 0);
  }

  answer(agentId: AgentId, back: number, bytes: Buffer): void {
    const asked = this.#asked.at(-1 - back);
    const number = asked?.number ?? back;
    const message = Buffer.concat([Buffer.from(`#!-req ${number.toString(16)} `), bytes]);
    assert(isControlMessage(message));
    const parsed = parseControlMessage(message);
    assert(
      parsed.kind === "request-answer" && parsed.requestNumber === number && parsed.answer.equals(bytes),
    );
    const before = this.#requests.size;
    this.#requests.answered(agentId, number, parsed.answer);
    const ends = asked?.open === true && asked.agentId === agentId && bytes.toString("latin1") !== "ack";
    assert.equal(this.#requests.size, ends ? before - 1 : before);
    if (ends) asked.open = false;
  }
}

function run(input: string): void {
  const site = new Site();
  for (const line of input.split("\n").slice(0, LINES_MAX)) {
    const [head = "", number = "", ...words] = line.split(" ");
    const count = Math.abs(Number.parseInt(number, 10)) % LONG_MS || 0;
    const agentId = parseAgentId(head);
    if (head === "ask") site.ask();
    else if (head === "wait") site.wait(count);
    else if (agentId !== null) site.answer(agentId, count, Buffer.from(words.join(" "), "latin1"));
    checkStep(Buffer.from(agentId === null ? line : words.join(" "), "latin1"));
  }
  site.wait(LONG_MS);
}

function madeLine(random: SeededRandom): string {
  const kind = random.below(5);
  if (kind === 0) return "ask";
  if (kind === 1) return `wait ${random.pick([1, SECOND_MS, 20 * SECOND_MS, LONG_MS])}`;
  const answer =
    random.below(2) === 0 ? random.pick(ANSWERS) : damagedText(random, random.pick(ANSWERS), WORDS);
  return `${random.pick([ASKED, OVER_UDP])} ${random.below(POOL)} ${answer}`;
}

export const agentAnswersTarget: Target = {
  make: (random) => Array.from({ length: 1 + random.below(20) }, () => madeLine(random)).join("\n"),
  change: (random, input, other) =>
    random.below(3) === 0 ? splicedLines(random, input, other) : damagedText(random, input, WORDS),
  run,
};
