/**
 * A whole node of a simulated cluster: keys, rows, what agents report, enrolment and the distributed API, put together as `daemons/` does.
 *
 * Agents are not connected through the agents' protocol: they say what the connection service would say of them.
 */
import type { ApiLinks } from "#cluster/dapi/links.ts";
import type { LaterAnswer } from "#cluster/later-answers.ts";
import { MasterAgentGroups } from "#cluster/master/agent-groups.ts";
import { WorkerAgentInfoTask } from "#cluster/master/agent-info.ts";
import { MasterIntegrity } from "#cluster/master/integrity.ts";
import { type ConnectedWorker, MasterServer } from "#cluster/master/server.ts";
import { SilentAgentsCheck } from "#cluster/master/silent-agents.ts";
import type { ClusterNeeds } from "#cluster/needs.ts";
import { SendSync, sendSyncHandlers } from "#cluster/sendsync/sendsync.ts";
import type { Session } from "#cluster/session.ts";
import { WorkerAgentGroups } from "#cluster/worker/agent-groups.ts";
import { WorkerAgentInfo } from "#cluster/worker/agent-info.ts";
import { WorkerClient } from "#cluster/worker/client.ts";
import { WorkerIntegrity } from "#cluster/worker/integrity.ts";
import { MasterRequests } from "#enrollment/master-requests.ts";
import { DISCONNECTION_SECONDS, MemberLife } from "./cluster-member-life.ts";
import { HOME, MASTER_ADDRESS, type NodeNeeds, SimulatedNode } from "./cluster-node.ts";
import type { RequestLedger } from "./cluster-requests.ts";
import type { SimulatedNetwork } from "./network.ts";
import type { SimulatedProcess, World } from "./world.ts";

export type MemberParts = {
  readonly world: World;
  readonly network: SimulatedNetwork;
  readonly ledger: RequestLedger;
  /** Real, for SQLite alone. */
  readonly folder: string;
};

/** As the daemon waits: an agent stands at the door meanwhile. */
const MASTER_ANSWER_MS = 20_000;
/** After the end of a connection whoever waited for an answer on it has heard of it. */
const END_HEARD_MS = 100;

export abstract class Member extends SimulatedNode {
  protected readonly parts: MemberParts;
  protected abstract readonly isMaster: boolean;
  #life: MemberLife | null = null;

  constructor(parts: MemberParts, name: string, address: string) {
    super(parts.world, parts.network, name, address);
    this.parts = parts;
    for (const folder of ["etc/shared/default", "queue/db", "queue/diff", "queue/rids"])
      this.disk.content.makeDirectory(`${HOME}/${folder}`);
  }

  /** Of the process that runs; null when none does. */
  get life(): MemberLife | null {
    return this.isAlive ? this.#life : null;
  }

  get api(): ApiLinks | null {
    return this.life?.links ?? null;
  }

  /** What is held of requests, strings and answers that have not come to their end. */
  abstract get pending(): Readonly<Record<string, number>>;

  protected makeLife(needs: ClusterNeeds, process: SimulatedProcess): MemberLife {
    const { folder, ledger, world } = this.parts;
    const { isMaster, lives, name: nodeName } = this;
    const at = { world, process, needs, ledger, nodeName, isMaster, life: lives };
    this.#life = new MemberLife({ ...at, folder: `${folder}/${nodeName}` });
    return this.#life;
  }
}

export class MemberMaster extends Member {
  protected override readonly isMaster = true;
  #server: MasterServer | null = null;

  constructor(parts: MemberParts) {
    super(parts, "master", MASTER_ADDRESS);
  }

  get connections(): number {
    return this.#server?.connections ?? 0;
  }

  get workerNames(): readonly string[] {
    return this.#server?.workers.map(({ name }) => name) ?? [];
  }

  get pending() {
    const strings = this.#server?.workers.reduce((sum, { session }) => sum + session.stringsHeld, 0) ?? 0;
    return { ...this.api?.pending, strings };
  }

  protected run(needs: NodeNeeds, process: SimulatedProcess): () => void {
    const life = this.makeLife(needs, process);
    const agents = life.registry.agents.sync;
    const integrity = new MasterIntegrity(HOME, needs);
    const groups = new MasterAgentGroups(this.node.version, agents, needs);
    const options = { ownName: this.name, disconnectionSeconds: DISCONNECTION_SECONDS, agents };
    const silent = new SilentAgentsCheck(options, needs);
    const welcomed = ({ name, session }: ConnectedWorker) => {
      session.serve(integrity.workerTask(name, session).handlers);
      session.serve(new WorkerAgentInfoTask(name, agents, session, needs).handlers);
      session.serve(groups.workerTask(name, session).handlers);
      session.serve(life.links.worker(name, session));
      session.serve(sendSyncHandlers(session, life.services, needs));
    };
    const left = ({ name }: ConnectedWorker) => life.links.workerLeft(name);
    const server = new MasterServer(this.node, needs, { welcomed, left });
    this.#server = server;
    void server.start();
    void integrity.start();
    groups.start();
    silent.start();
    return () => {
      integrity.stop();
      groups.stop();
      silent.stop();
      void server.stop();
    };
  }
}

export class MemberWorker extends Member {
  protected override readonly isMaster = false;
  #client: WorkerClient | null = null;
  #sendSync: SendSync | null = null;

  get pending() {
    const strings = this.#client?.session?.stringsHeld ?? 0;
    return { ...this.api?.pending, strings, sendSync: this.#sendSync?.pending ?? 0 };
  }

  get hasJoined(): boolean {
    return this.isAlive && (this.#client?.session ?? null) !== null;
  }

  /** What its enrollment service asks the master; tries again as the peer does. */
  get masterRequests(): MasterRequests | null {
    const sync = this.#sendSync;
    const clock = this.process;
    if (clock === null || sync === null) return null;
    const limits = { asker: clock, limitMs: MASTER_ANSWER_MS, needsMaster: true };
    const textOf = (answer: LaterAnswer) =>
      answer.kind === "answered" ? answer.bytes.toString("utf8") : null;
    const ask = (request: object) => {
      const answer = sync.ask("authd", JSON.parse(JSON.stringify(request)), MASTER_ANSWER_MS);
      this.parts.ledger.ask(
        limits,
        () => answer,
        () => {},
      );
      return answer.then(textOf);
    };
    const log = { write: (_level: string, text: string) => this.world.note(`${clock.name} ${text}`) };
    return new MasterRequests({ ask }, { clock, log });
  }

  protected run(needs: NodeNeeds, process: SimulatedProcess): () => void {
    const life = this.makeLife(needs, process);
    const agents = life.registry.agents.sync;
    const { name: nodeName } = this;
    const sendSync = new SendSync(needs);
    let integrity: WorkerIntegrity | null = null;
    let agentInfo: WorkerAgentInfo | null = null;
    const handlers = (session: Session) => {
      const options = { home: HOME, nodeName, checked: () => {} };
      integrity = new WorkerIntegrity(options, session, needs, integrity?.table);
      agentInfo = new WorkerAgentInfo({ nodeName, version: this.node.version, agents }, session, needs);
      return new Map([
        ...integrity.handlers,
        ...agentInfo.handlers,
        ...new WorkerAgentGroups(nodeName, agents, session, needs).handlers,
        ...life.links.master(session),
        ...sendSync.master(session),
      ]);
    };
    const joined = () => {
      integrity?.start();
      agentInfo?.start();
    };
    const left = () => {
      integrity?.stop();
      agentInfo?.stop();
      life.links.masterLeft();
      sendSync.masterLeft();
      this.#checkHeard(process);
    };
    const client = new WorkerClient(this.node, needs, { handlers, joined, left });
    this.#client = client;
    this.#sendSync = sendSync;
    client.start();
    return () => client.stop();
  }

  /** Nobody waits on for an answer that cannot come any more. */
  #checkHeard(process: SimulatedProcess): void {
    const { ledger, world } = this.parts;
    const waiting = ledger.waitingForMaster(process);
    world.after(END_HEARD_MS, () => {
      const deaf = waiting.filter((mark) => process.alive && ledger.isOpen(mark));
      if (deaf.length > 0) world.fail(`${process.name} still waits for ${deaf.join(", ")} of a lost master`);
    });
  }
}
