/** The groups thread: reads and hashes shared files, which takes a second for large groups. */
import { workerData } from "node:worker_threads";
import type { PlacedAgent } from "#groups/download-list.ts";
import { GroupEvents } from "#groups/events.ts";
import { MergedFiles } from "#groups/merged-files.ts";
import { SharedDownloads } from "#groups/shared-downloads.ts";
import { SystemClock } from "#kernel/platform/clock.ts";
import { systemFiles } from "#kernel/platform/files.ts";
import { systemHttpClient } from "#kernel/platform/http-client.ts";
import type { Timer } from "#kernel/ports/clock.ts";
import { giveBackMemory } from "./give-back-memory.ts";
import { ThreadLink } from "./thread-link.ts";
import type { FromGroups, ToGroups } from "./thread-messages.ts";

export type GroupsThreadData = {
  readonly home: string;
  /** `remoted.shared_reload`. */
  readonly lookSeconds: number;
  /** `remoted.merge_shared`. */
  readonly merges: boolean;
  /** `wazuh_download.enabled`. */
  readonly downloads: boolean;
  /** Agents are put into the groups that the list names. */
  readonly places: boolean;
  /** Those that agents have. */
  readonly lists: readonly string[];
};

/** New lists come many at a time when agents are put into groups. */
const WANTED_LOOK_DELAY_MS = 100;

const data: GroupsThreadData = workerData;
const link = new ThreadLink<FromGroups>();

function serve(): void {
  const events = new GroupEvents(link.log("cyb3rhq-remoted"), link.counters);
  const clock = new SystemClock();
  const { home, merges } = data;
  const placed = (agents: readonly PlacedAgent[]) => {
    if (data.places) link.send({ kind: "placed", agents });
  };
  const world = { http: systemHttpClient, files: systemFiles, clock };
  const downloads = new SharedDownloads({ ...world, events, home, placed });
  const makes = (list: string) => merges && !downloads.bringsMerged(list);
  const merged = new MergedFiles({ files: systemFiles, events, home, makes });
  const look = () => {
    const changes = merged.look();
    if (changes.length > 0) link.send({ kind: "sums", changes });
  };
  for (const list of data.lists) merged.want(list);
  merged.removeOthers();
  const download = () => {
    if (data.downloads) downloads.look().catch((error: unknown) => link.failed(error));
  };
  // It reads the list of groups before their files are looked at.
  download();
  look();
  const timer = clock.every(data.lookSeconds * 1000, () => {
    download();
    look();
  });
  let soon: Timer | null = null;
  link.onMessage((message: ToGroups) => {
    switch (message.kind) {
      case "want":
        merged.want(message.list);
        soon ??= clock.after(WANTED_LOOK_DELAY_MS, () => {
          soon = null;
          look();
        });
        return;
      case "load":
        link.send({ kind: "loaded", sum: message.sum, bytes: merged.load(message.list, message.sum) });
        return;
      default:
        timer.cancel();
        soon?.cancel();
        link.stopped();
    }
  });
  giveBackMemory();
  link.ready("");
}

try {
  serve();
} catch (error) {
  link.failed(error);
}
