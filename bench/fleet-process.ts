/** A process full of agents. Does what `fleet.ts` in its parent tells it, and says how its agents fare. */
import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { setTimeout as delay } from "node:timers/promises";
import { TestCipher } from "#testing/agent.ts";
import { agentIdentity } from "./agents.ts";
import { corpusEvents } from "./corpora.ts";
import type { FleetOrder, FleetReport } from "./fleet.ts";
import { FleetAgent, type FleetState, newFleetState, STARTUP } from "./fleet-agent.ts";

/** Connections that are begun at a time, and the pause between: what a listener's queue takes. */
const CONNECTS_AT_A_TIME = 200;
const CONNECT_PAUSE_MS = 10;
const KEEPALIVE_TICK_MS = 100;
const OFFER_TICK_MS = 10;
const DATAGRAMS_AT_ONCE = 64;

const agents: FleetAgent[] = [];
let state: FleetState | null = null;
let offering: NodeJS.Timeout | null = null;

async function connect({ first, count, keepaliveSeconds, ...place }: FleetOrder & { kind: "connect" }) {
  const { host, port, protocol, mergedSum } = place;
  const shared = newFleetState({ host, port, protocol, mergedSum });
  state = shared;
  for (let number = first; number < first + count; number++)
    agents.push(new FleetAgent(shared, number, agentIdentity(number)));
  for (const [index, agent] of agents.entries()) {
    agent.connect();
    if (index % CONNECTS_AT_A_TIME === 0) await delay(CONNECT_PAUSE_MS);
  }
  keepAlive(keepaliveSeconds);
}

/** Spread evenly over the period. */
function keepAlive(periodSeconds: number): void {
  const begun = performance.now();
  let sent = 0;
  setInterval(() => {
    const due = (((performance.now() - begun) / 1000) * agents.length) / periodSeconds;
    for (; sent < due; sent++) agents[sent % agents.length]?.keepalive();
  }, KEEPALIVE_TICK_MS);
}

/** The corpus is dealt out among the agents, line by line. */
function prepare({ corpus, dataDirectory, senders }: FleetOrder & { kind: "prepare" }): void {
  const hands: string[][] = Array.from({ length: senders }, () => []);
  for (const [index, { queue, location, message }] of corpusEvents(corpus, dataDirectory).entries())
    hands[index % senders]?.push(`${queue}:${location}:${message}`);
  for (const [index, hand] of hands.entries()) agents[index]?.prepareEvents(hand);
}

/** Until all stop: what the manager does not read in time stays with the agents. */
function offer(eventsPerSecond: number): void {
  const begun = performance.now();
  let offered = 0;
  offering = setInterval(() => {
    const due = Math.floor((((performance.now() - begun) / 1000) * eventsPerSecond) / agents.length);
    for (const agent of agents) agent.offerEvents(due - offered);
    offered = due;
  }, OFFER_TICK_MS);
}

function stopSending(): void {
  if (offering !== null) clearInterval(offering);
  for (const agent of agents) agent.stopEvents();
}

/** Each agent's counters go on from datagram to datagram, so none can be sealed once and sent twice. */
async function sendDatagrams(order: FleetOrder & { kind: "datagrams" }): Promise<void> {
  const { host, port, senders, passes } = order;
  const ciphers = Array.from({ length: senders }, (_, index) => new TestCipher(agentIdentity(index + 1)));
  const sealed: Buffer[] = [];
  const seal = (message: string) => {
    const cipher = ciphers[sealed.length % senders];
    assert(cipher !== undefined);
    sealed.push(cipher.seal(Buffer.from(message, "latin1")));
  };
  for (let greeted = 0; greeted < senders; greeted++) seal(STARTUP);
  const events = corpusEvents(order.corpus, order.dataDirectory);
  for (let pass = 0; pass < passes; pass++)
    for (const { queue, location, message } of events) seal(`${queue}:${location}:${message}`);
  const socket = createSocket("udp4");
  const sent = newFleetState({ host, port, protocol: "udp", mergedSum: "" });
  state = sent;
  for (let at = 0; at < sealed.length; at += DATAGRAMS_AT_ONCE) {
    const group = sealed.slice(at, at + DATAGRAMS_AT_ONCE);
    await Promise.all(
      group.map((bytes) => new Promise((resolve) => socket.send(bytes, port, host, resolve))),
    );
  }
  socket.close();
  sent.eventsWritten = sealed.length - senders;
}

function report(): FleetReport {
  assert(state !== null, "connected");
  const { user, system } = process.cpuUsage();
  return {
    active: agents.filter(({ greeted }) => greeted).length,
    sending: agents.filter(({ sending }) => sending).length,
    waiting: agents.filter(({ waitingMs }) => waitingMs > 0).length,
    connections: state.connections,
    refused: state.refused,
    closed: state.closed,
    keepalivesAnswered: state.keepalivesAnswered,
    longestAnswerMs: Math.max(state.longestAnswerMs, ...agents.map(({ waitingMs }) => waitingMs)),
    longestAckWaitMs: Math.max(state.longestAckWaitMs, ...agents.map(({ ackWaitMs }) => ackWaitMs)),
    longestSilenceMs: Math.max(state.longestSilenceMs, ...agents.map(({ silenceMs }) => silenceMs)),
    eventsWritten: state.eventsWritten,
    cpuSeconds: (user + system) / 1e6,
  };
}

process.on("message", (order: FleetOrder) => {
  switch (order.kind) {
    case "connect":
      void connect(order).then(() => process.send?.(report()));
      return;
    case "datagrams":
      void sendDatagrams(order).then(() => process.send?.(report()));
      return;
    case "prepare":
      prepare(order);
      break;
    case "send":
      for (const agent of agents) agent.sendRounds(order.rounds);
      break;
    case "offer":
      offer(order.eventsPerSecond);
      break;
    case "stop_sending":
      stopSending();
      break;
    case "keepalive":
      for (const agent of agents) agent.keepalive();
      break;
    case "forget_answers":
      if (state !== null) {
        state.longestAnswerMs = 0;
        state.longestAckWaitMs = 0;
      }
      break;
    case "report":
      break;
  }
  process.send?.(report());
});
process.on("disconnect", () => process.exit());
