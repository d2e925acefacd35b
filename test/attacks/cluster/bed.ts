/**
 * A real master with real files, threads and sockets, a real worker that behaves, and room for nodes that do not. Time is made: it passes when a test
 * says so.
 */
import assert from "node:assert/strict";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { ClusterNode } from "#cluster/config.ts";
import { CHECK_PERIOD_MS, RECALCULATE_MS } from "#cluster/integrity/times.ts";
import { MasterIntegrity } from "#cluster/master/integrity.ts";
import { MasterServer } from "#cluster/master/server.ts";
import { WorkerClient } from "#cluster/worker/client.ts";
import { WorkerIntegrity } from "#cluster/worker/integrity.ts";
import { systemDialer } from "#daemons/cluster/dialer.ts";
import { ClusterWork } from "#daemons/cluster/work.ts";
import { systemFiles } from "#kernel/platform/files.ts";
import { systemNetwork } from "#kernel/platform/network.ts";
import { systemRandom } from "#kernel/platform/random.ts";
import { Secret } from "#model/secret.ts";
import { FakeClock } from "#testing/clock.ts";
import { RecordingLog, RecordingMetrics } from "#testing/log.ts";
import { KEY } from "./fake-node.ts";

const LOOPBACK = "127.0.0.1";
const WAIT_MS_MAX = 10_000;
/** Changes with each round of the worker that behaves. */
const ROUND_PATH = "etc/rules/round.xml";
const KEYS = `001 web1 any ${"0".repeat(64)}\n`;

export async function until(what: string, holds: () => boolean): Promise<void> {
  const limitMs = performance.now() + WAIT_MS_MAX;
  while (!holds()) {
    assert(performance.now() < limitMs, `not in ${WAIT_MS_MAX} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

/** A home with something in every place that attacks aim at. */
export class Home {
  readonly path = mkdtempSync(join(tmpdir(), "cluster-attack-"));

  constructor() {
    const files: Record<string, string> = {
      "etc/ossec.conf": "<ossec_config/>",
      "etc/client.keys": KEYS,
      "etc/rules/local_rules.xml": "<group/>",
      "etc/shared/default/agent.conf": "<agent_config/>",
      "etc/shared/ar.conf": "restart-ossec0",
      "queue/db/global.db": "database",
      "framework/x.py": "code",
      outside: "outside",
    };
    for (const [path, content] of Object.entries(files)) this.put(path, content);
    mkdirSync(join(this.path, "queue/cluster"), { recursive: true });
  }

  put(path: string, content: string): void {
    const absolute = join(this.path, path);
    mkdirSync(dirname(absolute), { recursive: true });
    writeFileSync(absolute, content);
  }

  /** Null when it is not there. */
  get(path: string): string | null {
    const absolute = join(this.path, path);
    return existsSync(absolute) ? readFileSync(absolute, "latin1") : null;
  }

  /** All files but those in the scratch directories and what the worker that behaves is sent, with their contents. */
  get everything(): Readonly<Record<string, string>> {
    const names = readdirSync(this.path, { recursive: true, withFileTypes: true })
      .filter((found) => found.isFile())
      .map((found) => join(found.parentPath, found.name).slice(this.path.length + 1))
      .filter((name) => !name.startsWith("queue/cluster/") && name !== ROUND_PATH);
    return Object.fromEntries(names.sort().map((name) => [name, this.get(name) ?? ""]));
  }

  /** Everything below `queue/cluster`. */
  get scratch(): readonly string[] {
    return readdirSync(join(this.path, "queue/cluster"), { recursive: true, encoding: "utf8" }).sort();
  }
}

function nodeOf(nodeName: string, home: Home, port: number): ClusterNode {
  const key = new Secret(KEY);
  const where = { bindAddress: LOOPBACK, masterAddress: LOOPBACK, port };
  return { home: home.path, nodeName, clusterName: "wazuh", version: "4.14.7", key, ...where };
}

function systemNeeds() {
  return {
    clock: new FakeClock(),
    random: systemRandom,
    files: systemFiles,
    network: systemNetwork,
    log: new RecordingLog(),
    heavy: new ClusterWork(2),
    metrics: new RecordingMetrics(),
  };
}

export type BedWorker = { readonly home: Home; readonly client: WorkerClient };

/** A real worker of the master at `port`, master of this bed or not. */
export function startWorker(name: string, port: number, needs: ReturnType<typeof systemNeeds>): BedWorker {
  const home = new Home();
  const node = nodeOf(name, home, port);
  let integrity: WorkerIntegrity | null = null;
  const client = new WorkerClient(
    node,
    { ...needs, dialer: systemDialer },
    {
      handlers: (session) => {
        const options = { home: home.path, nodeName: name, checked: () => {} };
        integrity = new WorkerIntegrity(options, session, needs);
        return integrity.handlers;
      },
      joined: () => integrity?.start(),
      left: () => integrity?.stop(),
    },
  );
  client.start();
  return { home, client };
}

export class Bed {
  readonly home = new Home();
  readonly needs = systemNeeds();
  readonly server: MasterServer;
  readonly #integrity: MasterIntegrity;
  readonly #workers: BedWorker[] = [];
  #port = 0;
  #round = 0;

  constructor() {
    this.#integrity = new MasterIntegrity(this.home.path, this.needs);
    this.server = new MasterServer(nodeOf("master-node", this.home, 0), this.needs, {
      welcomed: ({ name, session }) => session.serve(this.#integrity.workerTask(name, session).handlers),
      left: () => {},
    });
  }

  static async start(): Promise<Bed> {
    const bed = new Bed();
    await bed.server.start();
    await bed.#integrity.start();
    const said = bed.needs.log.texts("info").find((text) => text.includes("Serving on"));
    bed.#port = Number(/, ([0-9]+)\)/.exec(said ?? "")?.[1]);
    bed.worker("good");
    await until("the worker that behaves is in", () => bed.server.worker("good") !== null);
    return bed;
  }

  get port(): number {
    return this.#port;
  }

  get clock(): FakeClock {
    return this.needs.clock;
  }

  count(name: string): number {
    return this.needs.metrics.get(name);
  }

  worker(name: string): BedWorker {
    const worker = startWorker(name, this.port, this.needs);
    this.#workers.push(worker);
    return worker;
  }

  /** A change of the master reaches the worker that behaves, whatever others do. */
  async stillSyncs(): Promise<void> {
    const content = `<!-- ${this.#round++} -->`;
    this.home.put(ROUND_PATH, content);
    const good = this.#workers[0];
    assert(good !== undefined);
    const limitMs = performance.now() + WAIT_MS_MAX;
    while (good.home.get(ROUND_PATH) !== content) {
      assert(performance.now() < limitMs, "the worker that behaves is not served any more");
      this.clock.advance(RECALCULATE_MS);
      await new Promise((resolve) => setTimeout(resolve, 20));
      this.clock.advance(CHECK_PERIOD_MS);
      await new Promise((resolve) => setTimeout(resolve, 60));
    }
  }

  async stop(): Promise<void> {
    this.#integrity.stop();
    // While workers are connected: it must not wait for them.
    await this.server.stop();
    for (const { client } of this.#workers) client.stop();
    await this.needs.heavy.stop();
    for (const { home } of [this, ...this.#workers]) rmSync(home.path, { recursive: true });
  }
}

/** A test with a bed of its own. What it finds outside the scratch directories afterwards is what was there before. */
export async function attacked(attack: (bed: Bed) => Promise<void>): Promise<void> {
  const bed = await Bed.start();
  try {
    const before = bed.home.everything;
    await attack(bed);
    assert.deepEqual(bed.home.everything, before);
    await bed.stillSyncs();
  } finally {
    await bed.stop();
  }
}
