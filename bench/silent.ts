/**
 * How long an agent takes to enrol while strangers hold 10,000 connections to the enrollment port: half of them say nothing at all, half
 * began a TLS handshake and went silent. An agent that is refused tries again as agents do.
 */
import { connect, type Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { enroll } from "#testing/agent.ts";
import { LOOPBACK, makeHome, removeHome } from "../test/e2e/home.ts";
import { ManagerProcess } from "../test/e2e/manager-process.ts";
import { type Benchmark, type Figures, quantile } from "./benchmark.ts";
import { cpuSecondsOf } from "./processor-time.ts";

const STRANGERS = 10_000;
const AT_A_TIME = 200;
const SOURCE_ADDRESSES = 8;
const AGENTS = 20;
const TRIES_MAX = 30;
const RETRY_MS = 1000;
/** Header of a handshake record (RFC 8446, 5.1) whose content never comes. */
const HELLO_BEGUN = Buffer.from([0x16, 0x03, 0x01, 0x02, 0x00]);

function stranger(port: number, number: number): Promise<Socket> {
  return new Promise((resolve) => {
    const socket = connect({
      port,
      host: LOOPBACK,
      localAddress: `127.0.0.${2 + (number % SOURCE_ADDRESSES)}`,
    });
    socket.on("error", () => resolve(socket));
    socket.on("connect", () => {
      if (number % 2 === 1) socket.write(HELLO_BEGUN);
      resolve(socket);
    });
    socket.resume();
  });
}

type Enrolled = { readonly milliseconds: number; readonly tries: number };

async function enrolled(port: number, name: string): Promise<Enrolled> {
  const begun = performance.now();
  for (let tries = 1; tries <= TRIES_MAX; tries++) {
    try {
      await enroll({ host: LOOPBACK, port, name });
      return { milliseconds: performance.now() - begun, tries };
    } catch {
      await delay(RETRY_MS);
    }
  }
  throw new Error(`${name} was not enrolled in ${TRIES_MAX} tries`);
}

async function measure(): Promise<Figures> {
  const home = await makeHome();
  const manager = await ManagerProcess.start(home, ["--quiet"]);
  const strangers: Socket[] = [];
  try {
    const port = home.enrollmentPort;
    await enrolled(port, "warm");
    const rssBefore = manager.rssBytes;
    const cpuBefore = cpuSecondsOf(manager.pid);
    for (let first = 0; first < STRANGERS; first += AT_A_TIME) {
      const group = Array.from({ length: AT_A_TIME }, (_, index) => stranger(port, first + index));
      strangers.push(...(await Promise.all(group)));
    }
    const results: Enrolled[] = [];
    for (let number = 0; number < AGENTS; number++) results.push(await enrolled(port, `agent${number}`));
    const milliseconds = results.map((result) => result.milliseconds);
    return {
      longestEnrollmentMs: Math.round(Math.max(...milliseconds)),
      medianEnrollmentMs: Math.round(quantile(milliseconds, 0.5)),
      refused: results.reduce((refused, { tries }) => refused + tries - 1, 0),
      managerCpuSeconds: Number((cpuSecondsOf(manager.pid) - cpuBefore).toFixed(2)),
      rssBytesMore: manager.rssBytes - rssBefore,
      strangers: STRANGERS,
    };
  } finally {
    for (const socket of strangers) socket.destroy();
    await manager.kill();
    removeHome(home);
  }
}

export const silent: Benchmark = {
  corpora: [`${STRANGERS} strangers`],
  mainFigure: "longestEnrollmentMs",
  needs: () => [],
  measure,
};
