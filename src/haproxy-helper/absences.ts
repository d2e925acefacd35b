/** Since when nodes that have a server are missing from the cluster, as far as this task has seen it. */
const MILLISECONDS = 1000;

export class Absences {
  /** Monotonic; null for a node that is there. Servers whose node was never there are not in it. */
  #missingSinceMs: ReadonlyMap<string, number | null> = new Map();

  /** These are the nodes and the servers now. */
  look(nodes: Iterable<string>, servers: Iterable<string>, nowMs: number): void {
    const known = [...servers].filter((name) => this.#missingSinceMs.has(name));
    const missing = known.map((name) => [name, this.#missingSinceMs.get(name) ?? nowMs] as const);
    const there = [...nodes].map((name) => [name, null] as const);
    this.#missingSinceMs = new Map<string, number | null>([...missing, ...there]);
  }

  /** Nobody knows of a node that was never there: it has always been missing. */
  secondsOf(name: string, nowMs: number): number {
    const sinceMs = this.#missingSinceMs.get(name);
    if (sinceMs === undefined) return Number.POSITIVE_INFINITY;
    return sinceMs === null ? 0 : (nowMs - sinceMs) / MILLISECONDS;
  }
}
