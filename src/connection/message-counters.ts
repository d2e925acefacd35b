/**
 * The counters of messages on disk: the one of all that is sent, and those of what was received from each agent.
 *
 * File form `<global>:<local>:`, possibly with stale digits behind it. wazuh v4.14.7: src/os_crypto/shared/msgs.c.
 */
import {
  type Counters,
  checkReplay,
  type ReplayVerdict,
  SenderCounter,
} from "#formats/wire/agent/counters.ts";
import { CodedError } from "#kernel/errors.ts";
import type { Files } from "#kernel/ports/files.ts";
import type { KnownAgent } from "./agent-table.ts";
import type { ConnectionEvents } from "./events.ts";
import { SENDER_GLOBALS_RESERVED, SENDER_WRITE_RETRY_MS } from "./limits.ts";

const PAIR = /^([0-9]{1,10}):([0-9]{1,4}):/;
const FRESH: Counters = { global: 0, local: 0 };

export type CounterFiles = {
  readonly files: Files;
  readonly directory: string;
  readonly events: ConnectionEvents;
};

/** Null when there is no file; a file that holds no pair counts as the beginning. */
function readPair({ files, events }: CounterFiles, path: string): Counters | null {
  try {
    if (files.info(path) === null) return null;
    const [, global, local] = PAIR.exec(files.read(path).toString("latin1")) ?? [];
    if (global !== undefined && local !== undefined) return { global: Number(global), local: Number(local) };
  } catch (error) {
    if (!(error instanceof CodedError)) throw error;
  }
  events.countersUnreadable(path);
  return FRESH;
}

function pairBytes({ global, local }: Counters): Buffer {
  return Buffer.from(`${global}:${local}:`);
}

/**
 * One counter for all agents. The file is written ahead of what is sent, so that a crash skips counters and never repeats one;
 * without a crash it ends with the pair sent last, as the peer leaves it.
 */
export class StoredSenderCounter {
  readonly #where: CounterFiles;
  readonly #path: string;
  readonly #counter: SenderCounter;
  /** Pairs with this global counter and above are not reserved yet. */
  #unreservedGlobal: number;
  #retryAtMs = Number.NEGATIVE_INFINITY;

  constructor(where: CounterFiles) {
    this.#where = where;
    this.#path = `${where.directory}/sender_counter`;
    this.#counter = new SenderCounter(readPair(where, this.#path) ?? FRESH);
    this.#unreservedGlobal = this.#counter.last.global;
  }

  next(nowMs: number): Counters {
    const counters = this.#counter.next();
    if (counters.global >= this.#unreservedGlobal && nowMs >= this.#retryAtMs) {
      this.#reserve(counters.global + SENDER_GLOBALS_RESERVED, nowMs);
    }
    return counters;
  }

  close(): void {
    this.#write(this.#counter.last);
  }

  #reserve(global: number, nowMs: number): void {
    if (this.#write({ global, local: 0 })) this.#unreservedGlobal = global;
    else this.#retryAtMs = nowMs + SENDER_WRITE_RETRY_MS; // agents need answers more than we need the file
  }

  #write(counters: Counters): boolean {
    try {
      this.#where.files.replace(this.#path, pairBytes(counters));
      return true;
    } catch (error) {
      if (!(error instanceof CodedError)) throw error;
      this.#where.events.countersUnsaved(this.#path, error);
      return false;
    }
  }
}

type Received = { counters: Counters; unsaved: number };

/** Refuses messages that were sent before. Only for managers that verify (`remoted.verify_msg_id`): without it nothing is kept. */
export class ReceivedCounters {
  readonly #where: CounterFiles;
  readonly #flushAfter: number;
  readonly #byAgent = new Map<string, Received>();

  constructor(where: CounterFiles, flushAfter: number) {
    this.#where = where;
    this.#flushAfter = flushAfter;
  }

  check(agent: KnownAgent, received: Counters, peerAddress: string): ReplayVerdict {
    const known = this.#byAgent.get(agent.id);
    const stored = known?.counters ?? readPair(this.#where, this.#pathOf(agent.id));
    const verdict = checkReplay({ stored, received, agent, peerAddress });
    if (verdict.code !== "VALID") return verdict;
    const entry: Received = { counters: received, unsaved: (known?.unsaved ?? 0) + 1 };
    this.#byAgent.set(agent.id, entry);
    if (entry.unsaved >= this.#flushAfter) this.#save(agent.id, entry);
    return verdict;
  }

  /** The agent is gone or has another key: what was received under the old one says nothing. */
  forget(agentId: string): void {
    this.#byAgent.delete(agentId);
    const { files } = this.#where;
    const path = this.#pathOf(agentId);
    this.#attempt(path, () => {
      if (files.info(path) !== null) files.remove(path);
    });
  }

  close(): void {
    for (const [agentId, entry] of this.#byAgent) if (entry.unsaved > 0) this.#save(agentId, entry);
  }

  #pathOf(agentId: string): string {
    return `${this.#where.directory}/${agentId}`;
  }

  /** In place and unsynced: after a power failure a few messages could be repeated, and that is cheaper than a sync for each agent. */
  #save(agentId: string, entry: Received): void {
    const { files } = this.#where;
    const path = this.#pathOf(agentId);
    entry.unsaved = 0;
    this.#attempt(path, () => {
      const file = files.open(path, files.info(path) === null ? "create" : "update");
      try {
        file.write(pairBytes(entry.counters), 0);
      } finally {
        file.close();
      }
    });
  }

  #attempt(path: string, run: () => void): void {
    try {
      run();
    } catch (error) {
      if (!(error instanceof CodedError)) throw error;
      this.#where.events.countersUnsaved(path, error);
    }
  }
}
