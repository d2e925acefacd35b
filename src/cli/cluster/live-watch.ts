/** `cyb3rhq cluster watch`: looks at the cluster again and again, and draws the terminal anew. */
import { isObject, memberOf } from "#formats/wire/cluster/json-value.ts";
import { utf8Bytes } from "../bytes.ts";
import { type Environment, EXIT_FAILURE, EXIT_OK } from "../environment.ts";
import { askNode } from "./control.ts";
import { type ClusterSnapshot, renderWatch, type WatchSpace } from "./watch.ts";

export type LiveWatchOptions = {
  readonly home?: string;
  readonly seconds: number;
  /** How many looks; null for ever. */
  readonly looks: number | null;
};

/** More than the widest terminal shows. */
const SNAPSHOTS_MAX = 1000;
const TO_TOP = "\x1b[H\x1b[2J";
/** Of what is no terminal. */
const PLAIN_SPACE = { columns: 100, rows: 40 } as const;

export async function watchCluster(environment: Environment, options: LiveWatchOptions): Promise<number> {
  const { stdout } = environment;
  const series: ClusterSnapshot[] = [];
  for (let look = 0; options.looks === null || look < options.looks; look++) {
    if (look > 0) await pause(environment, options.seconds);
    if (stdout.closed) return EXIT_OK;
    const told = await askNode(environment, options.home, { command: "get_health", parameters: null });
    if (!told.ok) {
      stdout.write(utf8Bytes(`ERROR: ${told.text}\n`));
      // A worker that has lost its master for a while finds it again.
      if (!told.isRunning) return EXIT_FAILURE;
      continue;
    }
    series.push({ time: environment.clock.wallMs(), agents: activeAgents(memberOf(told.value, "nodes")) });
    if (series.length > SNAPSHOTS_MAX) series.shift();
    const drawn = `${renderWatch(series, spaceOf(environment)).join("\n")}\n`;
    stdout.write(utf8Bytes(stdout.isTerminal ? TO_TOP + drawn : drawn));
  }
  return EXIT_OK;
}

function activeAgents(nodes: unknown): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  if (typeof nodes !== "object" || nodes === null) return counts;
  for (const [name, node] of Object.entries(nodes)) {
    const info = isObject(node) ? memberOf(node, "info") : undefined;
    const count = isObject(info) ? memberOf(info, "n_active_agents") : undefined;
    if (typeof count === "number") counts.set(name, count);
  }
  return counts;
}

function spaceOf({ stdout, variables }: Environment): WatchSpace {
  const { columns, rows } = stdout.isTerminal ? process.stdout : PLAIN_SPACE;
  const language = variables["LC_ALL"] ?? variables["LC_CTYPE"] ?? variables["LANG"] ?? "";
  return { columns, rows, marks: /utf-?8/i.test(language) ? "blocks" : "ascii" };
}

function pause({ clock }: Environment, seconds: number): Promise<void> {
  return new Promise((resolve) => {
    clock.after(seconds * 1000, resolve);
  });
}
