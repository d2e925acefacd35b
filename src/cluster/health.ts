/** How the nodes are, as the master tells it: `get_health` (wazuh v4.14.7: framework/wazuh/core/cluster/master.py). */
import { type ClusterException, internalError } from "#formats/wire/cluster/exceptions.ts";
import { isObject, type JsonObject, parseJson } from "#formats/wire/cluster/json-value.ts";
import { SMALL_PAYLOAD_BYTES_MAX } from "./limits.ts";
import type { IntegrityFacts } from "./master/integrity.ts";
import type { ChunkFacts } from "./needs.ts";
import { type NodeInfo, noSuchNode, readNames } from "./nodes.ts";

/** What the master knows of a worker that is connected. Times are of the wall clock. */
export type WorkerHealth = {
  readonly info: NodeInfo;
  readonly activeAgents: number;
  readonly integrity: IntegrityFacts;
  readonly agentInfo: ChunkFacts & { readonly isFree: boolean };
  readonly agentGroups: ChunkFacts;
  readonly agentGroupsFull: ChunkFacts;
  readonly lastKeepaliveMs: number | null;
};

export type MasterHealth = { readonly info: NodeInfo; readonly activeAgents: number };

/** `payload` says whom: null for all, names, or `{}` for the workers. */
export function healthReport(
  master: MasterHealth,
  workers: readonly WorkerHealth[],
  payload: Buffer,
): JsonObject | ClusterException {
  const value = payload.length > SMALL_PAYLOAD_BYTES_MAX ? undefined : parseJson(payload);
  const isEmptyObject = isObject(value) && Object.keys(value).length === 0;
  const names = isEmptyObject ? [] : readNames(value);
  if (value === undefined || names === undefined) return internalError("nodes are asked for by their names");
  const all = [...workers.map(({ info }) => info.name), master.info.name];
  if (names?.some((name) => !all.includes(name))) return noSuchNode();
  const isAsked = ({ info }: WorkerHealth) =>
    names === null || names.length === 0 || names.includes(info.name);
  const asked = workers.filter(isAsked);
  const nodes = asked.map((worker): [string, JsonObject] => [worker.info.name, workerJson(worker)]);
  if (names === null || names.includes(master.info.name)) {
    nodes.push([master.info.name, { info: infoJson(master) }]);
  }
  return { n_connected_nodes: asked.length, nodes: Object.fromEntries(nodes) };
}

function infoJson({ info, activeAgents }: MasterHealth): JsonObject {
  return { ...info, n_active_agents: activeAgents };
}

function workerJson(worker: WorkerHealth): JsonObject {
  const { integrity, agentInfo, agentGroups, agentGroupsFull } = worker;
  const { check, sync } = integrity;
  const { missing, shared, extra } = sync;
  return {
    info: infoJson(worker),
    status: {
      sync_integrity_free: integrity.isFree,
      last_check_integrity: {
        date_start_master: dateText(check.startMs),
        date_end_master: dateText(check.endMs),
      },
      last_sync_integrity: {
        date_start_master: dateText(sync.startMs),
        date_end_master: dateText(sync.endMs),
        total_extra_valid: 0,
        // The peer's table is another one before the first synchronisation and after it.
        total_files:
          sync.startMs === null
            ? { missing: 0, shared: 0, extra: 0, extra_valid: 0 }
            : { missing, extra, shared },
      },
      sync_agent_info_free: agentInfo.isFree,
      last_sync_agentinfo: {
        date_start_master: dateText(agentInfo.startMs),
        date_end_master: dateText(agentInfo.endMs),
        n_synced_chunks: agentInfo.chunks,
      },
      last_sync_agentgroup: chunksJson(agentGroups),
      last_sync_full_agentgroup: chunksJson(agentGroupsFull),
      last_keep_alive: dateText(worker.lastKeepaliveMs),
    },
  };
}

function chunksJson({ startMs, endMs, chunks }: ChunkFacts): JsonObject {
  return { date_start: dateText(startMs), date_end: dateText(endMs), n_synced_chunks: chunks };
}

/** UTC with microseconds, which are not measured. */
function dateText(ms: number | null): string {
  return ms === null ? "n/a" : `${new Date(ms).toISOString().slice(0, -1)}000Z`;
}
