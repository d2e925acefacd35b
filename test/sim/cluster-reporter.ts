/** An agent of a simulated cluster, as the nodes see it: it reports to one node, says new things, moves, falls silent. */
import type { Keepalive } from "#formats/wire/agent/keepalive.ts";
import type { AgentId } from "#model/agent.ts";
import type { Member } from "./cluster-member.ts";
import type { MemberLife } from "./cluster-member-life.ts";
import type { World } from "./world.ts";

export const KEEPALIVE_MS = 10_000;
const PLATFORMS = ["ubuntu", "windows", "darwin"] as const;

export class Reporter {
  readonly id: AgentId;
  readonly #world: World;
  readonly #nodes: readonly Member[];
  #keepalive: Keepalive;
  #isNew = true;
  #at: { readonly node: Member; readonly life: MemberLife } | null = null;
  #last: Member | null = null;
  /** Who has heard all that it says of itself now. */
  #toldTo: MemberLife | null = null;
  /** It does not come back by itself. */
  #isAway = false;
  #saidGoodbye = false;
  /** It comes back as soon as it can. */
  isEager = false;

  constructor(world: World, id: AgentId, nodes: readonly Member[]) {
    this.#world = world;
    this.id = id;
    this.#nodes = nodes;
    this.#keepalive = this.#news();
    world.after(world.below(KEEPALIVE_MS), () => {
      this.#tick();
      world.every(KEEPALIVE_MS, () => this.#tick());
    });
  }

  get keepalive(): Keepalive {
    return this.#keepalive;
  }

  get isConnected(): boolean {
    return this.#at !== null && this.#at.node.life === this.#at.life && this.#at.life.knows(this.id);
  }

  /** That it has last reported to. */
  get last(): Member | null {
    return this.#last;
  }

  /** The process that has heard all of it still runs: a loss of power did not take it. */
  get isSure(): boolean {
    return this.#toldTo !== null && this.#toldTo === this.#last?.life;
  }

  /** Its node has heard that it goes. */
  get hasSaidGoodbye(): boolean {
    return this.#saidGoodbye && this.isSure;
  }

  /** To another node; `told`: the one that it leaves hears of it. */
  move(told: boolean): void {
    this.leave(told);
    this.#isAway = false;
    this.#connect();
  }

  /** Until it is moved. */
  leave(told: boolean): void {
    this.#saidGoodbye = told && this.isConnected;
    if (this.#saidGoodbye) this.#at?.life.report({ kind: "shutdown", agentId: this.id, atMs: this.#atMs });
    this.#at = null;
    this.#isAway = true;
  }

  isAt(node: Member): boolean {
    return this.isConnected && this.#last === node;
  }

  /** Says something new of itself with its next keepalive. */
  change(): void {
    this.#keepalive = this.#news();
    this.#isNew = true;
    this.#toldTo = null;
  }

  #tick(): void {
    if (this.isConnected) this.#report();
    else {
      this.#at = null;
      if (!this.#isAway && (this.isEager || this.#world.chance(0.5))) this.#connect();
    }
  }

  #connect(): void {
    const node = this.#world.random.pick(this.#nodes);
    const { life } = node;
    if (life === null || !life.knows(this.id)) return;
    this.#at = { node, life };
    this.#saidGoodbye = false;
    const startup = { kind: "startup", version: "v4.14.7", peerAddress: "198.51.100.7" } as const;
    life.report({ ...startup, agentId: this.id, atMs: this.#atMs });
    this.#isNew = true;
    // Nodes tell times in seconds: within one, nobody could say which word was the later one.
    this.#world.after(this.#world.between(1000, 3000), () => {
      if (this.#at?.life === life && this.isConnected) this.#report();
    });
  }

  #report(): void {
    if (this.#at === null) return;
    const keepalive = this.#isNew ? this.#keepalive : null;
    if (this.#isNew) this.#toldTo = this.#at.life;
    this.#isNew = false;
    if (keepalive !== null || this.#last !== this.#at.node)
      this.#world.note(
        `agent ${this.id} tells ${this.#at.node.name} ${keepalive?.system?.osVersion ?? "the same"}`,
      );
    this.#last = this.#at.node;
    this.#at.life.report({ kind: "keepalive", agentId: this.id, atMs: this.#atMs, keepalive });
  }

  get #atMs(): number {
    return Math.floor(this.#world.wallMs);
  }

  #news(): Keepalive {
    const { random } = this.#world;
    const number = String(random.below(1_000_000));
    const os = { osName: "Linux", osVersion: number, osMajor: number, osMinor: "0", osCodename: "" };
    const label = { key: "site", value: number, hidden: false, system: false };
    return {
      system: {
        ...os,
        osBuild: "",
        osPlatform: random.pick(PLATFORMS),
        osUname: `Linux |h\u00c3\u00a9|${number}`,
        osArch: "x86_64",
      },
      version: "Wazuh v4.14.7",
      configSum: random.bytes(16).toString("hex"),
      mergedSum: "x",
      labels: random.below(3) === 0 ? [] : [label],
      labelsRefused: 0,
      agentIp: `198.51.100.${random.below(250)}`,
    };
  }
}
