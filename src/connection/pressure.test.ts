/**
 * Goal: a journal that cannot take everything slows all agents fairly, loses nothing and ends no connection.
 * Method: 2,000 agents that always have something to say, a sink that says how it is, and a clock that is moved by hand.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { frameOf } from "#testing/agent-link.ts";
import {
  ACK,
  identity,
  KEEPALIVE,
  STARTUP,
  startManager,
  type TestLink,
  type TestManager,
} from "./fixture.ts";
import { UNSOLICITED_RANDOM } from "./sealer.ts";

const AGENTS = 2000;

function event(number: number): string {
  return `1:log:${number}`;
}

/** Twice as often as a connection has its turn. */
const SEND_PERIOD_MS = 4000;

/** Agents of which each sends a frame every `SEND_PERIOD_MS`, whether it is read or not. */
class Fleet {
  readonly manager: TestManager;
  readonly links: TestLink[];
  readonly #frames: Buffer[];

  constructor(manager: TestManager, agents: number) {
    this.manager = manager;
    const identities = Array.from({ length: agents }, (_, index) =>
      identity(String(index + 1).padStart(4, "0")),
    );
    manager.know(...identities);
    this.links = identities.map((agent) => manager.greeted(agent));
    // One sealed frame each, sent again and again: sealing is the costly part of the simulation.
    this.#frames = this.links.map((link, index) => frameOf(link.cipher.seal(event(index))));
    for (const link of this.links) link.answers();
  }

  /** The longest time that any agent was not read, and that any agent had no answer. */
  run(seconds: number): { readonly readGapMs: number; readonly answerGapMs: number } {
    const { clock, sink } = this.manager;
    const startMs = clock.monotonicMs();
    const lastReadMs = new Map<string, number>();
    const lastAnswerMs = this.links.map(() => startMs);
    let readGapMs = 0;
    let answerGapMs = 0;
    for (let passedMs = 0; passedMs < seconds * 1000; passedMs += 500) {
      if (passedMs % SEND_PERIOD_MS === 0) {
        for (const [index, link] of this.links.entries())
          link.connection.receive(this.#frames[index] ?? Buffer.alloc(0));
      }
      clock.advance(500);
      const nowMs = clock.monotonicMs();
      for (const { agentId } of sink.events.splice(0)) {
        readGapMs = Math.max(readGapMs, nowMs - (lastReadMs.get(agentId) ?? startMs));
        lastReadMs.set(agentId, nowMs);
      }
      for (const [index, link] of this.links.entries()) {
        const sinceMs = lastAnswerMs[index] ?? startMs;
        if (link.connection.sent.length > 0) {
          link.connection.sent.length = 0;
          answerGapMs = Math.max(answerGapMs, nowMs - sinceMs);
          lastAnswerMs[index] = nowMs;
        }
      }
    }
    const endMs = clock.monotonicMs();
    for (const lastMs of lastAnswerMs) answerGapMs = Math.max(answerGapMs, endMs - lastMs);
    const silent = this.links.length - lastReadMs.size;
    for (const lastMs of lastReadMs.values()) readGapMs = Math.max(readGapMs, endMs - lastMs);
    return { readGapMs: silent > 0 ? endMs - startMs : readGapMs, answerGapMs };
  }

  get open(): number {
    return this.links.filter((link) => link.open).length;
  }
}

test("AgentConnectionService reads 2,000 agents in turn under high pressure, keeps all of them under full and recovers", async () => {
  const manager = await startManager();
  const fleet = new Fleet(manager, AGENTS);

  manager.sink.pressure = "high";
  manager.clock.advance(100);
  manager.sink.events.length = 0;
  const high = fleet.run(40);
  assert(high.readGapMs <= 10_000, `read after ${high.readGapMs} ms`);
  assert(high.answerGapMs <= 20_000, `answered after ${high.answerGapMs} ms`);

  manager.sink.pressure = "full";
  manager.clock.advance(100);
  manager.sink.events.length = 0;
  const framesBefore = manager.metrics.get("agent_frames_received");
  const full = fleet.run(40);
  assert.equal(manager.metrics.get("agent_frames_received"), framesBefore, "nothing is read");
  assert(full.answerGapMs <= 20_000, `answered after ${full.answerGapMs} ms`);

  manager.sink.pressure = "none";
  manager.clock.advance(1000);
  const sent = (AGENTS * (40 + 40) * 1000) / SEND_PERIOD_MS;
  assert.equal(manager.metrics.get("agent_events"), sent, "what waited is read");
  assert.equal(fleet.open, AGENTS);
  assert(fleet.links.every((link) => !link.connection.paused));
  assert.deepEqual(manager.warnings, [
    "Journal nearly full: reading 2000 agent connections in turn.",
    "Journal full: not reading from 2000 agent connections.",
    "Reading all 2000 agent connections again.",
  ]);
});

test("AgentConnectionService reads one chunk of a connection in its turn", async () => {
  const manager = await startManager();
  const fleet = new Fleet(manager, 80);
  manager.sink.pressure = "high";
  manager.clock.advance(100);
  const link = fleet.links[40];
  assert(link !== undefined);
  for (let chunk = 0; chunk < 10; chunk++) link.say(event(chunk));
  manager.clock.advance(8000);
  assert.equal(manager.sink.events.length, 1);
  manager.clock.advance(8000);
  assert.equal(manager.sink.events.length, 2);
});

test("AgentConnectionService ends the turn of a connection that had nothing to say", async () => {
  const manager = await startManager();
  const fleet = new Fleet(manager, 80);
  manager.sink.pressure = "high";
  manager.clock.advance(8200);
  for (const link of fleet.links) link.say(event(1));
  assert(manager.sink.events.length <= 1, "only the one whose turn it is");
  manager.clock.advance(4000);
  assert.equal(Math.abs(manager.sink.events.length - 40) <= 1, true);
});

test("AgentConnectionService counts what waited as the chunk of a turn", async () => {
  const manager = await startManager();
  const fleet = new Fleet(manager, 80);
  const link = fleet.links[40];
  assert(link !== undefined);
  manager.sink.pressure = "high";
  manager.sink.refuses = true;
  link.say(event(1), event(2), event(3));
  link.say(event(4));
  manager.sink.refuses = false;
  manager.clock.advance(8000);
  assert.equal(manager.sink.events.length, 3);
  manager.clock.advance(8000);
  assert.equal(manager.sink.events.length, 4);
});

test("AgentConnectionService marks the acks that answer nothing", async () => {
  const manager = await startManager();
  manager.know(identity("001"));
  const link = manager.greeted(identity("001"));
  link.say(KEEPALIVE);
  const solicited = link.sealedAnswers().map((payload) => link.cipher.open(payload));
  manager.sink.pressure = "full";
  manager.clock.advance(30_000);
  const unsolicited = link.sealedAnswers().map((payload) => link.cipher.open(payload));
  assert.notEqual(solicited[0]?.random, solicited[1]?.random);
  assert.deepEqual(
    solicited.map(({ message, random }) => [message, random < 65_536]),
    [
      [ACK, true],
      [ACK, true],
    ],
  );
  assert(unsolicited.length >= 2);
  for (const answer of unsolicited) assert.deepEqual(answer, { message: ACK, random: UNSOLICITED_RANDOM });
});

test("AgentConnectionService declares nobody lost or silent for the time in which it did not listen", async () => {
  const manager = await startManager();
  const fleet = new Fleet(manager, 3);
  const stranger = manager.agent(identity("0001"));
  manager.sink.pressure = "full";
  manager.clock.advance(4_000_000);
  manager.sink.pressure = "none";
  manager.clock.advance(20_000);
  assert.deepEqual([fleet.open, stranger.open], [3, true]);
  assert.deepEqual(
    manager.updates.filter(({ kind }) => kind === "lost"),
    [],
  );
  manager.clock.advance(1_000_000);
  assert.equal(manager.updates.filter(({ kind }) => kind === "lost").length, 3);
});

test("AgentConnectionService lets a newcomer wait while nothing is read", async () => {
  const manager = await startManager();
  manager.know(identity("001"));
  manager.sink.pressure = "full";
  manager.clock.advance(100);
  const link = manager.agent(identity("001"));
  link.say(STARTUP);
  manager.clock.advance(20_000);
  assert.deepEqual([link.answers(), link.open], [[], true]);
  manager.sink.pressure = "high";
  manager.clock.advance(10_000);
  assert.deepEqual(link.answers(), [ACK]);
});

test("AgentConnectionService keeps what a full journal refuses, in order, and acknowledges it only afterwards", async () => {
  const manager = await startManager();
  manager.know(identity("001"), identity("002"));
  const [first, second] = [manager.greeted(identity("001")), manager.greeted(identity("002"))];
  first.answers();
  manager.sink.refuses = true;
  first.say("1:log:a", KEEPALIVE, "1:log:b", "#!-agent shutdown ");
  second.say("1:log:other");
  assert.deepEqual(manager.sink.texts(), []);
  manager.clock.advance(25_000);
  assert.deepEqual([first.open, second.open], [true, true]);
  const unsolicited = first.sealedAnswers().map((payload) => first.cipher.open(payload).random);
  assert(unsolicited.every((random) => random === UNSOLICITED_RANDOM));

  manager.sink.refuses = false;
  manager.clock.advance(100);
  assert.deepEqual(first.answers(), [ACK]);
  assert.deepEqual(
    manager.sink.texts().filter((text) => text.includes("[001]")),
    [
      "1:[001] (agent001) any->log:a",
      "1:[001] (agent001) any->log:b",
      "1:[001] (agent001) any->wazuh-remoted:ossec: Agent stopped: 'agent001->any'.",
    ],
  );
  assert.equal(manager.sink.events.length, 4);
  assert.equal(manager.metrics.get("agent_frames_lost"), 0);
});

test("AgentConnectionService counts what was read and not taken when a connection ends under a full journal", async () => {
  const manager = await startManager();
  manager.know(identity("001"));
  const link = manager.greeted(identity("001"));
  manager.sink.refuses = true;
  link.say("1:log:a", "1:log:b", "1:log:c");
  link.connection.hangUp();
  assert.equal(manager.metrics.get("agent_frames_lost"), 2);
  manager.sink.refuses = false;
  manager.clock.advance(100);
  assert.deepEqual(manager.sink.texts(), ["1:[001] (agent001) any->log:a"]);
});

test("AgentConnectionService stops reading with the chunk that fills the journal, on recovery and in a turn", async () => {
  const manager = await startManager();
  const fleet = new Fleet(manager, 160);
  manager.sink.pressure = "full";
  manager.clock.advance(100);
  for (const link of fleet.links) link.say(event(1));
  manager.sink.pressureAfterEvent = "full";
  manager.sink.pressure = "none";
  manager.clock.advance(100);
  assert.equal(manager.sink.events.length, 1);

  manager.sink.pressureAfterEvent = null;
  manager.sink.pressure = "none";
  manager.clock.advance(100);
  manager.sink.pressure = "high";
  manager.clock.advance(200);
  const [first, second] = fleet.links.filter((link) => !link.connection.paused);
  assert(first !== undefined && second !== undefined);
  manager.sink.events.length = 0;
  manager.sink.pressureAfterEvent = "full";
  first.say(event(2));
  second.say(event(2));
  assert.equal(manager.sink.events.length, 1);
});

test("AgentConnectionService pauses everyone within the chunk that fills the journal", async () => {
  const manager = await startManager();
  const fleet = new Fleet(manager, 10);
  manager.sink.pressure = "full";
  fleet.links[0]?.say(event(1));
  assert(fleet.links.every((link) => link.connection.paused));
});

test("AgentConnectionService tells an agent whose keepalives are stuck behind its events that it is heard", async () => {
  const manager = await startManager();
  manager.know(identity("001"));
  const link = manager.greeted(identity("001"));
  assert.deepEqual(link.answers(), [ACK]);
  for (let second = 1; second <= 60; second++) {
    manager.clock.advance(1000);
    link.say(event(second));
  }
  const opened = link.sealedAnswers().map((payload) => link.cipher.open(payload));
  assert.deepEqual(
    opened.map(({ message, random }) => [message, random]),
    [
      [ACK, UNSOLICITED_RANDOM],
      [ACK, UNSOLICITED_RANDOM],
    ],
    "after 25 s and after 50 s, and nothing that looks like the answer to a keepalive",
  );
  assert.equal(manager.sink.events.length, 60);
});

test("AgentConnectionService sends an agent that asks often enough nothing but the answers", async () => {
  const manager = await startManager();
  manager.know(identity("001"));
  const link = manager.greeted(identity("001"));
  for (let second = 1; second <= 60; second++) {
    manager.clock.advance(1000);
    link.say(event(second), ...(second % 20 === 0 ? [KEEPALIVE] : []));
  }
  assert.deepEqual(link.answers(), [ACK, ACK, ACK, ACK]);
  assert.equal(manager.metrics.get("agent_acks_unsolicited"), 0);
});
