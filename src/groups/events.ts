/** Everything the groups say and count. Texts that the peer has are the peer's. */
import { formatProblem, type Problem } from "#formats/source-position.ts";
import type { Log } from "#kernel/ports/log.ts";
import type { Metrics } from "#kernel/ports/metrics.ts";

export type GroupCounter =
  | "group_files_built"
  | "group_files_refused"
  | "group_downloads"
  | "group_downloads_failed"
  | "group_assignments"
  | "group_placements"
  | "group_pushes_asked"
  | "group_pushes_done"
  | "group_pushes_failed";

/** Of one agent.conf; the rest is in `cyb3rhq groups check`. */
const PROBLEM_LINES_MAX = 10;

export class GroupEvents {
  readonly #log: Log;
  readonly #metrics: Metrics;

  constructor(log: Log, metrics: Metrics) {
    this.#log = log;
    this.#metrics = metrics;
  }

  count(counter: GroupCounter): void {
    this.#metrics.add(counter);
  }

  gauges(groups: number, multigroups: number): void {
    this.#metrics.set("groups", groups);
    this.#metrics.set("multigroups", multigroups);
  }

  built(name: string, sum: string, bytes: number): void {
    this.count("group_files_built");
    this.#log.write("info", `Shared files of '${name}' changed: merged.mg has ${bytes} bytes, sum ${sum}`);
  }

  /** A file of a shared folder is left out, or is odd. */
  file(text: string): void {
    this.#log.write("warning", text);
  }

  /** `name` is `<group>/<file>`. */
  downloaded(name: string): void {
    this.count("group_downloads");
    this.#log.write("info", `Shared file '${name}' was downloaded`);
  }

  downloadFailed(text: string): void {
    this.count("group_downloads_failed");
    this.#log.write("warning", text);
  }

  configRefused(name: string, problems: readonly Problem[]): void {
    this.count("group_files_refused");
    const lines = problems.slice(0, PROBLEM_LINES_MAX).map(formatProblem);
    for (const line of lines) this.#log.write("error", line);
    this.#log.write(
      "error",
      `agent.conf of group '${name}' has errors: its agents keep what they have; see 'cyb3rhq groups check ${name}'`,
    );
  }

  unreadable(name: string, reason: string): void {
    this.#log.write("error", `Unable to make merged.mg of '${name}': ${reason}`);
  }

  tooMany(what: string, limit: number): void {
    this.#log.write("warning", `More than ${limit} ${what}: the others are left out`);
  }

  assigned(agentId: string, list: string): void {
    this.count("group_assignments");
    this.#log.write("debug", `Group assigned: '${list}' to agent '${agentId}'`);
  }

  placed(agentId: string, list: string): void {
    this.count("group_placements");
    this.#log.write("info", `Agent '${agentId}' is in '${list}' now, as etc/shared/files.yml says`);
  }

  /** The agent is connected and takes nothing. */
  stalled(agentId: string): void {
    const text = `(1246): Unable to send file 'merged.mg' to agent ID '${agentId}'.`;
    this.#log.write("warning", text);
  }
}
