/**
 * A cluster has one master. Masters wait for workers and never meet, so two of them with the same key would each have half of the cluster unseen: a master whose
 * `<node>` is not its own address looks who is there, and both say so when it is another master. The peer does not look.
 */
import { type Hello, writePayload } from "#formats/wire/cluster/commands.ts";
import { fernetKey } from "#formats/wire/cluster/fernet.ts";
import { CodedError, messageOf } from "#kernel/errors.ts";
import type { Timer } from "#kernel/ports/clock.ts";
import { Channel } from "../channel.ts";
import { Cipher } from "../cipher.ts";
import type { ClusterNode } from "../config.ts";
import { KEEPALIVE_CHECK_PERIOD_MS, RECONNECT_MS } from "../limits.ts";
import type { ClusterNeeds, Dialer } from "../needs.ts";
import { ok, type Reply, type RequestOutcome, refusedText } from "../replies.ts";
import { taggedLog } from "../tagged-log.ts";

const ITSELF = "You are this master";
const ANOTHER = "A cluster has only one master, and there is one here";

export type OtherMastersNeeds = ClusterNeeds & {
  readonly dialer: Dialer;
  /** Whether this node listens there itself. Rejects with a `CodedError` for a name that nobody knows. */
  readonly isOwnAddress: (host: string) => Promise<boolean>;
};

export class OtherMasters {
  readonly #node: ClusterNode;
  readonly #needs: OtherMastersNeeds;
  #timer: Timer | null = null;
  #channel: Channel | null = null;
  /** Its own hello may come back to it: `<node>` may be an address that leads here, such as a router's. */
  #isAsking = false;
  #isStopped = false;

  constructor(node: ClusterNode, needs: OtherMastersNeeds) {
    this.#node = node;
    this.#needs = needs;
  }

  /** The first look is as late as a worker's second try. */
  start(): void {
    this.#wait(RECONNECT_MS);
  }

  stop(): void {
    this.#isStopped = true;
    this.#timer?.cancel();
    this.#channel?.close();
  }

  /** `MasterTasks.metMaster`. */
  answer({ nodeName }: Hello, address: string): Reply {
    if (this.#isAsking && nodeName === this.#node.nodeName) return ok(ITSELF);
    this.#needs.metrics.add("cluster_masters_met");
    this.#say(`Another master, '${nodeName}' at ${address}, has this cluster's name and key.`);
    return refusedText(ANOTHER);
  }

  #wait(delayMs: number): void {
    this.#timer = this.#needs.clock.after(delayMs, () => void this.#turn());
  }

  async #turn(): Promise<void> {
    const { masterAddress } = this.#node;
    let isDone = false;
    try {
      isDone = (await this.#needs.isOwnAddress(masterAddress)) || (await this.#ask()) === "itself";
    } catch (error) {
      if (!(error instanceof CodedError)) throw error;
      const log = taggedLog(this.#needs.log, "Master", "Main");
      log.write("debug", `No other master was found at ${masterAddress}: ${messageOf(error)}`);
    }
    if (!isDone && !this.#isStopped) this.#wait(KEEPALIVE_CHECK_PERIOD_MS);
  }

  async #ask(): Promise<"itself" | "another" | "nobody"> {
    const { clusterName, masterAddress, nodeName, port, version } = this.#node;
    const connection = await this.#needs.dialer.connect(masterAddress, port, {
      data: (bytes) => this.#channel?.data(bytes),
      closed: () => this.#channel?.close(),
    });
    const channel = new Channel(
      {
        link: connection,
        cipher: new Cipher(fernetKey(this.#node.key.reveal()), this.#needs),
        log: taggedLog(this.#needs.log, "Master", "Main"),
        handlerOf: () => null,
        closed: () => {},
      },
      this.#needs,
    );
    if (this.#isStopped) channel.close();
    this.#channel = channel;
    this.#isAsking = true;
    const hello = { command: "hello", nodeName, clusterName, nodeType: "master", version } as const;
    const outcome = await channel.request("hello", writePayload(hello));
    this.#isAsking = false;
    channel.close();
    const found = whoAnswered(outcome);
    if (found === "another")
      this.#say(`Another master is at ${masterAddress}, which <nodes> of this one names.`);
    return found;
  }

  #say(found: string): void {
    const advice =
      "A cluster has only one: make one of them a worker, or give it a <name> or <key> of its own.";
    taggedLog(this.#needs.log, "Master", "Main").write("error", `${found} ${advice}`);
  }
}

/** A master of the peer lets it in, or refuses its name or version; whoever refuses its cluster's name, or says nothing, is none of this cluster. */
function whoAnswered(outcome: RequestOutcome): "itself" | "another" | "nobody" {
  if (outcome.kind === "ok") return outcome.payload.toString("latin1") === ITSELF ? "itself" : "another";
  const { code, text } = outcome.error;
  return text.includes(ANOTHER) || [3028, 3029, 3031].includes(code) ? "another" : "nobody";
}
