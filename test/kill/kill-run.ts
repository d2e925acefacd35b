/**
 * Kills a manager again and again while agents report to it, and holds what it wrote against what it had accepted.
 *
 * Accepted is what is whole in the journal of the dead manager. Each such event must appear in every output exactly once, in the
 * journal's order, with the same text as if nobody had killed anything: the counts of rules and their memory go on too.
 */
import { setTimeout as delay } from "node:timers/promises";
import { forEachEvent } from "#model/event-block.ts";
import type { OutputKind } from "#model/output-block.ts";
import { PROBE_DECODERS, PROBE_RULES } from "#testing/probe-rules.ts";
import { SeededRandom } from "#testing/random.ts";
import { makeHome, readOutput, removeHome, type TestHome, writeInto } from "../e2e/home.ts";
import { ManagerProcess } from "../e2e/manager-process.ts";
import { BURST_EVENTS_MAX, LoadClient } from "./clients.ts";
import { ExpectedOutputs } from "./expected.ts";
import { DeadJournal } from "./journal.ts";

const PLAIN_CLIENTS = 3;
const BURST_PERIOD_MS = 5;
/** Long enough for a snapshot, which is taken every 10 s, to be among what is killed now and then. */
const LOAD_MS_MAX = 1500;
const LONG_LOAD_MS = 11_000;
/** One round in so many has the long load. */
const LONG_ROUND_PERIOD = 5;
/** A start takes about this long on a quiet machine, a stop that long. */
const START_MS = 1000;
const STOP_MS = 60;

/** Where the kill falls: any time, right behind an answer that promises something, while it stops, while it starts. */
export const KINDS = ["load", "answer", "stop", "start"] as const;
type RoundKind = (typeof KINDS)[number];

export type Round = {
  readonly kind: RoundKind;
  /** After the load began, the stop was asked for, or the process was started. */
  readonly killedAfterMs: number;
  readonly sent: number;
  readonly journaled: number;
  readonly damagedBytes: number;
  /** Sent by plain clients in this round and in no journal. */
  readonly plainLost: number;
};

export type KillReport = {
  readonly seed: number;
  readonly rounds: readonly Round[];
  readonly events: number;
  readonly alerts: number;
  readonly plainSent: number;
  readonly plainLost: number;
  readonly resentSent: number;
  readonly resentLost: number;
  /** Journaled events with a number that came before: the resending client's, which cannot know. */
  readonly resentTwice: number;
  /** What is wrong; empty when every promise was kept. */
  readonly faults: readonly string[];
};

/** Of a line that is not as expected. */
const SHOWN_BEFORE = 20;
const SHOWN_CHARS = 120;

const OUTPUTS: readonly {
  readonly kind: OutputKind;
  readonly name: "alerts" | "archive";
  readonly extension: "json" | "log";
}[] = [
  { kind: "alert_json", name: "alerts", extension: "json" },
  { kind: "alert_log", name: "alerts", extension: "log" },
  { kind: "archive_json", name: "archive", extension: "json" },
  { kind: "archive_log", name: "archive", extension: "log" },
];

class KillRun {
  readonly #home: TestHome;
  readonly #random: SeededRandom;
  readonly #clients: readonly LoadClient[];
  readonly #journal: DeadJournal;
  readonly #expected: ExpectedOutputs;
  /** How often the number of an event is in the journal. */
  readonly #journaled = new Map<string, number>();
  #events = 0;

  constructor(home: TestHome, random: SeededRandom, clients: readonly LoadClient[]) {
    this.#home = home;
    this.#random = random;
    this.#clients = clients;
    this.#journal = new DeadJournal(home.path);
    this.#expected = new ExpectedOutputs(`${home.path}/probe-rules`);
  }

  async round(index: number): Promise<Round> {
    const kind = KINDS[index % KINDS.length] ?? "load";
    const sentBefore = this.#clients.map(({ sentCount }) => sentCount);
    const eventsBefore = this.#events;
    const damagedBefore = this.#journal.damagedBytes;
    const killedAfterMs = await this.#runAndKill(kind, index);
    this.#readJournal();
    const sent = this.#clients.reduce((sum, { sentCount }, at) => sum + sentCount - (sentBefore[at] ?? 0), 0);
    const plainLost = this.#clients.reduce(
      (sum, client, at) => sum + (client.resends ? 0 : this.#lostOf(client, sentBefore[at] ?? 0)),
      0,
    );
    return {
      kind,
      killedAfterMs: Math.round(killedAfterMs),
      sent,
      journaled: this.#events - eventsBefore,
      damagedBytes: this.#journal.damagedBytes - damagedBefore,
      plainLost,
    };
  }

  /** The last start: everything that was accepted comes out, and the resending client is confirmed to the end. */
  async finish(): Promise<void> {
    const manager = await startManager(this.#home);
    for (const client of this.#clients.filter(({ resends }) => resends)) {
      await client.connect();
      await client.confirmAll();
    }
    await manager.stop();
    this.#readJournal();
  }

  report(seed: number, rounds: readonly Round[]): KillReport {
    const faults = [...this.#outputFaults(), ...this.#numberFaults()];
    const sum = (resends: boolean, count: (client: LoadClient) => number) =>
      this.#clients.filter((client) => client.resends === resends).reduce((all, one) => all + count(one), 0);
    const unconfirmed = sum(true, ({ unconfirmedCount }) => unconfirmedCount);
    if (unconfirmed > 0) faults.push(`${unconfirmed} events of the resending client were never confirmed`);
    const resentLost = sum(true, (client) => this.#lostOf(client, 0));
    if (resentLost > 0) faults.push(`${resentLost} events of the resending client are in no journal`);
    const plainTwice = sum(false, (client) => this.#twiceOf(client));
    if (plainTwice > 0) faults.push(`${plainTwice} events of plain clients are in the journal twice`);
    return {
      seed,
      rounds,
      events: this.#events,
      alerts: lineCount(readOutput(this.#home, "alerts", "json")),
      plainSent: sum(false, ({ sentCount }) => sentCount),
      plainLost: sum(false, (client) => this.#lostOf(client, 0)),
      resentSent: sum(true, ({ sentCount }) => sentCount),
      resentLost,
      resentTwice: sum(true, (client) => this.#twiceOf(client)),
      faults,
    };
  }

  /** Resolves with the time of the kill when the manager is dead. */
  async #runAndKill(kind: RoundKind, index: number): Promise<number> {
    if (kind === "start") {
      const manager = launchManager(this.#home);
      return this.#killAfter(manager, this.#random.below(START_MS));
    }
    const manager = await startManager(this.#home);
    await Promise.all(this.#clients.map((client) => client.connect()));
    const long = index % LONG_ROUND_PERIOD === LONG_ROUND_PERIOD - 1;
    const loadMs = long ? LONG_LOAD_MS : this.#random.below(LOAD_MS_MAX);
    const load = this.#load(manager);
    await delay(loadMs);
    let killedAfterMs = loadMs;
    if (kind === "stop") {
      manager.signal("SIGTERM");
      killedAfterMs = await this.#killAfter(manager, this.#random.below(STOP_MS));
    } else {
      if (kind === "answer") await this.#confirmation();
      await manager.kill();
    }
    await load;
    await Promise.all(this.#clients.map((client) => client.drop()));
    return killedAfterMs;
  }

  async #killAfter(manager: ManagerProcess, milliseconds: number): Promise<number> {
    const begun = performance.now();
    await delay(milliseconds);
    const killedAfterMs = performance.now() - begun;
    await manager.kill();
    return killedAfterMs;
  }

  async #confirmation(): Promise<void> {
    await Promise.race(this.#clients.filter(({ resends }) => resends).map((client) => client.confirmation()));
  }

  async #load(manager: ManagerProcess): Promise<void> {
    while (manager.ended === null) {
      for (const client of this.#clients) client.burst(1 + this.#random.below(BURST_EVENTS_MAX));
      await delay(BURST_PERIOD_MS);
    }
  }

  #readJournal(): void {
    const visitor = {
      event: ({ message }: { readonly message: string }) => {
        this.#events++;
        const number = numberOf(message);
        if (number !== null) this.#journaled.set(number, (this.#journaled.get(number) ?? 0) + 1);
      },
      control: () => {},
    };
    this.#journal.readNew((block) => {
      forEachEvent(block, visitor);
      this.#expected.process(block);
    });
  }

  #lostOf(client: LoadClient, from: number): number {
    let lost = 0;
    for (let event = from; event < client.sentCount; event++) {
      if (!this.#journaled.has(client.nameOf(event))) lost++;
    }
    return lost;
  }

  #twiceOf(client: LoadClient): number {
    let twice = 0;
    for (let event = 0; event < client.sentCount; event++) {
      twice += Math.max(0, (this.#journaled.get(client.nameOf(event)) ?? 0) - 1);
    }
    return twice;
  }

  /** Byte for byte against an undisturbed run, but for what the agent's last keepalive has told of it by then. */
  #outputFaults(): string[] {
    return OUTPUTS.flatMap(({ kind, name, extension }) => {
      const actual = readOutput(this.#home, name, extension).replaceAll(',"ip":"127.0.0.1"}', "}");
      const difference = firstDifference(actual, this.#expected.of(kind));
      return difference === null ? [] : [`${name}.${extension}: ${difference}`];
    });
  }

  /** By the numbers in the texts alone, whatever the engine makes of them. */
  #numberFaults(): string[] {
    return OUTPUTS.filter(({ extension }) => extension === "json").flatMap(({ name, extension }) => {
      const written = new Map<string, number>();
      for (const line of readOutput(this.#home, name, extension).split("\n")) {
        const number = numberOf(line.slice(line.indexOf('"full_log"')));
        if (number !== null) written.set(number, (written.get(number) ?? 0) + 1);
      }
      const numbers = new Set([...written.keys(), ...this.#journaled.keys()]);
      const wrong = [...numbers].filter((number) => written.get(number) !== this.#journaled.get(number));
      if (wrong.length === 0) return [];
      const [first = ""] = wrong;
      const counts = `${written.get(first) ?? 0} times there, ${this.#journaled.get(first) ?? 0} times in the journal`;
      return [`${name}.${extension}: ${wrong.length} events, as number=${first}: ${counts}`];
    });
  }
}

function launchManager(home: TestHome): ManagerProcess {
  return ManagerProcess.launch(home.path, ["--quiet", "--ruleset", `${home.path}/probe-rules`]);
}

async function startManager(home: TestHome): Promise<ManagerProcess> {
  const manager = launchManager(home);
  await manager.serving();
  return manager;
}

function numberOf(text: string): string | null {
  return /number=(\d+-\d+) /.exec(text)?.[1] ?? null;
}

function lineCount(text: string): number {
  return text.split("\n").length - 1;
}

/** Null when the texts are equal. */
function firstDifference(actual: string, expected: string): string | null {
  if (actual === expected) return null;
  const actualLines = actual.split("\n");
  const expectedLines = expected.split("\n");
  const at = expectedLines.findIndex((line, index) => line !== actualLines[index]);
  const line = at === -1 ? expectedLines.length : at;
  const is = actualLines[line] ?? "";
  const wanted = expectedLines[line] ?? "";
  let column = 0;
  while (column < is.length && is[column] === wanted[column]) column++;
  const from = Math.max(0, column - SHOWN_BEFORE);
  const counts = `${actualLines.length} lines, ${expectedLines.length} expected`;
  const shown = `is '${is.slice(from, from + SHOWN_CHARS)}', expected '${wanted.slice(from, from + SHOWN_CHARS)}'`;
  return `${counts}; line ${line + 1} ${shown}`;
}

async function enrollClients(home: TestHome): Promise<readonly LoadClient[]> {
  const manager = await startManager(home);
  const clients: LoadClient[] = [];
  for (let number = 0; number <= PLAIN_CLIENTS; number++) {
    clients.push(await LoadClient.enroll(home, number, number === PLAIN_CLIENTS));
  }
  await manager.stop();
  return clients;
}

/** `tell` is given each round as it ends. */
export async function runKills(
  options: { readonly rounds: number; readonly seed: number },
  tell: (round: Round) => void,
): Promise<KillReport> {
  const home = await makeHome();
  try {
    writeInto(home.path, "probe-rules/decoders/probe.xml", PROBE_DECODERS);
    writeInto(home.path, "probe-rules/rules/probe.xml", PROBE_RULES);
    const run = new KillRun(home, new SeededRandom(options.seed), await enrollClients(home));
    const rounds: Round[] = [];
    for (let index = 0; index < options.rounds; index++) {
      const round = await run.round(index);
      rounds.push(round);
      tell(round);
    }
    await run.finish();
    return run.report(options.seed, rounds);
  } finally {
    removeHome(home);
  }
}
