/** Every target by its name. They are loaded when they are asked for: the table is read by tools too. */
import type { Target } from "./target.ts";

const LOADERS = {
  rules: async () => (await import("./targets/rulesets.ts")).rulesTarget,
  decoders: async () => (await import("./targets/rulesets.ts")).decodersTarget,
  lists: async () => (await import("./targets/lists.ts")).listsTarget,
  events: async () => (await import("./targets/events.ts")).eventsTarget,
  special: async () => (await import("./targets/special.ts")).specialTarget,
  config: async () => (await import("./targets/config.ts")).configTarget,
  patterns: async () => (await import("./targets/patterns.ts")).patternsTarget,
  "queue-messages": async () => (await import("./targets/queue-messages.ts")).queueMessagesTarget,
  snapshots: async () => (await import("./targets/snapshots.ts")).snapshotsTarget,
  mitre: async () => (await import("./targets/mitre.ts")).mitreTarget,
  "agent-wire": async () => (await import("./targets/agent-wire.ts")).agentWireTarget,
  enrollment: async () => (await import("./targets/enrollment.ts")).enrollmentTarget,
  syslog: async () => (await import("./targets/syslog.ts")).syslogTarget,
  "proxy-headers": async () => (await import("./targets/proxy-headers.ts")).proxyHeadersTarget,
  wpk: async () => (await import("./targets/wpk.ts")).wpkTarget,
  "agent-answers": async () => (await import("./targets/agent-answers.ts")).agentAnswersTarget,
  "enrollment-answers": async () => (await import("./targets/enrollment-answers.ts")).enrollmentAnswersTarget,
  "cluster-frames": async () => (await import("./targets/cluster-frames.ts")).clusterFramesTarget,
  "cluster-payloads": async () => (await import("./targets/cluster-payloads.ts")).clusterPayloadsTarget,
  "cluster-archives": async () => (await import("./targets/cluster-archives.ts")).clusterArchivesTarget,
} as const satisfies Readonly<Record<string, () => Promise<Target>>>;

export type TargetName = keyof typeof LOADERS;

const NAMES: readonly string[] = Object.keys(LOADERS);

export const TARGET_NAMES: readonly TargetName[] = NAMES.filter(isTargetName);

export function isTargetName(name: string): name is TargetName {
  return NAMES.includes(name);
}

export function loadTarget(name: TargetName): Promise<Target> {
  return LOADERS[name]();
}

const ENGINE_TARGETS: readonly TargetName[] = ["rules", "decoders", "lists", "events", "special"];

/** What `npm test` fuzzes at a time: each family has the same time, its targets share it. */
export const FAMILIES: readonly (readonly TargetName[])[] = [
  ...ENGINE_TARGETS.map((name) => [name]),
  // What has no engine behind it is quick: some seconds a target are thousands of inputs.
  TARGET_NAMES.filter((name) => !ENGINE_TARGETS.includes(name)),
];
