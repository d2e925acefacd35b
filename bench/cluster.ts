/**
 * What keeping the files of a cluster alike costs: first synchronisations, checks that find nothing, and a master with 25 workers. Master and
 * workers are processes of their own, on real disks and sockets. Times begin where a worker begins its check.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { CHECK_PERIOD_MS } from "#cluster/integrity/times.ts";
import { SeededRandom } from "#testing/random.ts";
import { freePort } from "../test/e2e/home.ts";
import { clientKeys } from "./agents.ts";
import { type Benchmark, type Figures, quantile } from "./benchmark.ts";
import { ClusterNodes, type ClusterReport } from "./cluster-nodes.ts";

const MIB = 1024 * 1024;
const AGENT_INFO_ROUNDS = 5;
/** Several, as in a cluster: the master reads its own files once for all of them, whatever is left of that counts for all. */
const UNCHANGED_WORKERS = 4;
const UNCHANGED_ROUNDS = 7;
const AGENTS = 50_000;
const AGENTS_TOLD = 10_000;
const WORKERS = 25;
const WORKER_ROUNDS = 6;
/** Their checks are spread over the period in which each makes one. */
const CHECK_GAP_MS = CHECK_PERIOD_MS / WORKERS;

type Corpus = {
  readonly workers: number;
  /** That report to the worker. */
  readonly agents?: number;
  /** What the master holds. */
  readonly prepare: (put: (path: string, content: string) => void) => void;
  readonly measure: (cluster: Cluster) => Promise<Figures>;
};

/** Base64 text, which zlib makes a quarter smaller, as the peer was measured with. */
const NOISE = new SeededRandom(11).bytes((MIB * 3) / 4).toString("base64");

function noise(from: number, bytes: number): string {
  const at = (from * 97) % (NOISE.length / 2);
  return NOISE.slice(at, at + bytes);
}

type Cluster = {
  readonly masterHome: string;
  readonly master: ClusterNodes;
  readonly workers: ClusterNodes;
};

type Round = {
  readonly checkSeconds: readonly number[];
  readonly masterCpuSeconds: number;
  readonly workersCpuSeconds: number;
  readonly recalculationCpuSeconds: number;
  readonly masterRssBytesMax: number;
};

/** The master looks at its files, then all workers check, each so long after the one before. */
async function round({ master, workers }: Cluster, gapMs = 0): Promise<Round> {
  const idle = await master.order({ kind: "report" });
  const before = await master.order({ kind: "recalculate" });
  const workersBefore = await workers.order({ kind: "report" });
  const checked: ClusterReport = await workers.order({ kind: "check", gapMs });
  const after = await master.order({ kind: "report" });
  return {
    checkSeconds: checked.checkSeconds,
    masterCpuSeconds: after.cpuSeconds - before.cpuSeconds,
    workersCpuSeconds: checked.cpuSeconds - workersBefore.cpuSeconds,
    recalculationCpuSeconds: before.cpuSeconds - idle.cpuSeconds,
    masterRssBytesMax: after.rssBytesMax,
  };
}

const rounded = (value: number) => Number(value.toFixed(4));

function figuresOf(rounds: readonly Round[], workers: number): Figures {
  const ofCheck = (pick: (round: Round) => number) => quantile(rounds.map(pick), 0.5) / workers;
  const masterCpuSeconds = ofCheck((round) => round.masterCpuSeconds);
  const seconds = rounds.flatMap(({ checkSeconds }) => checkSeconds);
  return {
    seconds: rounded(quantile(seconds, 0.5)),
    cpuSeconds: rounded(masterCpuSeconds + ofCheck((round) => round.workersCpuSeconds)),
    masterCpuSeconds: rounded(masterCpuSeconds),
    recalculationCpuSeconds: rounded(
      quantile(
        rounds.map((each) => each.recalculationCpuSeconds),
        0.5,
      ),
    ),
    masterRssBytesMax: Math.max(...rounds.map(({ masterRssBytesMax }) => masterRssBytesMax)),
    workers,
  };
}

async function firstSync(cluster: Cluster): Promise<Figures> {
  return figuresOf([await round(cluster)], 1);
}

type TellingRound = {
  readonly seconds: number;
  readonly cpuSeconds: number;
  readonly masterCpuSeconds: number;
};

async function tellOfAgents({ master, workers }: Cluster): Promise<TellingRound> {
  const masterBefore = await master.order({ kind: "report" });
  const workersBefore = await workers.order({ kind: "report" });
  const told = await workers.order({ kind: "agent_info" });
  const masterAfter = await master.order({ kind: "report" });
  const masterCpuSeconds = masterAfter.cpuSeconds - masterBefore.cpuSeconds;
  return {
    seconds: told.checkSeconds[0] ?? Number.NaN,
    cpuSeconds: masterCpuSeconds + told.cpuSeconds - workersBefore.cpuSeconds,
    masterCpuSeconds,
  };
}

/** The first time is that of two processes that have just started. */
async function agentInfo(cluster: Cluster): Promise<Figures> {
  const first = await tellOfAgents(cluster);
  const rounds: TellingRound[] = [];
  while (rounds.length < AGENT_INFO_ROUNDS) rounds.push(await tellOfAgents(cluster));
  const median = (pick: (round: TellingRound) => number) => rounded(quantile(rounds.map(pick), 0.5));
  const { rssBytesMax } = await cluster.master.order({ kind: "report" });
  return {
    seconds: median(({ seconds }) => seconds),
    firstSeconds: rounded(first.seconds),
    cpuSeconds: median(({ cpuSeconds }) => cpuSeconds),
    masterCpuSeconds: median(({ masterCpuSeconds }) => masterCpuSeconds),
    masterRssBytesMax: rssBytesMax,
    agents: AGENTS_TOLD,
  };
}

async function unchanged(cluster: Cluster): Promise<Figures> {
  // The files that were synchronised are too new to be trusted at the check that follows.
  for (let warming = 0; warming < 3; warming++) await round(cluster);
  const rounds: Round[] = [];
  while (rounds.length < UNCHANGED_ROUNDS) rounds.push(await round(cluster));
  return figuresOf(rounds, UNCHANGED_WORKERS);
}

/** Every second round an agent has enrolled since the last. */
async function manyWorkers(cluster: Cluster): Promise<Figures> {
  const first = await round(cluster, CHECK_GAP_MS);
  const rounds: Round[] = [];
  while (rounds.length < WORKER_ROUNDS) {
    if (rounds.length % 2 === 1)
      writeFileSync(keysOf(cluster.masterHome), clientKeys(AGENTS + rounds.length));
    rounds.push(await round(cluster, CHECK_GAP_MS));
  }
  const seconds = rounds.flatMap(({ checkSeconds }) => checkSeconds);
  return {
    ...figuresOf(rounds, WORKERS),
    secondsMean: rounded(seconds.reduce((sum, each) => sum + each, 0) / seconds.length),
    secondsMax: rounded(Math.max(...seconds)),
    firstSyncRssBytesMax: first.masterRssBytesMax,
    firstSyncSecondsMax: rounded(Math.max(...first.checkSeconds)),
    agents: AGENTS,
  };
}

function keysOf(home: string): string {
  return join(home, "etc/client.keys");
}

const lists =
  (count: number, bytes: number): Corpus["prepare"] =>
  (put) => {
    for (let number = 0; number < count; number++) put(`etc/lists/list${number}`, noise(number, bytes));
  };
const groups =
  (count: number, bytes: number): Corpus["prepare"] =>
  (put) => {
    for (let number = 0; number < count; number++)
      put(`etc/shared/group${number}/agent.conf`, noise(number, bytes));
  };

const CORPORA: Readonly<Record<string, Corpus>> = {
  "first-sync-1000": { workers: 1, prepare: lists(1000, 1024), measure: firstSync },
  "first-sync-10000": { workers: 1, prepare: groups(10_000, 200), measure: firstSync },
  "large-file": {
    workers: 1,
    prepare: (put) => put("etc/shared/default/merged.mg", NOISE.repeat(50)),
    measure: firstSync,
  },
  "unchanged-check": { workers: UNCHANGED_WORKERS, prepare: groups(10_000, 200), measure: unchanged },
  "workers-25": {
    workers: WORKERS,
    prepare: (put) => {
      lists(1000, 1024)(put);
      put("etc/client.keys", clientKeys(AGENTS));
    },
    measure: manyWorkers,
  },
  "agent-info": { workers: 1, agents: AGENTS_TOLD, prepare: () => {}, measure: agentInfo },
};

async function measure(name: string): Promise<Figures> {
  const corpus = CORPORA[name];
  if (corpus === undefined) throw new RangeError(`no corpus '${name}'`);
  const directory = mkdtempSync(join(tmpdir(), "cyb3rhq-bench-"));
  const masterHome = join(directory, "master");
  corpus.prepare((path, content) => {
    mkdirSync(dirname(join(masterHome, path)), { recursive: true });
    writeFileSync(join(masterHome, path), content);
  });
  const cluster = { masterHome, master: new ClusterNodes(), workers: new ClusterNodes() };
  try {
    const port = await freePort();
    const { workers: count, agents = 0 } = corpus;
    mkdirSync(masterHome, { recursive: true });
    await cluster.master.order({ kind: "master", home: masterHome, port, agents });
    await cluster.workers.order({ kind: "workers", homes: directory, port, count, agents });
    return await corpus.measure(cluster);
  } finally {
    cluster.workers.end();
    cluster.master.end();
    rmSync(directory, { recursive: true, force: true });
  }
}

export const cluster: Benchmark = {
  corpora: Object.keys(CORPORA),
  mainFigure: "cpuSeconds",
  needs: () => [],
  measure,
};
