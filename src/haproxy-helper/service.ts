/** The helper as the cluster daemon of a master starts and stops it. */
import type { HaproxyHelperConfig } from "#config/sections/haproxy-helper.ts";
import { messageOf } from "#kernel/errors.ts";
import { AgentBackend } from "./agent-backend.ts";
import { DataPlaneDriver } from "./dataplane/driver.ts";
import { HaproxyHelper } from "./helper.ts";
import type { HelperNeeds } from "./needs.ts";
import type { ProxyDriver } from "./proxy-driver.ts";
import { RuntimeDriver } from "./runtime/driver.ts";
import { Sleeper, Stopped } from "./sleeper.ts";

export type RunningHelper = {
  /** Resolves when servers that it had drained are taken back and nothing of it runs any more. */
  stop(): Promise<void>;
};

/** `agentPort` is the first `<remote>`'s. Call it when `options.enabled` is true, on the master. */
export function startHaproxyHelper(
  needs: HelperNeeds,
  options: HaproxyHelperConfig,
  agentPort: number,
): RunningHelper {
  const { log, cluster } = needs;
  const sleeper = new Sleeper(needs.clock);
  const backend = new AgentBackend(driverOf(needs, options), log, options.backend, agentPort);
  if (options.mode === "dataplane" && options.protocol === "http" && hasTlsOptions(options)) {
    const text =
      "HTTPS related parameters have been set but will be ignored since HTTP is defined as protocol.";
    log.write("warning", "Main", text);
  }
  const helper = new HaproxyHelper(options, { backend, cluster, clock: needs.clock, log, sleeper });
  const ended = helper.run().catch((error: unknown) => {
    if (!(error instanceof Stopped))
      log.write("critical", "Main", `Unexpected exception: ${messageOf(error)}`);
  });
  const told = ended.then(() => log.write("info", "Main", "Task ended"));
  return {
    stop: () => {
      sleeper.stop();
      return told;
    },
  };
}

export function driverOf(
  needs: Omit<HelperNeeds, "log" | "cluster">,
  options: HaproxyHelperConfig,
): ProxyDriver {
  if (options.mode === "dataplane") return new DataPlaneDriver(options, needs);
  return new RuntimeDriver({ socket: options.socket ?? "", backendFile: options.backendFile }, needs);
}

function hasTlsOptions(options: HaproxyHelperConfig): boolean {
  const { authorityFile, clientCertificateFile, clientKeyFile, clientKeyPassword } = options;
  return [authorityFile, clientCertificateFile, clientKeyFile, clientKeyPassword].some(
    (value) => value !== null,
  );
}
