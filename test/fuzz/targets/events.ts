/**
 * Log lines through a whole engine: headers, program names, JSON, and texts near what the rule sets look for.
 *
 * The first line of an input names the rule set and the size of the event memory, each other line is an event.
 */
import { damagedLine, monstrousLine, SAMPLE_LINES } from "#analysis/hostile-logs.fixture.ts";
import type { SeededRandom } from "#testing/random.ts";
import { damagedJson, damagedText, oddText, splicedLines } from "../damage.ts";
import { checkEvents } from "../engine-run.ts";
import { type FuzzEvent, parseEvent, parseEvents, printEvent } from "../event-lines.ts";
import { nearText } from "../near.ts";
import {
  type KnownPattern,
  linesOf,
  PEER_IS_THERE,
  patternsOf,
  type RuleSetName,
  ruleSet,
} from "../rule-sets.ts";
import type { Target } from "../target.ts";

const EVENTS_MAX = 30;
const SET_NAMES: readonly RuleSetName[] = PEER_IS_THERE
  ? ["everything", "shipped", "peer"]
  : ["everything", "shipped"];
/** From less than a batch to what a manager has. */
const MEMORY_SIZES = [1, 3, 20, 8192];
const AGENTS = ["000", "000", "001", "002"];

const HEADERS = [
  "Nov 21 06:44:10 web1 ",
  "Nov  1 06:44:10 web1 ",
  "<134>Nov 21 06:44:10 web1 ",
  "2026-11-21T06:44:10.123456+00:00 db1 ",
  "2026-11-21 06:44:10,705 ",
  "2026 Nov 21 06:44:10 web1 ",
  "[Sat Nov 21 06:44:16 2026] ",
  "[Time 2006.12.28 15:53:55 UTC] [Facility auth] [Sender sshd] [PID 483] [Message x] [Host h] ",
  "11/21-06:44:26.240702  ",
  "1763707456.220    117 10.0.0.4 ",
  "M\xc3\xa4r 21 06:44:10 web1 ",
  "",
];

type Words = { readonly patterns: readonly KnownPattern[]; readonly lines: readonly string[] };

const wordsOfSet = new Map<RuleSetName, Words>();

function wordsOf(name: RuleSetName): Words {
  const words = wordsOfSet.get(name) ?? {
    patterns: patternsOf(name),
    lines: [...SAMPLE_LINES, ...linesOf(name)],
  };
  wordsOfSet.set(name, words);
  return words;
}

function composedLine(random: SeededRandom, { patterns }: Words): string {
  const parts = Array.from({ length: 1 + random.below(4) }, () => nearText(random, random.pick(patterns)));
  const programs = patterns.filter(({ element }) => element === "program_name");
  const program =
    random.below(3) === 0 || programs.length === 0 ? "app" : nearText(random, random.pick(programs));
  const header = random.pick(HEADERS);
  const tag = random.pick([`${program}[${random.below(99_999)}]: `, `${program}: `, ""]);
  return header + tag + parts.join(random.pick([" ", "", ": ", ", "]));
}

/** A JSON event with the fields that rules ask for. */
function jsonLine(random: SeededRandom, { patterns }: Words): string {
  const document: Record<string, unknown> = {};
  for (let count = 1 + random.below(8); count > 0; count--) {
    const pattern = random.pick(patterns);
    const path = pattern.element.split(".");
    const last = path.pop() ?? "x";
    let inner = document;
    for (const part of path) {
      const next: unknown = inner[part];
      const object: Record<string, unknown> =
        typeof next === "object" && next !== null ? Object.fromEntries(Object.entries(next)) : {};
      inner[part] = object;
      inner = object;
    }
    inner[last] = nearText(random, pattern);
  }
  const json = JSON.stringify(document);
  return random.below(2) === 0 ? json : damagedJson(random, json);
}

function messageOf(random: SeededRandom, words: Words): string {
  const kind = random.below(20);
  if (kind < 5) return composedLine(random, words);
  if (kind < 8) return jsonLine(random, words);
  if (kind < 12) return random.pick(words.lines);
  if (kind < 15) return damagedText(random, random.pick(words.lines), words.lines[0]?.split(" ") ?? []);
  if (kind < 18) return damagedLine(random);
  return random.below(6) === 0 ? monstrousLine(random) : damagedText(random, composedLine(random, words), []);
}

function locationOf(random: SeededRandom, agent: string): string {
  if (random.below(12) === 0) return oddText(random);
  const path = random.pick([
    "/var/log/auth.log",
    "/var/log/x",
    "syscheck",
    "ossec-keepalive",
    "netstat listening ports",
  ]);
  if (agent !== "000") return `(web${agent}) ${random.pick(["any", "10.0.0.7"])}->${path}`;
  return random.below(10) === 0 ? `(ssh_integrity_check) joe@db${oddText(random)}->${path}` : path;
}

function eventOf(random: SeededRandom, words: Words): FuzzEvent {
  const agent = random.pick(AGENTS);
  return {
    queue: random.below(15) === 0 ? random.pick([..."245u9Zz\xff"]) : "1",
    agent,
    location: locationOf(random, agent),
    message: messageOf(random, words),
    after: random.pick([0, 0, 1, 300, 2000, 61_000, 3_600_000]),
  };
}

export type EventsHead = { readonly set: RuleSetName; readonly memory: number };

export function printHead({ set, memory }: EventsHead): string {
  return `${set} ${memory}`;
}

/** Damaged heads mean the smallest set. */
export function parseHead(line: string): EventsHead {
  const [name, size] = line.split(" ");
  const set = SET_NAMES.find((known) => known === name) ?? "everything";
  const memory = Number(size);
  return { set, memory: Number.isInteger(memory) && memory > 0 && memory <= 8192 ? memory : 20 };
}

export function isForeignEvents(input: string): boolean {
  return input.startsWith("peer ");
}

/** Runs a head and its events. An input for a set that is not here passes. */
export function runEvents(input: string): void {
  const [head = "", ...lines] = input.split("\n");
  if (isForeignEvents(input) && !PEER_IS_THERE) return;
  const { set: name, memory } = parseHead(head);
  const set = ruleSet(name);
  if (set !== null) checkEvents(set, parseEvents(lines.join("\n")), memory);
}

/** Events come, go, change places and are damaged. */
export function changeEvents(
  random: SeededRandom,
  input: string,
  other: string,
  damage: (message: string) => string,
): string {
  const [head = "", ...events] = (random.below(4) === 0 ? splicedLines(random, input, other) : input).split(
    "\n",
  );
  for (let round = 1 + random.below(3); round > 0; round--) {
    const at = random.below(events.length + 1);
    const chosen = events[at] ?? "";
    const kind = random.below(5);
    if (kind === 0) events.splice(at, 1);
    else if (kind === 1) events.splice(random.below(events.length + 1), 0, chosen);
    else {
      const event = parseEvent(chosen);
      events[at] = printEvent({ ...event, message: damage(event.message) });
    }
  }
  return [head, ...events.slice(0, 2 * EVENTS_MAX)].join("\n");
}

export const eventsTarget: Target = {
  make(random) {
    const set = random.pick(SET_NAMES);
    const events = Array.from({ length: 1 + random.below(EVENTS_MAX) }, () =>
      printEvent(eventOf(random, wordsOf(set))),
    );
    return [printHead({ set, memory: random.pick(MEMORY_SIZES) }), ...events].join("\n");
  },
  change(random, input, other) {
    // Words of the peer's set must not get into an input that claims to be free of them.
    const from = isForeignEvents(other) && !isForeignEvents(input) ? input : other;
    const words = wordsOf(parseHead(input.split("\n")[0] ?? "").set).lines[0]?.split(" ") ?? [];
    return changeEvents(random, input, from, (message) =>
      message.startsWith("{") ? damagedJson(random, message) : damagedText(random, message, words),
    );
  },
  run: runEvents,
  isForeign: isForeignEvents,
};
