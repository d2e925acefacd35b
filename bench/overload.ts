/**
 * What becomes of agents and events when far more is sent than can be analysed. Over TCP: agents that always have more to send must keep
 * their connections and have their keepalives answered, and each event must be analysed or stand in the journal. Over UDP: what is lost
 * must be counted and alerted.
 */
import { readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { readEpoch } from "#journal/epoch.ts";
import { SegmentReader } from "#journal/segment-reader.ts";
import { listSegments, segmentsFrom } from "#journal/segments.ts";
import { systemFiles } from "#kernel/platform/files.ts";
import { forEachEvent } from "#model/event-block.ts";
import { LOOPBACK, readLog } from "../test/e2e/home.ts";
import type { Benchmark, Figures } from "./benchmark.ts";
import { BusyManager } from "./busy-manager.ts";
import { corpusNeeds } from "./corpora.ts";
import { Fleet } from "./fleet.ts";
import { RULESET_FOLDER } from "./peer-ruleset.ts";
import { shareOf } from "./processor-time.ts";

const CORPUS = "mix";
/** Few, because the system holds some megabytes of events for each, which are read before a last answer comes. */
const AGENTS = 50;
const KEEPALIVE_SECONDS = 10;
const CONNECT_SECONDS_MAX = 60;
/** After the last event, what the system's buffers hold is read, and the agent's last question answered. */
const ANSWER_SECONDS_MAX = 600;
const SECONDS = 600;
/** Over UDP the length is not for choice: all is sealed before. */
const DATAGRAM_PASSES = 10;

/** Events that stand in the journal from a position on. */
function eventsInJournal(home: string, position: number): number {
  const directory = `${home}/queue/journal`;
  const epoch = readEpoch(systemFiles, directory);
  if (epoch === null) throw new Error("the journal has no epoch");
  let events = 0;
  for (const { path, start, bytes } of segmentsFrom(listSegments(systemFiles, directory), position)) {
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

function countOf(counters: Readonly<Record<string, number>>, name: string): number {
  return counters[name] ?? 0;
}

async function overTcp(manager: BusyManager, fleet: Fleet, dataDirectory: string, seconds: number) {
  const crowd = { first: 1, count: AGENTS, keepaliveSeconds: KEEPALIVE_SECONDS };
  await fleet.connect(manager, crowd, CONNECT_SECONDS_MAX);
  await fleet.order({ kind: "prepare", corpus: CORPUS, dataDirectory, senders: AGENTS });
  const counted = await manager.counters();
  const eventsBefore = countOf(counted, "agent_events");
  const cpuBefore = manager.cpuSeconds;
  const begun = performance.now();
  await fleet.order({ kind: "send", rounds: Number.MAX_SAFE_INTEGER });
  await delay(seconds * 1000);
  const sent = await fleet.order({ kind: "stop_sending" });
  const passed = (performance.now() - begun) / 1000;
  const cpuSeconds = manager.cpuSeconds - cpuBefore;
  const peakRssBytes = manager.rssBytes;
  // Its answer says that all that was sent before is durable.
  await fleet.order({ kind: "keepalive" });
  const last = await fleet.until("all is answered", ANSWER_SECONDS_MAX, ({ waiting }) => waiting === 0);
  const counters = await manager.counters();
  const analysed = countOf(counters, "events_analysed") - countOf(counted, "events_analysed");
  const left = eventsInJournal(manager.home.path, countOf(counters, "journal_position_analysed"));
  const accepted = countOf(counters, "agent_events") - eventsBefore;
  return {
    eventsSentPerSecond: Math.round(last.eventsWritten / passed),
    eventsNotAccepted: last.eventsWritten - accepted,
    // The manager's own events make it negative by a few.
    eventsMissing: accepted - analysed - left,
    connectionsEnded: last.closed + last.refused,
    longestAnswerMs: Math.round(last.longestAnswerMs),
    longestSilenceMs: Math.round(last.longestSilenceMs),
    pressureChanges: countOf(counters, "agent_pressure_changes"),
    journalBytes: countOf(counters, "journal_unreleased_bytes"),
    managerCoreShare: shareOf(cpuSeconds, passed),
    agentsCoreShare: shareOf(sent.cpuSeconds, passed),
    rssBytes: peakRssBytes,
    seconds,
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
  needs: () => [RULESET_FOLDER, ...corpusNeeds(CORPUS)],
  seconds: SECONDS,
  measure,
};
