/** The helper with everything real but its clock, which is quicker, and its cluster. */
import { createServer } from "node:net";
import { defaultManagerConfig } from "#config/manager-config.ts";
import type { HaproxyHelperConfig } from "#config/sections/haproxy-helper.ts";
import type { ClusterView } from "#haproxy-helper/needs.ts";
import { type RunningHelper, startHaproxyHelper } from "#haproxy-helper/service.ts";
import { systemFiles } from "#kernel/platform/files.ts";
import { systemHostNames } from "#kernel/platform/host-names.ts";
import { systemHttpClient } from "#kernel/platform/http-client.ts";
import { systemLocalSockets } from "#kernel/platform/local-sockets.ts";
import { until } from "../e2e/until.ts";
import { quickClock } from "./small-cluster.ts";

const LINES_SHOWN = 60;

export type HelperRun = RunningHelper & { readonly lines: readonly string[] };

export function runHelper(
  cluster: ClusterView,
  options: Partial<HaproxyHelperConfig>,
  agentPort: number,
  timesQuicker: number,
): HelperRun {
  const lines: string[] = [];
  const needs = {
    clock: quickClock(timesQuicker),
    log: { write: (level: string, _subtag: string, text: string) => lines.push(`${level} ${text}`) },
    cluster,
    files: systemFiles,
    http: systemHttpClient,
    localSockets: systemLocalSockets,
    hostNames: systemHostNames,
  };
  const quick = { enabled: true, frequencySeconds: 10, stabilitySeconds: 10, agentReconnectionSeconds: 1 };
  const all = {
    ...defaultManagerConfig().cluster.haproxyHelper,
    ...quick,
    removeDisconnectedMinutes: 0,
    ...options,
  };
  const helper = startHaproxyHelper(needs, all, agentPort);
  return { lines, stop: () => helper.stop() };
}

/** Free on all of these addresses now. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "0.0.0.0", resolve));
  const address = server.address();
  await new Promise<void>((resolve) => server.close(() => resolve()));
  return address !== null && typeof address === "object" ? address.port : 0;
}

const STEP_MS_MAX = 15_000;

/** Waits for what the helper brings about; when it does not, the helper's last lines say why. */
export async function eventually(
  helper: HelperRun,
  what: string,
  condition: () => boolean | Promise<boolean>,
): Promise<void> {
  await until(what, STEP_MS_MAX, condition).catch((error: unknown) => {
    throw new Error(`${what}\n${helper.lines.slice(-LINES_SHOWN).join("\n")}`, { cause: error });
  });
}

const BALANCED = "info Load balancer backend is balanced";

/** Waits until the helper has nothing to do. */
export function settled(helper: HelperRun): Promise<void> {
  const seen = helper.lines.length;
  return eventually(helper, "the helper is settled", () => helper.lines.indexOf(BALANCED, seen) >= 0);
}
