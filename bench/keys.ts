/**
 * What 100,000 keys cost: their loading, their memory, and how long one of them is looked for, in this process; and what a whole manager
 * takes more when it knows them. To be loaded in two seconds and 60 MB, and found as fast as among a hundredth of them.
 */
import assert from "node:assert/strict";
import { setTimeout as delay } from "node:timers/promises";
import { SystemClock } from "#kernel/platform/clock.ts";
import { systemFiles } from "#kernel/platform/files.ts";
import { agentIdOf } from "#model/agent.ts";
import { KeyStore } from "#registry/key-store.ts";
import { registryPaths } from "#registry/registry.ts";
import { RecordingLog, RecordingMetrics } from "#testing/log.ts";
import { makeHome, removeHome, writeInto } from "../test/e2e/home.ts";
import { ManagerProcess } from "../test/e2e/manager-process.ts";
import { agentEntry, clientKeys } from "./agents.ts";
import { type Benchmark, cpuSecondsSince, type Figures } from "./benchmark.ts";
import { cpuSecondsOf } from "./processor-time.ts";

const KEYS = 100_000;
const LOOK_UPS = 1_000_000;
/** Until what the start left behind is given back. */
const SETTLING_MS = 5000;

function heapBytes(): number {
  globalThis.gc?.();
  return process.memoryUsage().heapUsed;
}

type Loaded = { readonly cpuSeconds: number; readonly heapBytes: number; readonly nanosPerLookUp: number };

async function load(count: number): Promise<Loaded> {
  const home = await makeHome();
  writeInto(home.path, "etc/client.keys", clientKeys(count));
  writeInto(home.path, "queue/db/.keep", "");
  const world = { clock: new SystemClock(), log: new RecordingLog(), metrics: new RecordingMetrics() };
  const store = new KeyStore({ files: systemFiles, ...world, paths: registryPaths(home.path) });
  const heapBefore = heapBytes();
  const cpu = process.cpuUsage();
  store.start();
  const cpuSeconds = cpuSecondsSince(cpu);
  const heapAfter = heapBytes();
  assert.equal(store.size, count);
  const wanted = Array.from({ length: 1000 }, (_, index) => agentEntry(1 + ((index * 7919) % count)));
  const looking = process.cpuUsage();
  for (let done = 0; done < LOOK_UPS; done++) {
    const agent = wanted[done % wanted.length];
    assert(agent !== undefined && store.byId(agent.id) !== null && store.byName(agent.name) !== null);
  }
  const nanosPerLookUp = (cpuSecondsSince(looking) * 1e9) / LOOK_UPS;
  assert.equal(store.byId(agentIdOf(count + 1)), null);
  store.stop();
  removeHome(home);
  return { cpuSeconds, heapBytes: heapAfter - heapBefore, nanosPerLookUp };
}

async function managerWith(
  count: number,
): Promise<{ readonly cpuSeconds: number; readonly rssBytes: number }> {
  const home = await makeHome();
  if (count > 0) writeInto(home.path, "etc/client.keys", clientKeys(count));
  // The first start makes the rows, which later ones have.
  await (await ManagerProcess.start(home, ["--quiet"])).stop();
  const manager = await ManagerProcess.start(home, ["--quiet"]);
  const cpuSeconds = cpuSecondsOf(manager.pid);
  await delay(SETTLING_MS);
  const { rssBytes } = manager;
  await manager.kill();
  removeHome(home);
  return { cpuSeconds, rssBytes };
}

async function measure(): Promise<Figures> {
  const few = await load(KEYS / 100);
  const many = await load(KEYS);
  const without = await managerWith(0);
  const withThem = await managerWith(KEYS);
  return {
    loadCpuSeconds: Number(many.cpuSeconds.toFixed(3)),
    heapBytes: many.heapBytes,
    nanosPerLookUp: Math.round(many.nanosPerLookUp),
    nanosPerLookUpAmongFew: Math.round(few.nanosPerLookUp),
    managerStartCpuSecondsMore: Number((withThem.cpuSeconds - without.cpuSeconds).toFixed(2)),
    managerRssBytesMore: withThem.rssBytes - without.rssBytes,
    keys: KEYS,
  };
}

export const keys: Benchmark = {
  corpora: [`${KEYS} keys`],
  mainFigure: "loadCpuSeconds",
  needs: () => [],
  measure,
};
