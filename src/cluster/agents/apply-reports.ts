/** A worker's string of agent-info into the registry, in slices. What cannot be read of it is counted, and the rest is applied. */
import type { JsonValue } from "#formats/wire/cluster/json-value.ts";
import { CodedError } from "#kernel/errors.ts";
import type { Clock } from "#kernel/ports/clock.ts";
import type { ClusterAgents } from "../needs.ts";
import { Slices } from "../slices.ts";
import { ChunkReader } from "./chunk-reader.ts";
import { agentsOfChunk, readReport } from "./read-reports.ts";
import { APPLY_MS_MAX } from "./times.ts";
import { RefusedCounts, type UpdateReport } from "./update-report.ts";

/** Nothing, or not all, was applied; the text is for the worker. */
export type ApplyFailure = { readonly code: "string_not_applied"; readonly text: string };

export type ReportTarget = {
  readonly agents: Pick<ClusterAgents, "apply">;
  readonly clock: Clock;
  /** The worker's own, whatever its string says. */
  readonly nodeName: string;
  /** Nobody waits for the outcome any more. */
  readonly isOver: () => boolean;
};

export async function applyReports(
  bytes: Buffer,
  target: ReportTarget,
): Promise<UpdateReport | ApplyFailure> {
  const reader = new ChunkReader(bytes);
  const slices = new Slices(target.clock, target.isOver);
  const nowSeconds = Math.floor(target.clock.wallMs() / 1000);
  const node = { nodeName: target.nodeName, nowSeconds };
  const refused = new RefusedCounts();
  let chunks = 0;
  const apply = (list: string | null, value: JsonValue): boolean => {
    const report = readReport(list, value);
    // An unknown agent was removed meanwhile, or its key has not come here yet: the peer ignores it too.
    if (report !== null) target.agents.apply(report, node);
    else refused.add(list ?? "a chunk");
    return report !== null;
  };
  try {
    for (let step = reader.next(); step.kind !== "end"; step = reader.next()) {
      if (step.kind === "malformed")
        return failure("error while trying to load JSON: the string is malformed");
      const { list, value } = step;
      if (list !== null) apply(list, value);
      else {
        const agents = agentsOfChunk(value);
        if (agents === null) refused.add("no list");
        else if (agents.filter((agent) => !apply(null, agent)).length === 0) chunks++;
      }
      if (!slices.isTired) continue;
      if (!(await slices.rest())) return failure("the connection is over");
      if (slices.elapsedMs <= APPLY_MS_MAX) continue;
      return failure("error processing agent-info chunks in process pool: timeout");
    }
  } catch (error) {
    if (!(error instanceof CodedError)) throw error;
    return failure(`error processing agent-info chunks in process pool: ${error.message}`);
  }
  return { updatedChunks: chunks + reader.lists, errors: refused.errors };
}

function failure(text: string): ApplyFailure {
  return { code: "string_not_applied", text };
}
