/** Brings the groups thread, the registry and the intake thread together: agents get the files of their groups. */
import { GroupEvents } from "#groups/events.ts";
import { groupListOf } from "#groups/group-list.ts";
import { SharedConfiguration } from "#groups/shared-configuration.ts";
import { CodedError } from "#kernel/errors.ts";
import type { Clock, Timer } from "#kernel/ports/clock.ts";
import type { Log } from "#kernel/ports/log.ts";
import type { Metrics } from "#kernel/ports/metrics.ts";
import type { AgentId } from "#model/agent.ts";
import type { AgentStore } from "#registry/agent-store.ts";
import type { GroupsThreadData } from "./groups-thread.ts";
import { Thread, type ThreadHost } from "./thread.ts";
import type { FromGroups, ToGroups, ToIntake } from "./thread-messages.ts";

export type GroupDistributionNeeds = {
  readonly host: ThreadHost;
  readonly agents: AgentStore;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly home: string;
  /** `remoted.shared_reload`. */
  readonly lookSeconds: number;
  /** `remoted.merge_shared`. */
  readonly merges: boolean;
  /** `wazuh_download.enabled`. */
  readonly downloads: boolean;
  /** `files.yml` puts agents into groups. */
  readonly places: boolean;
  /** `remoted.guess_agent_group`. */
  readonly guessesGroup: boolean;
  /** The files of every agent's groups are made, also of those that report to another node. */
  readonly servesAllNodes: boolean;
  /** An agent here had no groups and has some now; `sum` is that of the file that it has. */
  readonly assigned: (id: AgentId, sum: string) => void;
  readonly sendToIntake: (message: ToIntake) => void;
};

export class GroupDistribution {
  readonly configuration: SharedConfiguration;
  readonly #thread: Thread<FromGroups, ToGroups>;
  readonly #allLists: Timer | null;

  constructor(needs: GroupDistributionNeeds) {
    const { agents, assigned, clock, guessesGroup, host, log, metrics, sendToIntake } = needs;
    const { downloads, home, lookSeconds, merges, places, servesAllNodes } = needs;
    this.configuration = new SharedConfiguration({
      agents,
      clock,
      events: new GroupEvents(log, metrics),
      guessesGroup,
      assigned,
      want: (list) => this.#thread.send({ kind: "want", list }),
      load: (list, sum) => this.#thread.send({ kind: "load", list, sum }),
      push: (push) => sendToIntake({ kind: "push", push }),
    });
    const lists = storedLists(agents);
    const data: GroupsThreadData = { home, lookSeconds, merges, downloads, places, lists };
    this.#thread = new Thread("groups", { data }, host, (message) => this.#take(message));
    const wanted = new Set(lists);
    const wantAll = () => {
      for (const list of storedLists(agents)) {
        if (!wanted.has(list)) this.#thread.send({ kind: "want", list });
        wanted.add(list);
      }
    };
    this.#allLists = servesAllNodes ? clock.every(lookSeconds * 1000, wantAll) : null;
  }

  get ready(): Promise<string> {
    return this.#thread.ready;
  }

  get counters(): Readonly<Record<string, number>> {
    return this.#thread.counters;
  }

  async stop(): Promise<void> {
    this.#allLists?.cancel();
    this.#thread.send({ kind: "stop" });
    await this.#thread.stopped;
  }

  async terminate(): Promise<void> {
    await this.#thread.terminate();
  }

  #take(message: FromGroups): void {
    if (message.kind === "sums") this.configuration.sumsChanged(message.changes);
    else if (message.kind === "placed") this.configuration.place(message.agents);
    else this.configuration.loaded(message.sum, message.bytes);
  }
}

/** A damaged row must not keep the manager from its start: its agent's keepalives tell the list again. */
function storedLists(agents: AgentStore): readonly string[] {
  try {
    return agents.groupLists().map(({ groups }) => groupListOf(groups));
  } catch (error) {
    if (error instanceof CodedError) return [];
    throw error;
  }
}
