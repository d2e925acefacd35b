/** Everything remote upgrades say and count. */
import type { Log } from "#kernel/ports/log.ts";
import type { Metrics } from "#kernel/ports/metrics.ts";
import { UPGRADE_ERRORS } from "./errors.ts";
import type { Campaign, UpgradeTask } from "./tasks.ts";

export class UpgradeEvents {
  readonly #log: Log;
  readonly #metrics: Metrics;

  constructor({ log, metrics }: { readonly log: Log; readonly metrics: Metrics }) {
    this.#log = log;
    this.#metrics = metrics;
  }

  began({ number, package: { name, sha1 }, version }: Campaign, tasks: number): void {
    this.#metrics.add("upgrade_campaigns");
    const to = version === null ? "" : ` to ${version}`;
    this.#log.write(
      "info",
      `Upgrade ${number} of ${tasks} agents${to} begins with '${name}' (SHA-1 ${sha1}).`,
    );
  }

  fetched(name: string, repository: string): void {
    this.#metrics.add("upgrade_packages_fetched");
    this.#log.write("info", `Package '${name}' of ${repository} is there.`);
  }

  notFetched(name: string, reason: string): void {
    this.#metrics.add("upgrade_packages_not_fetched");
    this.#log.write("error", `Package '${name}' cannot be had: ${reason}`);
  }

  resumed(number: number, tasksLeft: number): void {
    this.#log.write("info", `Upgrade ${number} goes on with ${tasksLeft} agents.`);
  }

  stopped(number: number, reason: string): void {
    this.#metrics.add("upgrade_campaigns_stopped");
    this.#log.write("warning", `Upgrade ${number} is stopped: ${reason}.`);
  }

  ended(number: number, updated: number, failed: number): void {
    this.#log.write("info", `Upgrade ${number} has ended: ${updated} agents updated, ${failed} failed.`);
  }

  changed({ agentId, state, error, detail, campaign }: UpgradeTask): void {
    this.#metrics.add(`upgrade_tasks_${state}`);
    if (error !== null) {
      const [number, text] = UPGRADE_ERRORS[error];
      const more = detail === "" ? "" : `: ${detail}`;
      this.#log.write(
        "warning",
        `Upgrade ${campaign} of agent '${agentId}' failed (${number}): ${text}${more}`,
      );
    } else if (state === "updated") {
      this.#log.write("info", `Upgrade ${campaign}: agent '${agentId}' is updated.`);
    } else this.#log.write("debug", `Upgrade ${campaign} of agent '${agentId}': ${state}.`);
  }

  notSaved(): void {
    this.#metrics.add("upgrade_tasks_unsaved");
    this.#log.write("error", "A change of an upgrade could not be written; a restart would not know it.");
  }

  packageKept(reason: string): void {
    this.#log.write("warning", `A package that nobody needs any more could not be removed: ${reason}`);
  }

  damaged(lines: number): void {
    this.#log.write("warning", `${lines} damaged lines in the file of upgrades are left out.`);
  }
}
