/** Registries for the benchmark of the cluster: agents as a master knows them, and as a worker does that they report to. */
import { join } from "node:path";
import type { Clock } from "#kernel/ports/clock.ts";
import type { Log } from "#kernel/ports/log.ts";
import type { AgentInfo } from "#registry/agent-record.ts";
import { AgentStore } from "#registry/agent-store.ts";
import { RecordingMetrics } from "#testing/log.ts";
import { agentEntry } from "./agents.ts";

/** As long as real ones: a row is about 700 bytes of JSON. */
const INFO: AgentInfo = {
  os: {
    name: "Ubuntu",
    version: "22.04.3 LTS",
    major: "22",
    minor: "04",
    codename: "Jammy Jellyfish",
    build: "",
    platform: "ubuntu",
    uname: "Linux |web |5.15.0-91-generic |#101-Ubuntu SMP Tue Nov 14 13:30:08 UTC 2023 |x86_64",
    arch: "x86_64",
  },
  version: "Wazuh v4.14.7",
  configSum: "ab73af41699f13fdd81903b5f23d8d00",
  mergedSum: "5c1f4b7ea6e9e3b6a7b8b0c1d2e3f405",
  managerHost: "host1",
  nodeName: "worker0",
  agentAddress: "10.0.0.1",
  labels: [],
};

type Place = { readonly home: string; readonly clock: Clock; readonly log: Log };

export function registryWith(agents: number, { home, clock, log }: Place): AgentStore {
  const metrics = new RecordingMetrics();
  const store = new AgentStore({ path: join(home, "registry.db"), clock, log, metrics });
  for (let number = 1; number <= agents; number++) {
    const { id, name } = agentEntry(number);
    store.upsert({ id, name, address: "any", registeredSeconds: 1 });
  }
  return store;
}

/** All have just started, so that all is to be told of each. */
export function connectAll(store: AgentStore, agents: number, atSeconds: number): void {
  for (let number = 1; number <= agents; number++) {
    const { id } = agentEntry(number);
    store.applyKeepalive({ id, atSeconds, info: INFO, groupConfigStatus: "synced" });
  }
}
