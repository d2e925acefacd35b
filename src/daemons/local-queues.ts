/** The datagram sockets of this host's programs, put together in the thread that has the journal. */
import { CodedError } from "#kernel/errors.ts";
import type { Clock } from "#kernel/ports/clock.ts";
import type { Log } from "#kernel/ports/log.ts";
import type { Metrics } from "#kernel/ports/metrics.ts";
import type { UnixDatagrams } from "#kernel/ports/unix-datagrams.ts";
import { EventQueue } from "#local-sockets/event-queue.ts";
import { MessageRelay } from "#local-sockets/message-relay.ts";
import type { EventSink } from "#model/event-sink.ts";

export type LocalQueuePaths = {
  readonly events: string;
  readonly agentResponses: string;
  /** Null when this host runs no responses. */
  readonly hostResponses: string | null;
};

export type LocalQueuesNeeds = {
  readonly clock: Clock;
  readonly metrics: Metrics;
  readonly datagrams: UnixDatagrams;
  readonly sink: EventSink;
  readonly logOf: (daemon: string) => Log;
  /** To the main thread, which knows the agents and runs this host's responses. */
  readonly sent: (to: "agents" | "host", text: string) => void;
};

type Queue = { start(): Promise<void>; stop(): Promise<void> };

export class LocalQueues {
  readonly #log: Log;
  readonly #queues: ReadonlyMap<string, Queue>;

  constructor({ events, agentResponses, hostResponses }: LocalQueuePaths, needs: LocalQueuesNeeds) {
    const { logOf, sent } = needs;
    this.#log = logOf("cyb3rhq-analysisd");
    const relay = (path: string, to: "agents" | "host"): [string, Queue] => [
      path,
      new MessageRelay(path, { ...needs, relay: (text) => sent(to, text) }),
    ];
    this.#queues = new Map([
      [events, new EventQueue(events, { ...needs, log: this.#log })],
      relay(agentResponses, "agents"),
      ...(hostResponses === null ? [] : [relay(hostResponses, "host")]),
    ]);
  }

  /** Does not reject: agents are served without them. */
  async start(): Promise<void> {
    for (const [path, queue] of this.#queues) {
      try {
        await queue.start();
      } catch (error) {
        if (!(error instanceof CodedError)) throw error;
        this.#log.write("error", `The socket ${path} is not served: ${error.message}`);
        // It would be the same for the others.
        if (error.code === "datagrams_unavailable") return;
      }
    }
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#queues.values()].map((queue) => queue.stop()));
  }
}
