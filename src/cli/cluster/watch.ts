/**
 * `cyb3rhq cluster watch`: how many agents each node has had, as lines for a terminal. Pure: who looks at the cluster, and when, is not
 * decided here. Names come from other hosts, so nothing of them reaches the terminal as a command.
 */

/** One look at the cluster. */
export type ClusterSnapshot = {
  /** Milliseconds since the epoch. */
  readonly time: number;
  /** Active agents of each node that was connected. */
  readonly agents: ReadonlyMap<string, number>;
};

export type WatchSpace = {
  readonly columns: number;
  readonly rows: number;
  /** `blocks` for terminals that show UTF-8, `ascii` for all others. */
  readonly marks: "blocks" | "ascii";
};

/** From few agents to many; the first is for none at all. */
const MARKS = { blocks: " ▁▂▃▄▅▆▇█", ascii: " .:-=+*#@" } as const;
/** A node that was not connected then. */
const ABSENT = { blocks: "·", ascii: "_" } as const;
const NAME_CHARS_MAX = 24;
const NAME_CHARS_MIN = 4;
const GRAPH_COLUMNS_MIN = 10;
/** ` 123456 +12345 100% ` between a name and its graph. */
const NUMBER_COLUMNS = 8;
const CHANGE_COLUMNS = 8;
const SHARE_COLUMNS = 5;
const FIXED_COLUMNS = NUMBER_COLUMNS + CHANGE_COLUMNS + SHARE_COLUMNS + 1;
/** Above the nodes, and the line that says how many were left out. */
const OTHER_ROWS = 3;

/** The newest snapshot is last in `series` and at the right of each graph; a column is one snapshot. Texts, not bytes. */
export function renderWatch(series: readonly ClusterSnapshot[], space: WatchSpace): readonly string[] {
  // What is older than the widest graph is not looked at.
  const recent = series.slice(-space.columns);
  const last = recent.at(-1);
  if (last === undefined) return ["No look at the cluster yet"];
  const names = nodeNames(recent);
  const widest = names.reduce((width, name) => Math.max(width, name.length), NAME_CHARS_MIN);
  const nameColumns = Math.min(widest, NAME_CHARS_MAX);
  const visible = recent.slice(-Math.max(space.columns - nameColumns - FIXED_COLUMNS, GRAPH_COLUMNS_MIN));
  const first = visible[0] ?? last;

  const rows = Math.max(space.rows - OTHER_ROWS, 1);
  const lines = nodeLines(visible, {
    first,
    last,
    names: names.slice(0, rows),
    nameColumns,
    marks: space.marks,
  });
  const heads = [
    "node".padEnd(nameColumns),
    "agents".padStart(NUMBER_COLUMNS),
    "change".padStart(CHANGE_COLUMNS),
    "share".padStart(SHARE_COLUMNS + 1),
  ];
  const left = names.length > rows ? [`and ${names.length - rows} more nodes`] : [];
  return [summary(first, last), heads.join(""), ...lines, ...left].map((line) =>
    line.slice(0, space.columns),
  );
}

type NodeLines = {
  readonly first: ClusterSnapshot;
  readonly last: ClusterSnapshot;
  readonly names: readonly string[];
  readonly nameColumns: number;
  readonly marks: WatchSpace["marks"];
};

function nodeLines(visible: readonly ClusterSnapshot[], parts: NodeLines): readonly string[] {
  const { first, last, names, nameColumns, marks } = parts;
  const most = visible.flatMap(({ agents }) => [...agents.values()]).reduce((a, b) => Math.max(a, b), 0);
  const total = totalOf(last);
  return names.map((name) => {
    const count = last.agents.get(name);
    const numbers = [
      (count === undefined ? "gone" : String(count)).padStart(NUMBER_COLUMNS),
      changeText(count ?? 0, first.agents.get(name) ?? 0).padStart(CHANGE_COLUMNS),
      shareText(count ?? 0, total).padStart(SHARE_COLUMNS),
    ].join("");
    const graph = visible.map(({ agents }) => mark(agents.get(name), most, marks)).join("");
    return `${fitted(name, nameColumns)}${numbers} ${graph}`.trimEnd();
  });
}

/** Every node of the series, in the order of their names, so that no line jumps when a node goes. */
function nodeNames(series: readonly ClusterSnapshot[]): readonly string[] {
  return [...new Set(series.flatMap(({ agents }) => [...agents.keys()]))].toSorted((a, b) =>
    a < b ? -1 : 1,
  );
}

function totalOf({ agents }: ClusterSnapshot): number {
  return [...agents.values()].reduce((sum, count) => sum + count, 0);
}

function summary(first: ClusterSnapshot, last: ClusterSnapshot): string {
  const total = totalOf(last);
  const seconds = Math.max(0, Math.round((last.time - first.time) / 1000));
  const nodes = last.agents.size;
  const mean = nodes === 0 ? 0 : Math.floor(total / nodes);
  return `${total} agents on ${nodes} nodes, ${mean} on average; ${seconds} s shown`;
}

function changeText(count: number, before: number): string {
  if (count === before) return "=";
  return count > before ? `+${count - before}` : String(count - before);
}

function shareText(count: number, total: number): string {
  return total === 0 ? "-" : `${Math.round((count * 100) / total)}%`;
}

/** The highest mark is the largest count of all nodes, so that graphs compare with each other; one agent is always seen. */
function mark(count: number | undefined, most: number, marks: WatchSpace["marks"]): string {
  if (count === undefined) return ABSENT[marks];
  const scale = MARKS[marks];
  const highest = scale.length - 1;
  const level = most === 0 ? 0 : Math.ceil((count * highest) / most);
  return scale[Math.min(level, highest)] ?? " ";
}

/** Printable ASCII; anything else would be a command, or wider than it is long. */
function fitted(name: string, columns: number): string {
  const text = name.replace(/[^ -~]/g, "?");
  return text.length > columns ? `${text.slice(0, columns - 1)}~` : text.padEnd(columns);
}
