/**
 * What must hold of a simulated manager: of its events at any end, of keys and states when the network has been whole for a while, of
 * memory when all agents are gone.
 */
import { formatClientKeys, readClientKeys } from "#formats/client-keys/client-keys.ts";
import type { FakeFiles } from "#testing/files.ts";
import type { SimulatedAgent } from "./agent.ts";
import { type History, numberIn } from "./history.ts";
import { HOME, type ManagerLife, type ManagerSettings } from "./manager-life.ts";

/** Of many faults of a kind these are shown. */
const SHOWN_MAX = 5;

function shown(faults: readonly string[], what: string): string[] {
  return faults.length === 0 ? [] : [`${faults.length} ${what}: ${faults.slice(0, SHOWN_MAX).join(", ")}`];
}

/** Every accepted event once and under its own number in each output; nothing else there. */
export function outputFaults(history: History, content: FakeFiles): string[] {
  const json = /"id":"\d+\.(\d+)"/;
  const alertLog = /^\*\* Alert \d+\.(\d+):/;
  return [
    ...recordFaults(history, "alerts.json", recordsOf(content, "alerts", "json", "\n"), json, true),
    ...recordFaults(history, "alerts.log", recordsOf(content, "alerts", "log", "\n\n"), alertLog, true),
    ...recordFaults(history, "archives.json", recordsOf(content, "archive", "json", "\n"), json, false),
  ];
}

function recordsOf(content: FakeFiles, tag: string, extension: string, end: string): string[] {
  return content
    .paths()
    .filter((path) => path.includes(`/ossec-${tag}-`) && path.endsWith(`.${extension}`))
    .flatMap((path) => content.text(path).split(end))
    .filter((record) => record !== "");
}

function recordFaults(
  history: History,
  file: string,
  records: readonly string[],
  id: RegExp,
  numberedOnly: boolean,
): string[] {
  const missing: string[] = [];
  const strange: string[] = [];
  const twice: string[] = [];
  const written = new Set<number>();
  for (const record of records) {
    // Alerts of many events show those before: the event's own text comes last in a document, first in a log.
    const number = numberIn(record.slice(Math.max(0, record.indexOf('"full_log"'))));
    if (number === null) continue; // a notice of the manager's own
    const position = Number(id.exec(record)?.[1] ?? Number.NaN);
    if (history.numberAt(position) !== number) strange.push(`${number} at ${position}`);
    if (written.has(position)) twice.push(`${number} at ${position}`);
    written.add(position);
  }
  for (const [position, { number, certain }] of history.accepted)
    if (number !== null && certain && !written.has(position)) missing.push(`${number} at ${position}`);
  return [
    ...shown(missing, `accepted events are not in ${file}`),
    ...shown(strange, `records of ${file} are of no event of the journal`),
    ...shown(twice, `events are twice in ${file}`),
    ...(numberedOnly || records.length > 0 || history.sentCount === 0 ? [] : [`${file} is empty`]),
  ];
}

/** Against what agents sent and were promised. */
export function journalFaults(history: History, settings: ManagerSettings): string[] {
  const times = new Map<string, { accepted: number; certain: number; lives: Set<number> }>();
  for (const { number, life, certain } of history.accepted.values()) {
    if (number === null) continue;
    const counted = times.get(number) ?? { accepted: 0, certain: 0, lives: new Set() };
    counted.accepted++;
    counted.lives.add(life);
    if (certain) counted.certain++;
    times.set(number, counted);
  }
  const unknown: string[] = [];
  const doubled: string[] = [];
  for (const [number, { accepted, lives }] of times) {
    const over = history.sentOver.get(number);
    if (over === undefined) unknown.push(number);
    else if (over.includes(-1)) {
      // Datagrams may be doubled on the way; with verification only a restart forgets counters of the last moments.
      const most = settings.connection.verifyMessageIds ? lives.size : 2;
      if (accepted > most) doubled.push(number);
    } else if (accepted > over.length) doubled.push(number);
  }
  const unkept = [...history.confirmedEvents].filter((number) => (times.get(number)?.certain ?? 0) === 0);
  return [
    ...shown(unknown, "events of the journal were never sent"),
    ...shown(doubled, "events came more often than they were sent"),
    ...shown(unkept, "confirmed events are lost"),
    ...shown(gapsIn(history, times), "events were left out while later ones of their connection were taken"),
  ];
}

/** What a connection lost is what came last: whoever takes an event has taken all that came before it on the same connection. */
function gapsIn(history: History, times: ReadonlyMap<string, unknown>): string[] {
  const gaps: string[] = [];
  for (const numbers of history.connections()) {
    const last = numbers.findLastIndex(
      (number) => times.has(number) && history.sentOver.get(number)?.length === 1,
    );
    for (const number of numbers.slice(0, Math.max(0, last))) if (!times.has(number)) gaps.push(number);
  }
  return gaps;
}

/** The file, the keys in memory, the rows and the table of the connection service say the same. */
export function keyFaults(life: ManagerLife, content: FakeFiles): string[] {
  const faults: string[] = [];
  const path = `${HOME}/etc/client.keys`;
  const file = readClientKeys(content.info(path) === null ? Buffer.alloc(0) : content.read(path));
  const inMemory = [...life.registry.keys.entries()];
  const text = (entries: typeof inMemory): string =>
    formatClientKeys({
      entries: entries.toSorted((a, b) => Number(a.id) - Number(b.id)),
      removed: [],
      highestId: 0,
    });
  if (file.errors.length > 0) faults.push(`client.keys has ${file.errors.length} bad lines`);
  if (text([...file.entries]) !== text(inMemory)) faults.push("client.keys and the keys in memory differ");
  const rows = life.registry.agents.identities();
  const label = (agents: readonly { readonly id: string; readonly name: string }[]): string =>
    agents
      .map(({ id, name }) => `${id} ${name}`)
      .toSorted()
      .join(", ");
  if (label(rows) !== label(inMemory)) faults.push(`rows are of ${label(rows)}, keys of ${label(inMemory)}`);
  if (life.connection.agents !== inMemory.length)
    faults.push(`the connection service knows ${life.connection.agents} agents of ${inMemory.length}`);
  return faults;
}

/** Each agent is in the state that it knows itself to be in. */
export function stateFaults(
  life: ManagerLife,
  agents: readonly SimulatedAgent[],
  content: FakeFiles,
): string[] {
  const faults: string[] = [];
  // One that is stopped may have an id that was taken from it.
  const lastOfId = agents.toSorted((a, b) => Number(a.running) - Number(b.running));
  const current = new Map(lastOfId.map((agent) => [agent.identity?.id, agent]));
  const rows = [...life.registry.keys.entries()].flatMap(({ id }) => life.registry.agents.find(id) ?? []);
  for (const agent of agents) {
    if (agent.running && !agent.connected)
      faults.push(`${agent.name} (${agent.identity?.id}) is not connected`);
    if (agent.unconfirmed > 0 && agent.running && agent.quiet)
      faults.push(`${agent.name}: ${agent.unconfirmed} events are never confirmed`);
  }
  for (const { id, groups, groupConfigStatus, status } of rows) {
    const agent = current.get(id);
    const expected = agent?.connected === true && agent.running ? "active" : "disconnected";
    if (status === "never_connected" && expected === "disconnected") continue;
    if (status !== expected) faults.push(`agent ${id} (${agent?.name}) is ${status} instead of ${expected}`);
    if (expected === "disconnected" || groups.length !== 1) continue;
    const path = `${HOME}/etc/shared/${groups[0]}/merged.mg`;
    if (agent?.mergedSum === null) faults.push(`agent ${id} has no files of ${groups.join(",")} (${path})`);
    if (groupConfigStatus !== "synced")
      faults.push(`agent ${id} of ${groups.join(",")} is ${groupConfigStatus}`);
    if (content.info(path) === null) faults.push(`${path} is missing`);
  }
  return faults;
}

/** Nobody is connected any more, and of agents that are gone nothing is remembered. */
export function memoryFaults({ connection, registry, shared }: ManagerLife): string[] {
  const forgotten =
    shared.agents > registry.keys.size ? [`${shared.agents} agents have groups, not all have keys`] : [];
  const left = Object.entries({
    connections: connection.connections,
    unauthenticated: connection.unauthenticated,
  }).flatMap(([name, size]) => (size === 0 ? [] : [`${size} ${name} are left when all agents are gone`]));
  return [...forgotten, ...left];
}
