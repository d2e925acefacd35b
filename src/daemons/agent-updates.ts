/** Writes what the connection service learns about agents into the registry. */
import type { AgentUpdate } from "#connection/needs.ts";
import type { Keepalive } from "#formats/wire/agent/keepalive.ts";
import type { SharedConfiguration } from "#groups/shared-configuration.ts";
import type { AgentId } from "#model/agent.ts";
import type { AgentInfo } from "#registry/agent-record.ts";
import type { AgentStore } from "#registry/agent-store.ts";
import { storedLabel } from "./agent-facts.ts";

const STATUS_CODE_VERSION_HIGH = 1;
const STATUS_CODE_VERSION_UNREADABLE = 2;
const STATUS_CODE_SHUTDOWN = 3;
const STATUS_CODE_NO_KEEPALIVE = 4;
/** What an agent says when it connects, as `"version"` of its startup. */
const STATED_VERSION = /^v[0-9]{1,6}\.[0-9]{1,6}\.[0-9]{1,6}/;
/** Keepalives write the product's name before the version; wazuh v4.14.7: src/headers/defs.h. */
const PRODUCT = "Wazuh";

export type NodeNames = { readonly hostname: string; readonly nodeName: string };

function infoOf(keepalive: Keepalive, names: NodeNames): AgentInfo {
  const { system } = keepalive;
  return {
    os: {
      name: system?.osName ?? "",
      version: system?.osVersion ?? "",
      major: system?.osMajor ?? "",
      minor: system?.osMinor ?? "",
      codename: system?.osCodename ?? "",
      build: system?.osBuild ?? "",
      platform: system?.osPlatform ?? "",
      uname: system?.osUname ?? "",
      arch: system?.osArch ?? "",
    },
    version: keepalive.version ?? "",
    configSum: keepalive.configSum ?? "",
    mergedSum: keepalive.mergedSum ?? "",
    managerHost: names.hostname,
    nodeName: names.nodeName,
    agentAddress: keepalive.agentIp ?? "",
    labels: keepalive.labels.map(storedLabel),
  };
}

/**
 * What was said of an agent may still be on its way when its key is gone, and nothing of it is to be remembered then. `knows` says
 * whether an agent has a key.
 */
export function ofKnownAgents(
  updates: readonly AgentUpdate[],
  knows: (id: AgentId) => boolean,
): readonly AgentUpdate[] {
  return updates.filter((update) => update.kind === "service_started" || knows(update.agentId));
}

/** Where updates go. */
export type AgentUpdateTargets = {
  readonly agents: AgentStore;
  readonly shared: Pick<SharedConfiguration, "connected" | "keepalive" | "sameKeepalive">;
};

export function applyAgentUpdate(
  { agents, shared }: AgentUpdateTargets,
  update: AgentUpdate,
  names: NodeNames,
): void {
  const atSeconds = Math.floor(update.atMs / 1000);
  const { nodeName } = names;
  switch (update.kind) {
    case "service_started":
      agents.resetConnections(atSeconds);
      return;
    case "startup":
      shared.connected(update.agentId);
      agents.setStatus(update.agentId, { status: "pending", atSeconds, nodeName });
      if (STATED_VERSION.test(update.version ?? ""))
        agents.setVersion(update.agentId, `${PRODUCT} ${update.version}`);
      return;
    case "startup_refused": {
      const statusCode =
        update.reason === "version_too_high" ? STATUS_CODE_VERSION_HIGH : STATUS_CODE_VERSION_UNREADABLE;
      agents.setStatus(update.agentId, { status: "refused", statusCode });
      return;
    }
    case "keepalive":
      if (update.keepalive === null) {
        agents.setStatus(update.agentId, { status: "active", atSeconds, nodeName });
        shared.sameKeepalive(update.agentId);
      } else {
        const info = infoOf(update.keepalive, names);
        agents.applyKeepalive({
          id: update.agentId,
          atSeconds,
          info,
          groupConfigStatus: shared.keepalive(update.agentId, update.keepalive.mergedSum),
        });
      }
      return;
    case "upgrade_reported":
      return; // no state of the agent follows from it
    case "shutdown":
    case "lost": {
      const statusCode = update.kind === "shutdown" ? STATUS_CODE_SHUTDOWN : STATUS_CODE_NO_KEEPALIVE;
      agents.setStatus(update.agentId, { status: "disconnected", statusCode, atSeconds });
    }
  }
}
