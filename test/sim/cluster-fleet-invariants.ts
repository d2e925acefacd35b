/** What the nodes of a quiet cluster must say of every agent. */
import { storedLabel } from "#daemons/agent-facts.ts";
import type { AgentRecord } from "#registry/agent-record.ts";
import type { Fleet } from "./cluster-fleet.ts";
import type { Member } from "./cluster-member.ts";
import { KEEPALIVE_MS, type Reporter } from "./cluster-reporter.ts";

/** An agent's word reaches the master with the next turn of its node. */
const WORD_OLD_MS_MAX = KEEPALIVE_MS + 20_000;

/** `withStates`: also what takes longer than keys, namely groups and what agents have said. */
export function fleetFaults(
  fleet: Fleet,
  { withStates }: { readonly withStates: boolean },
): readonly string[] {
  const { master, nodes, workers } = fleet;
  const down = nodes.filter(({ life }) => life === null).map(({ name }) => `${name} does not run`);
  if (down.length > 0) return down;
  const faults = [...keyFaults(fleet), ...workers.flatMap((worker) => fileFaults(master, worker))];
  faults.push(...fleet.reporters.flatMap((reporter) => goodbyeFaults(master, reporter)));
  if (withStates) {
    faults.push(...workers.flatMap((worker) => groupFaults(master, worker)));
    faults.push(...fleet.reporters.flatMap((reporter) => stateFaults(fleet, reporter)));
  }
  return faults;
}

function keysOf({ life }: Member): readonly string[] {
  return [...(life?.registry.keys.entries() ?? [])]
    .map(({ id, name, key }) => `${id} ${name} ${key.reveal()}`)
    .toSorted();
}

function rowsOf({ life }: Member): readonly AgentRecord[] {
  return life?.registry.agents.list(null) ?? [];
}

function keyFaults({ deletions, enrolled, master, nodes }: Fleet): string[] {
  const wanted = keysOf(master);
  const names = wanted.map((line) => line.split(" ")[1]);
  const faults = new Set(names).size === names.length ? [] : [`a name twice: ${names.join(", ")}`];
  for (const node of nodes) {
    const keys = keysOf(node);
    if (keys.join() !== wanted.join()) faults.push(`keys of ${node.name} are not the master's`);
    const rows = rowsOf(node).map(({ id, name }) => `${id} ${name}`);
    const ofKeys = keys.map((line) => line.split(" ", 2).join(" "));
    if (rows.toSorted().join() !== ofKeys.join())
      faults.push(`rows of ${node.name}: ${rows.join(", ")}; keys: ${ofKeys.join(", ")}`);
    for (const id of deletions.confirmed)
      if (node.life?.registry.keys.byId(id) !== null)
        faults.push(`deleted agent ${id} lives at ${node.name}`);
  }
  for (const [id, { name, key }] of enrolled) {
    const entry = master.life?.registry.keys.byId(id) ?? null;
    if (entry === null && !deletions.wanted.has(id)) faults.push(`agent ${id} was enrolled and is gone`);
    if (entry !== null && (entry.name !== name || (key !== null && entry.key.reveal() !== key)))
      faults.push(`agent ${id} is another one`);
  }
  return faults;
}

function fileFaults(master: Member, worker: Member): string[] {
  const [wanted, held] = [master.held, worker.held];
  const paths = new Set([...Object.keys(wanted), ...Object.keys(held)]);
  const unlike = [...paths].filter((path) => wanted[path] !== held[path]);
  return unlike.length === 0 ? [] : [`${worker.name} is unlike the master: ${unlike.join(", ")}`];
}

function groupFaults(master: Member, worker: Member): string[] {
  const own = new Map(rowsOf(worker).map(({ id, groups }) => [id, groups.join()]));
  return rowsOf(master)
    .filter(({ groups, id }) => own.get(id) !== groups.join())
    .map(({ groups, id }) => `groups of ${id}: ${groups.join()}, at ${worker.name} ${own.get(id)}`);
}

/** The master says of an agent what its last node has heard last. */
function stateFaults({ master, world }: Fleet, reporter: Reporter): string[] {
  const row = master.life?.registry.agents.find(reporter.id) ?? null;
  const { last } = reporter;
  if (row === null || last === null) return [];
  const faults: string[] = [];
  const say = (what: string) => faults.push(`agent ${reporter.id}, last at ${last.name}: ${what}`);
  // A loss of power may have taken all that was ever said of it.
  const isForgotten = !reporter.isSure && row.status === "never_connected";
  if (row.status !== (reporter.isConnected ? "active" : "disconnected") && !isForgotten)
    say(`is ${row.status}`);
  const oldMs = world.wallMs - (row.lastKeepaliveSeconds ?? 0) * 1000;
  if (reporter.isConnected && oldMs > WORD_OLD_MS_MAX) say(`last keepalive ${oldMs} ms ago`);
  if (!reporter.isSure) return faults;
  if (row.info?.nodeName !== last.name) say(`is said to be at ${row.info?.nodeName}`);
  const { agentIp, configSum, labels, system } = reporter.keepalive;
  const labelsSaid = JSON.stringify(labels.map(storedLabel));
  if (row.info?.os.version !== system?.osVersion) say(`system ${row.info?.os.version}`);
  if (row.info?.os.uname !== system?.osUname) say(`uname ${row.info?.os.uname}`);
  if (row.info?.configSum !== configSum || row.info?.agentAddress !== agentIp) say("sum or address");
  if (JSON.stringify(row.info?.labels) !== labelsSaid) say(`labels ${JSON.stringify(row.info?.labels)}`);
  return faults;
}

/** Sooner than the master would find out by itself. */
function goodbyeFaults(master: Member, { hasSaidGoodbye, id, last }: Reporter): string[] {
  const row = master.life?.registry.agents.find(id) ?? null;
  if (row === null || !hasSaidGoodbye || row.status === "disconnected") return [];
  return [`agent ${id} said goodbye to ${last?.name} and is ${row.status}`];
}
