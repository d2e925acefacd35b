/**
 * Which agent must be sent which merged.mg: decided with each of its keepalives, from the groups that the registry has for it, the
 * sums of the files, and the sum that it says it has.
 *
 * Files are in memory while agents are sent them, within `LOADED_BYTES_MAX`; requests beyond it wait for those before them.
 */
import { MERGED_FILE_NAME } from "#formats/merged-mg/merged-mg.ts";
import { CodedError } from "#kernel/errors.ts";
import type { Clock } from "#kernel/ports/clock.ts";
import type { AgentId, GroupName } from "#model/agent.ts";
import type { GroupConfigStatus } from "#registry/agent-record.ts";
import type { AgentStore } from "#registry/agent-store.ts";
import type { PlacedAgent } from "./download-list.ts";
import type { GroupEvents } from "./events.ts";
import { DEFAULT_GROUP, type GroupList, groupListOf, groupsOfList, multigroupFolder } from "./group-list.ts";
import { LOADED_BYTES_MAX, PLACED_IN_ONE_GO, PLACING_PAUSE_MS, PUSH_AGAIN_MS } from "./limits.ts";
import type { MergedSum } from "./merged-file.ts";
import type { SumChange } from "./merged-files.ts";

export type FilePushRequest = {
  readonly agentId: AgentId;
  readonly sum: string;
  /** As the log names the file. */
  readonly name: string;
  readonly bytes: SharedArrayBuffer;
};

/** `sent`: all of it left, and the agent may have it. An agent that went away is no news. */
export type PushOutcome = "sent" | "not_connected" | "stalled";

export type SharedConfigurationNeeds = {
  readonly agents: Pick<AgentStore, "groups" | "setGroups" | "setGroupConfigStatus">;
  readonly clock: Clock;
  readonly events: GroupEvents;
  /** `remoted.guess_agent_group`. */
  readonly guessesGroup: boolean;
  /** An agent had no groups and has some now; `reported` is the sum of the file that it has. */
  readonly assigned: (id: AgentId, reported: string) => void;
  /** Asks for the sum of a list of several groups, which `sumsChanged()` brings. */
  readonly want: (list: GroupList) => void;
  /** Asks for the bytes of a file, which `loaded()` brings. */
  readonly load: (list: GroupList, sum: string) => void;
  /** `pushEnded()` says what became of it. */
  readonly push: (request: FilePushRequest) => void;
};

type AgentState = {
  /** Of the last keepalive that named one; null before. */
  reported: string | null;
  status: GroupConfigStatus;
  /** The file that the agent waits for or is being sent. */
  pushing: string | null;
  /** The last file that it was sent whole on this connection, and when. */
  pushed: { readonly sum: string; readonly atMs: number } | null;
};

type PushedFile = {
  readonly list: GroupList;
  readonly bytesExpected: number;
  state: "waiting" | "loading" | SharedArrayBuffer;
  readonly agents: Set<AgentId>;
};

export class SharedConfiguration {
  readonly #needs: SharedConfigurationNeeds;
  readonly #sums = new Map<GroupList, MergedSum>();
  readonly #wanted = new Set<GroupList>();
  readonly #agents = new Map<AgentId, AgentState>();
  /** By sum. */
  readonly #files = new Map<string, PushedFile>();
  /** What `files.yml` says. */
  #placed: ReadonlyMap<AgentId, readonly GroupName[]> = new Map();

  constructor(needs: SharedConfigurationNeeds) {
    this.#needs = needs;
  }

  /** Agents of which it remembers something. */
  get agents(): number {
    return this.#agents.size;
  }

  sumsChanged(changes: readonly SumChange[]): void {
    for (const { list, merged } of changes) {
      if (merged === null) this.#sums.delete(list);
      else this.#sums.set(list, merged);
    }
  }

  /** The agents that these are, wherever they report to, are in these groups soon, and with each of their keepalives here. */
  place(agents: readonly PlacedAgent[]): void {
    const placed = new Map(agents.map(({ id, groups }) => [id, groups]));
    this.#placed = placed;
    this.#placeFrom(placed, agents, 0);
  }

  #placeFrom(placed: unknown, agents: readonly PlacedAgent[], at: number): void {
    // A later list is under way.
    if (this.#placed !== placed) return;
    for (const { id } of agents.slice(at, at + PLACED_IN_ONE_GO)) {
      try {
        const groups = this.#needs.agents.groups(id);
        // One without any is not known, or comes with its first keepalive.
        if (groups.length > 0) this.#placedGroups(id, groups);
      } catch (error) {
        // The next keepalive tries it again; the store has counted and said it.
        if (!(error instanceof CodedError)) throw error;
      }
    }
    const next = at + PLACED_IN_ONE_GO;
    if (next < agents.length)
      this.#needs.clock.after(PLACING_PAUSE_MS, () => this.#placeFrom(placed, agents, next));
  }

  /** Those that it has now, which are what `files.yml` says where that says anything. */
  #placedGroups(id: AgentId, groups: readonly GroupName[]): readonly GroupName[] {
    const { agents, events } = this.#needs;
    const wanted = this.#placed.get(id);
    if (wanted === undefined || groupListOf(wanted) === groupListOf(groups)) return groups;
    agents.setGroups(id, wanted);
    events.placed(id, groupListOf(wanted));
    return wanted;
  }

  /** A new connection: what went wrong on the one before says nothing. */
  connected(id: AgentId): void {
    const agent = this.#agents.get(id);
    if (agent !== undefined) agent.pushed = null;
  }

  /** The agent is not known any more. */
  forget(id: AgentId): void {
    this.#agents.delete(id);
  }

  /**
   * `reported`: the sum of the agent's merged.mg, `x` when it has none, null when it takes no part in this. Gives what the registry is
   * to say of it. Throws what the registry throws.
   */
  keepalive(id: AgentId, reported: string | null): GroupConfigStatus {
    const agent = this.#agents.get(id) ?? { reported, status: "not synced", pushing: null, pushed: null };
    this.#agents.set(id, agent);
    agent.reported = reported;
    agent.status = this.#compare(id, agent);
    return agent.status;
  }

  /** It said the same as the time before; the registry is told when something else follows from it now. */
  sameKeepalive(id: AgentId): void {
    const agent = this.#agents.get(id);
    if (agent === undefined) return;
    const status = this.#compare(id, agent);
    if (status === agent.status) return;
    agent.status = status;
    this.#needs.agents.setGroupConfigStatus(id, status);
  }

  /** `bytes` null: the file is another one by now. */
  loaded(sum: string, bytes: SharedArrayBuffer | null): void {
    const file = this.#files.get(sum);
    if (file === undefined) return;
    if (bytes === null) {
      this.#files.delete(sum);
      for (const id of file.agents) this.#released(id, sum);
    } else {
      file.state = bytes;
      for (const id of file.agents) this.#push(id, sum, file.list, bytes);
    }
    this.#loadNext();
  }

  pushEnded(id: AgentId, sum: string, outcome: PushOutcome): void {
    const { clock, events } = this.#needs;
    events.count(outcome === "sent" ? "group_pushes_done" : "group_pushes_failed");
    if (outcome === "stalled") events.stalled(id);
    const file = this.#files.get(sum);
    file?.agents.delete(id);
    if (file?.agents.size === 0) this.#files.delete(sum);
    this.#released(id, sum);
    const agent = this.#agents.get(id);
    if (agent !== undefined && outcome === "sent") agent.pushed = { sum, atMs: clock.monotonicMs() };
    this.#loadNext();
  }

  #released(id: AgentId, sum: string): void {
    const agent = this.#agents.get(id);
    if (agent?.pushing === sum) agent.pushing = null;
  }

  #compare(id: AgentId, agent: AgentState): GroupConfigStatus {
    const { reported } = agent;
    if (reported === null) return agent.status;
    const list = groupListOf(this.groupsOf(id, reported));
    const merged = this.#sums.get(list);
    if (merged === undefined) {
      if (!this.#wanted.has(list)) this.#needs.want(list);
      this.#wanted.add(list);
      return "not synced";
    }
    if (merged.sum === reported) return "synced";
    this.#ask(id, agent, list, merged);
    return "not synced";
  }

  /** Those of the registry; an agent without any is given some: by the sum of the file that it has, or the default one. */
  groupsOf(id: AgentId, reported: string): readonly GroupName[] {
    const { agents, assigned: tell, events, guessesGroup } = this.#needs;
    const groups = this.#placedGroups(id, agents.groups(id));
    if (groups.length > 0) return groups;
    const guessed = guessesGroup ? this.#listWithSum(reported) : null;
    const assigned = (guessed === null ? null : groupsOfList(guessed)) ?? [DEFAULT_GROUP];
    agents.setGroups(id, assigned);
    events.assigned(id, groupListOf(assigned));
    tell(id, reported);
    return assigned;
  }

  #listWithSum(sum: string): GroupList | null {
    for (const [list, merged] of this.#sums) if (merged.sum === sum) return list;
    return null;
  }

  /** Once until it is done, and not again at once when the agent does not keep what it gets. */
  #ask(id: AgentId, agent: AgentState, list: GroupList, { sum, bytes }: MergedSum): void {
    const { clock, events } = this.#needs;
    if (agent.pushing !== null) return;
    if (agent.pushed?.sum === sum && clock.monotonicMs() - agent.pushed.atMs < PUSH_AGAIN_MS) return;
    agent.pushing = sum;
    events.count("group_pushes_asked");
    const known = this.#files.get(sum);
    if (known === undefined) {
      this.#files.set(sum, { list, bytesExpected: bytes, state: "waiting", agents: new Set([id]) });
      this.#loadNext();
      return;
    }
    known.agents.add(id);
    if (known.state instanceof SharedArrayBuffer) this.#push(id, sum, list, known.state);
  }

  /** In the order in which they were asked for. One is loaded in any case, however large it is. */
  #loadNext(): void {
    let bytesLeft = LOADED_BYTES_MAX;
    for (const { bytesExpected, state } of this.#files.values())
      if (state !== "waiting") bytesLeft -= bytesExpected;
    for (const [sum, file] of this.#files) {
      if (file.state !== "waiting") continue;
      if (file.bytesExpected > bytesLeft && bytesLeft < LOADED_BYTES_MAX) return;
      bytesLeft -= file.bytesExpected;
      file.state = "loading";
      this.#needs.load(file.list, sum);
    }
  }

  #push(agentId: AgentId, sum: string, list: GroupList, bytes: SharedArrayBuffer): void {
    const folder = list.includes(",") ? multigroupFolder(list) : list;
    this.#needs.push({ agentId, sum, name: `${folder}/${MERGED_FILE_NAME}`, bytes });
  }
}
