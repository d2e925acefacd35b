/** What programs, users and agents at the door ask of a simulated cluster, and what must be true of the answers. */

import { NODE_ANSWER_MS, RUN_SECONDS } from "#cluster/dapi/limits.ts";
import type { RequestType } from "#cluster/dapi/request.ts";
import type { MasterRequests } from "#enrollment/master-requests.ts";
import type { MasterAnswer } from "#enrollment/needs.ts";
import type { JsonObject } from "#formats/wire/cluster/json-value.ts";
import { type AgentId, parseAgentAddress, parseAgentId, parseAgentName } from "#model/agent.ts";
import type { Fleet } from "./cluster-fleet.ts";
import { type Member, MemberWorker } from "./cluster-member.ts";
import { TOUCH } from "./cluster-member-life.ts";
import { apiRequest, type ReadAnswer, readAnswer } from "./cluster-requests.ts";

/** Ten tries of 20 s, a second apart. */
const ENROLMENT_MS = 10 * 20_000 + 9000;
const API_MS = NODE_ANSWER_MS + RUN_SECONDS * 1000;
const GROUPS = ["default", "web", "db", "dmz"] as const;
/** Too much to be sealed or merged in place. */
const LARGE_BYTES = 300_000;
const RUN_MS_MAX = 1.5 * RUN_SECONDS * 1000;
/** A node may go in the middle, and is the only one without an answer then. */
const SLOW_MS_MAX = 0.8 * RUN_SECONDS * 1000;
/** That a function took too long is the answer of all nodes, as with the peer. */
const TOO_LONG = "3021";

type Certainty = { readonly mustSucceed: boolean; readonly isSlow?: boolean };
const UNSURE: Certainty = { mustSucceed: false };
const SLOW: Certainty = { mustSucceed: false, isSlow: true };

export class FleetRequests {
  readonly #fleet: Fleet;
  readonly #newAgent: (id: AgentId) => void;
  readonly deletions = { wanted: new Set<AgentId>(), confirmed: new Set<AgentId>() };
  /** Keys of agents that were told they are enrolled. */
  readonly enrolled = new Map<AgentId, { readonly name: string; readonly key: string | null }>();
  /** Names that somebody has asked for once more. */
  readonly #replaced = new Set<string>();
  #names = 0;

  constructor(fleet: Fleet, newAgent: (id: AgentId) => void) {
    this.#fleet = fleet;
    this.#newAgent = newAgent;
  }

  any(): void {
    const { nodes, world } = this.#fleet;
    const node = world.random.pick(nodes);
    switch (world.below(8)) {
      case 0:
        this.enrol(node);
        return;
      case 1:
        this.remove(node);
        return;
      case 2:
      case 3:
        this.assign(node);
        return;
      case 4:
        this.touchMaster(node, UNSURE);
        return;
      case 5:
        this.#tellAgents(node);
        return;
      default:
        this.touchAll(node, UNSURE);
    }
  }

  /** An agent at the door of a worker, or a program that asks any node. */
  enrol(node: Member): void {
    const { world } = this.#fleet;
    // Now and then somebody has lost his key, and his old one goes.
    const known = [...this.enrolled.values()];
    const again = known.length > 0 && world.chance(0.2) ? world.random.pick(known).name : null;
    const name = again ?? `agent${++this.#names}`;
    if (again !== null) this.#replaced.add(name);
    for (const [id, agent] of this.enrolled) if (agent.name === name) this.deletions.wanted.add(id);
    const requests = node instanceof MemberWorker ? node.masterRequests : null;
    if (requests !== null && world.chance(0.7)) this.#enrolAtDoor(node, requests, name);
    else
      this.#api(
        node,
        "wazuh.agent.add_agent",
        "local_master",
        () => ({ name, ip: "any" }),
        (answer) => {
          const data = answer.plain["data"];
          const id = typeof data === "object" && data !== null && "id" in data ? String(data["id"]) : "";
          this.#added(parseAgentId(id), { name, key: null });
        },
      );
  }

  #enrolAtDoor(node: Member, requests: MasterRequests, text: string): void {
    const [name, address] = [parseAgentName(text), parseAgentAddress("any")];
    if (name === null || address === null || node.process === null) throw new Error(text);
    const asked = { asker: node.process, limitMs: ENROLMENT_MS, needsMaster: false };
    this.#fleet.ledger.ask<MasterAnswer>(
      asked,
      () => requests.add({ id: null, name, address, key: null, keyHash: null, groups: [] }),
      (answer, mark) => {
        this.#fleet.world.note(`${mark} enrolment of ${text}: ${answer.kind}`);
        if (answer.kind === "invalid") this.#fleet.world.fail(`${mark}: an answer that is none`);
        if (answer.kind !== "added") return;
        const { id, key } = answer.agent;
        this.#added(id, { name: text, key: key.reveal() });
      },
    );
  }

  #added(id: AgentId | null, agent: { readonly name: string; readonly key: string | null }): void {
    if (id === null) return;
    if (this.enrolled.has(id)) this.#fleet.world.fail(`the id ${id} was given out twice`);
    this.enrolled.set(id, agent);
    // Whoever comes last has the name.
    if (this.#replaced.has(agent.name)) this.deletions.wanted.add(id);
    this.#newAgent(id);
  }

  remove(node: Member): void {
    const { world } = this.#fleet;
    const ids = [...this.enrolled.keys()].filter((id) => !this.deletions.confirmed.has(id));
    if (ids.length === 0) return;
    const id = world.random.pick(ids);
    this.deletions.wanted.add(id);
    const requests = node instanceof MemberWorker ? node.masterRequests : null;
    if (requests === null || world.chance(0.5)) {
      const values = { agent_list: [id], purge: world.chance(0.5) };
      this.#api(
        node,
        "wazuh.agent.delete_agents",
        "local_master",
        () => values,
        ({ items }) => {
          if (items.includes(id)) this.deletions.confirmed.add(id);
        },
      );
      return;
    }
    if (node.process === null) return;
    const asked = { asker: node.process, limitMs: ENROLMENT_MS, needsMaster: false };
    this.#fleet.ledger.ask<boolean>(
      asked,
      () =>
        requests.remove(id).then(
          () => true,
          () => false,
        ),
      (isRemoved) => {
        if (isRemoved) this.deletions.confirmed.add(id);
      },
    );
  }

  assign(node: Member): void {
    const { world } = this.#fleet;
    const ids = [...this.enrolled.keys()];
    if (ids.length === 0) return;
    const id = world.random.pick(ids);
    const group = world.random.pick(GROUPS);
    if (world.chance(0.3)) {
      const values = { agent_list: [id], group_list: [group] };
      this.#api(node, "wazuh.agent.remove_agent_from_group", "local_master", () => values);
      return;
    }
    const values = { agent_list: [id], group_list: [group], replace: world.chance(0.3) };
    this.#api(node, "wazuh.agent.assign_agents_to_group", "local_master", () => values);
  }

  touchMaster(node: Member, certainty: Certainty): void {
    this.#touch(node, "local_master", certainty, (answer, mark) => {
      const { ledger, master, world } = this.#fleet;
      const isDone = answer.error === null && answer.items.join() === master.name;
      if (isDone && !ledger.hasRun(mark, master.name)) world.fail(`${mark} was answered and did not run`);
      if (!isDone && (certainty.mustSucceed || answer.error === null))
        world.fail(`${mark} at the master: ${said(answer)}`);
    });
  }

  /** Every node answers, or is said not to have. */
  touchAll(node: Member, certainty: Certainty): void {
    const { ledger, master, workers, world } = this.#fleet;
    const connected = [master.name, ...master.workerNames].toSorted();
    this.#touch(node, "distributed_master", certainty, (answer, mark) => {
      const mayFail = !certainty.mustSucceed && (node !== master || answer.error?.includes(TOO_LONG));
      if (answer.error !== null && mayFail) return;
      const heard = [...answer.items, ...answer.failed].toSorted();
      for (const name of answer.items)
        if (!ledger.hasRun(mark, name)) world.fail(`${mark} was answered for ${name} and did not run there`);
      const isWhole = node !== master || heard.join() === connected.join();
      const isOnce = new Set(heard).size === heard.length;
      const isAll = answer.items.length === 1 + workers.length;
      if (answer.error !== null || !isWhole || !isOnce || (certainty.mustSucceed && !isAll))
        world.fail(`${mark} of ${connected.join(", ")}: ${said(answer)}`);
    });
  }

  /** Long enough for a node to be lost in the middle. */
  touchAllSlowly(): void {
    this.touchAll(this.#fleet.master, SLOW);
  }

  /** Those who are asked are the nodes that the agents report to. */
  #tellAgents(node: Member): void {
    const { world } = this.#fleet;
    const ids = [...this.enrolled.keys()].filter(() => world.chance(0.5));
    if (ids.length === 0) return;
    this.#api(
      node,
      "wazuh.agent.restart_agents",
      "distributed_master",
      () => ({ agent_list: ids }),
      (answer) => {
        const heard = [...answer.items, ...answer.failed];
        if (new Set(heard).size !== heard.length) world.fail(`an agent twice: ${said(answer)}`);
      },
    );
  }

  #touch(
    node: Member,
    type: RequestType,
    { isSlow = false, mustSucceed }: Certainty,
    taken: (answer: ReadAnswer, mark: string) => void,
  ): void {
    const { world } = this.#fleet;
    const padding = world.chance(0.1) ? LARGE_BYTES : world.below(100);
    const usualMs = !mustSucceed && world.chance(0.1) ? RUN_MS_MAX : 500;
    const milliseconds = isSlow ? SLOW_MS_MAX : usualMs;
    this.#api(node, TOUCH, type, (mark) => ({ mark, padding, milliseconds }), taken);
  }

  #api(
    node: Member,
    name: string,
    type: RequestType,
    values: (mark: string) => JsonObject,
    taken: (answer: ReadAnswer, mark: string) => void = () => {},
  ): void {
    const { ledger, master, world } = this.#fleet;
    const { api, process } = node;
    if (api === null || process === null) return;
    const log = { write: () => {} };
    ledger.ask(
      { asker: process, limitMs: API_MS, needsMaster: node !== master },
      (mark) => api.api.serve(apiRequest(name, type, values(mark)), { kind: "local" }, log, "a program"),
      (outcome, mark) => {
        const answer = readAnswer(outcome);
        world.note(`${mark} ${name}: ${answer === null ? "nothing" : said(answer)}`);
        if (answer === null) world.fail(`${mark}: neither an answer nor an error`);
        else taken(answer, mark);
      },
    );
  }
}

function said({ error, failed, items, plain }: ReadAnswer): string {
  return error ?? `${items.join(" ")} failed: ${failed.join(" ")} ${JSON.stringify(plain)}`;
}
