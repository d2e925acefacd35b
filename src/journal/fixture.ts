/** For the journal's tests only: one journal on files in memory, with the sync loop's step called by hand. */
import type { Files } from "#kernel/ports/files.ts";
import type { Random } from "#kernel/ports/random.ts";
import { forEachEvent } from "#model/event-block.ts";
import { FakeClock } from "#testing/clock.ts";
import { RecordingLog, RecordingMetrics } from "#testing/log.ts";
import { EventJournal } from "./event-journal.ts";
import { JournalEvents } from "./events.ts";
import { JournalReader } from "./journal-reader.ts";
import { DEFAULT_LIMITS, type JournalLimits, JournalWriter } from "./journal-writer.ts";
import { SharedProgress } from "./shared-progress.ts";
import { SegmentSync } from "./sync-loop.ts";

export const DIRECTORY = "/var/queue/journal";

const constantRandom: Random = { bytes: (count) => Buffer.alloc(count, 0x5a), below: () => 0 };

/** What runs after a promise was resolved has run when this resolves. */
export function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

export class JournalFixture {
  readonly files: Files;
  readonly clock = new FakeClock();
  readonly log = new RecordingLog();
  readonly metrics = new RecordingMetrics();
  readonly progress = new SharedProgress();
  readonly events: JournalEvents;
  readonly writer: JournalWriter;
  readonly journal: EventJournal;
  readonly #sync: SegmentSync;

  /** Opens the journal that is on these files. */
  constructor(files: Files, limits: Partial<JournalLimits> = {}) {
    this.files = files;
    this.events = new JournalEvents(this);
    const needs = { ...this.shared(), random: constantRandom };
    this.writer = new JournalWriter(needs, { ...DEFAULT_LIMITS, ...limits });
    this.journal = new EventJournal({ ...this.shared(), writer: this.writer });
    this.#sync = new SegmentSync(files, DIRECTORY, this.progress);
  }

  append(message: string): boolean {
    const receivedMs = this.clock.wallMs();
    const source = { queue: "1", agentId: "001", locationPrefix: "(a) any->", location: "/x" };
    return this.journal.append({ ...source, receivedMs, message });
  }

  async sync(): Promise<void> {
    this.#sync.syncOnce();
    await settled();
  }

  reader(position = 0): JournalReader {
    return new JournalReader(this.shared(), position);
  }

  /** The messages of all events from `position` on. */
  messages(position = 0): string[] {
    return messagesOf(this.reader(position));
  }

  private shared() {
    const { files, clock, events, progress } = this;
    return { files, clock, events, progress, directory: DIRECTORY };
  }
}

/** What is there to read now; control records show as `control:<text>`. */
export function messagesOf(reader: JournalReader): string[] {
  const messages: string[] = [];
  for (let part = reader.next(); part !== null; part = reader.next()) {
    forEachEvent(part.block, {
      event: (event) => messages.push(event.message),
      control: (record) => messages.push(`control:${record.text}`),
    });
  }
  return messages;
}
