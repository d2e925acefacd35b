/**
 * What becomes of agents and events when far more is sent than can be analysed. Over TCP: agents that always have more to send must keep
 * their connections and have their keepalives answered, and each event must be analysed or stand in the journal. Over UDP: what is lost
 * must be counted and alerted.
 */
import { linkSync, mkdirSync, readFileSync } from "node:fs";
import { basename } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { readEpoch } from "#journal/epoch.ts";
import { SegmentReader } from "#journal/segment-reader.ts";
import { listSegments, segmentsFrom } from "#journal/segments.ts";
import { errnoOf } from "#kernel/errors.ts";
import { systemFiles } from "#kernel/platform/files.ts";
import { forEachEvent } from "#model/event-block.ts";
import { LOOPBACK, readLog } from "../test/e2e/home.ts";
import type { Benchmark, Figures } from "./benchmark.ts";
import { BusyManager, type ManagerCounters, type ManagerState } from "./busy-manager.ts";
import { corpusNeeds } from "./corpora.ts";
import { Fleet } from "./fleet.ts";
import { RULESET_FOLDER } from "./peer-ruleset.ts";
import { shareOf } from "./processor-time.ts";

const CORPUS = "mix";
/** Few, because the system holds some megabytes of events for each, which are read before a last answer comes. */
const AGENTS = 50;
const KEEPALIVE_SECONDS = 10;
/** Of all agents together: at least ten times what two cores analyse. What is not read in time stays with them, so they always have more. */
const OFFERED_PER_SECOND = 400_000;
const CONNECT_SECONDS_MAX = 60;
/** After the last event, what the system's buffers hold is read, and the agent's last question answered. */
const ANSWER_SECONDS_MAX = 600;
const SECONDS = 600;
/** Over UDP the length is not for choice: all is sealed before. */
const DATAGRAM_PASSES = 10;

/** Second names of the journal's files: what is analysed and removed while it is counted would be missing else. */
function keepJournal(home: string): string {
  const kept = `${home}/kept-journal`;
  mkdirSync(kept);
  for (const { path } of listSegments(systemFiles, `${home}/queue/journal`))
    linkIfThere(path, `${kept}/${basename(path)}`);
  return kept;
}

/** What was analysed to its end may have gone since the list was made. */
function linkIfThere(path: string, name: string): void {
  try {
    linkSync(path, name);
  } catch (error) {
    if (errnoOf(error) !== "ENOENT") throw error;
  }
}

/** Events from a position on. */
function eventsInJournal(home: string, kept: string, position: number): number {
  const epoch = readEpoch(systemFiles, `${home}/queue/journal`);
  if (epoch === null) throw new Error("the journal has no epoch");
  let events = 0;
  for (const { path, start, bytes } of segmentsFrom(listSegments(systemFiles, kept), position)) {
    const reader = new SegmentReader(systemFiles, {
      path,
      start,
      epoch,
      position: Math.max(start, position),
    });
    const end = start + bytes;
    for (let part = reader.next(end); part !== null; part = reader.next(end))
      if (part.kind === "block") forEachEvent(part.block, { event: () => events++, control: () => {} });
    reader.close();
  }
  return events;
}

function countOf(counters: ManagerCounters, name: string): number {
  return counters[name] ?? 0;
}

function perSecond(name: string, { before, after }: Record<"before" | "after", ManagerState>): number {
  const seconds = (after.writtenMs - before.writtenMs) / 1000;
  return Math.round((countOf(after.counters, name) - countOf(before.counters, name)) / seconds);
}

/** Once nothing is accepted any more: what of all that was accepted is neither analysed nor in the journal. To be none, exactly. */
async function eventsMissing(manager: BusyManager) {
  const kept = keepJournal(manager.home.path);
  const counters = await manager.counters();
  const left = eventsInJournal(manager.home.path, kept, countOf(counters, "journal_position_analysed"));
  const missing = countOf(counters, "journal_events") - countOf(counters, "events_analysed") - left;
  return { counters, left, missing };
}

async function overTcp(manager: BusyManager, fleet: Fleet, dataDirectory: string, seconds: number) {
  const crowd = { first: 1, count: AGENTS, keepaliveSeconds: KEEPALIVE_SECONDS };
  await fleet.connect(manager, crowd, CONNECT_SECONDS_MAX);
  await fleet.order({ kind: "prepare", corpus: CORPUS, dataDirectory, senders: AGENTS });
  const acceptedBefore = countOf(await manager.counters(), "agent_events");
  const cpuBefore = manager.cpuSeconds;
  const begun = performance.now();
  await fleet.order({ kind: "offer", eventsPerSecond: OFFERED_PER_SECOND });
  const before = await manager.state();
  await delay(seconds * 1000 - (performance.now() - begun));
  const after = await manager.state();
  const sent = await fleet.order({ kind: "stop_sending" });
  const passed = (performance.now() - begun) / 1000;
  const cpuSeconds = manager.cpuSeconds - cpuBefore;
  const peakRssBytes = manager.rssBytes;
  // Its answer says that all that was sent before is durable.
  await fleet.order({ kind: "keepalive" });
  const last = await fleet.until("all is answered", ANSWER_SECONDS_MAX, ({ waiting }) => waiting === 0);
  const { counters, left, missing } = await eventsMissing(manager);
  const accepted = countOf(counters, "agent_events") - acceptedBefore;
  const analysedPerSecond = perSecond("events_analysed", { before, after });
  return {
    offeredPerSecond: OFFERED_PER_SECOND,
    acceptedPerSecond: perSecond("agent_events", { before, after }),
    analysedPerSecond,
    offeredTimesAnalysed: Number((OFFERED_PER_SECOND / analysedPerSecond).toFixed(1)),
    connectionsEnded: last.closed + last.refused,
    keepalivesAnswered: last.keepalivesAnswered,
    longestAckWaitMs: Math.round(last.longestAckWaitMs),
    longestAnswerMs: Math.round(last.longestAnswerMs),
    longestSilenceMs: Math.round(last.longestSilenceMs),
    eventsSent: last.eventsWritten,
    eventsNotAccepted: last.eventsWritten - accepted,
    eventsInJournal: left,
    eventsMissing: missing,
    pressureChanges: countOf(counters, "agent_pressure_changes"),
    journalBytes: countOf(counters, "journal_unreleased_bytes"),
    managerCoreShare: shareOf(cpuSeconds, passed),
    agentsCoreShare: shareOf(sent.cpuSeconds, passed),
    rssBytes: peakRssBytes,
    seconds: Math.round(passed),
  };
}

async function overUdp(manager: BusyManager, fleet: Fleet, dataDirectory: string): Promise<Figures> {
  const place = { host: LOOPBACK, port: manager.home.agentPort };
  const load = { corpus: CORPUS, dataDirectory, senders: AGENTS, passes: DATAGRAM_PASSES };
  const sent = await fleet.order({ kind: "datagrams", ...place, ...load });
  // Losses are looked for every five seconds, and told within a minute.
  const counters = await manager.counters().then(() => manager.counters());
  const notices = readLog(manager.home).match(/Messages lost: '\d+'/g) ?? [];
  const alerts = readFileSync(`${manager.home.path}/logs/alerts/alerts.json`, "latin1");
  const arrived = countOf(counters, "agent_events");
  return {
    eventsSent: sent.eventsWritten,
    eventsLost: sent.eventsWritten - arrived,
    missingByCounters: countOf(counters, "agent_datagrams_missing"),
    droppedByKernel: countOf(counters, "agent_datagrams_dropped_by_kernel"),
    lossesSaid: notices.length,
    lossesAlerted: alerts.split("Messages lost: '").length - 1,
    rssBytes: manager.rssBytes,
  };
}

async function measure(corpus: string, dataDirectory: string, seconds: number): Promise<Figures> {
  const protocol = corpus === "udp" ? "udp" : "tcp";
  // The peer's rule set has no rule for what was lost.
  const rulesFrom = protocol === "udp" ? null : dataDirectory;
  const options = { agents: AGENTS, dataDirectory: rulesFrom, archives: false, protocol } as const;
  const manager = await BusyManager.start(options);
  const fleet = new Fleet();
  try {
    if (protocol === "udp") return await overUdp(manager, fleet, dataDirectory);
    return await overTcp(manager, fleet, dataDirectory, seconds);
  } finally {
    fleet.end();
    await manager.remove();
  }
}

export const overload: Benchmark = {
  corpora: ["tcp", "udp"],
  mainFigure: "rssBytes",
  overEthernet: true,
  needs: () => [RULESET_FOLDER, ...corpusNeeds(CORPUS)],
  seconds: SECONDS,
  measure,
};
