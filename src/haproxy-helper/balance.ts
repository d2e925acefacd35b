/** Whether agents are spread evenly over servers, and how many each server has too many. Pure. */

export type Connections = ReadonlyMap<string, number>;

/**
 * How many agents each server has above the average; empty when the spread is within the tolerance, or cannot be better
 * because the agents do not divide evenly.
 */
export function exceedingAgents(connections: Connections, tolerance: number): ReadonlyMap<string, number> {
  const counts = [...connections.values()];
  if (counts.length === 0) return new Map();
  const total = counts.reduce((sum, count) => sum + count, 0);
  const mean = Math.floor(total / counts.length);
  const most = counts.reduce((a, b) => Math.max(a, b));
  const least = counts.reduce((a, b) => Math.min(a, b));
  const withinTolerance = most <= mean * (1 + tolerance) && least >= mean * (1 - tolerance);
  const indivisible = most - least <= 1 && total % counts.length !== 0;
  if (withinTolerance || indivisible) return new Map();
  return new Map(
    [...connections].map(([name, count]) => [name, count - mean] as const).filter(([, over]) => over > 0),
  );
}

/**
 * How long old processes of HAProxy may live on: all agents have been told to connect anew by then, and each node's servers
 * were drained and taken back.
 */
export function hardStopSeconds(cluster: {
  readonly activeAgents: number;
  readonly nodes: number;
  readonly chunkSize: number;
  readonly chunkSeconds: number;
  readonly serverStateSeconds: number;
}): number {
  const nodes = Math.max(cluster.nodes, 1);
  // The order of the operations is the peer's, so that the last bit of the number is too.
  const reconnecting = (cluster.activeAgents / (nodes * cluster.chunkSize)) * nodes * cluster.chunkSeconds;
  return reconnecting + nodes * cluster.serverStateSeconds * 2;
}
