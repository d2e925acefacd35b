/**
 * How many agents a running manager enrols a CPU-second: TLS handshake, key, client.keys with its sync, row, answer. The agents are
 * in another process and are not counted; the disk's time shows only in the rate a second.
 */
import { enroll } from "#testing/agent.ts";
import { LOOPBACK, makeHome, removeHome } from "../test/e2e/home.ts";
import { ManagerProcess } from "../test/e2e/manager-process.ts";
import type { Benchmark, Figures } from "./benchmark.ts";
import { cpuSecondsOf } from "./processor-time.ts";

const AGENTS = 1000;
const AT_A_TIME = 50;

async function measure(): Promise<Figures> {
  const home = await makeHome();
  const manager = await ManagerProcess.start(home, ["--quiet"]);
  try {
    const enrollGroup = (first: number) =>
      Promise.all(
        Array.from({ length: AT_A_TIME }, (_, index) =>
          enroll({ host: LOOPBACK, port: home.enrollmentPort, name: `agent${first + index}` }),
        ),
      );
    await enrollGroup(0); // warms the code up
    const cpuBefore = cpuSecondsOf(manager.pid);
    const begun = performance.now();
    for (let first = AT_A_TIME; first < AGENTS + AT_A_TIME; first += AT_A_TIME) await enrollGroup(first);
    const seconds = (performance.now() - begun) / 1000;
    const cpuSeconds = cpuSecondsOf(manager.pid) - cpuBefore;
    return {
      enrollmentsPerCpuSecond: Math.round(AGENTS / cpuSeconds),
      enrollmentsPerSecond: Math.round(AGENTS / seconds),
      rssBytes: manager.rssBytes,
    };
  } finally {
    await manager.stop();
    removeHome(home);
  }
}

export const enrollment: Benchmark = {
  corpora: ["1000 agents"],
  mainFigure: "enrollmentsPerCpuSecond",
  needs: () => [],
  measure,
};
