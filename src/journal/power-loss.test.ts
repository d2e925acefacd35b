/**
 * Goal: what `whenDurable()` confirmed survives a loss of power at any moment, and no position is used twice. Method: random
 * schedules of appends, flushes, syncs, releases and full disks run on files that stop at their n-th change, for every n; then
 * power is lost (of what was not synced a random part survives), the journal is opened again and read.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Files, OpenFile } from "#kernel/ports/files.ts";
import { forEachEvent } from "#model/event-block.ts";
import { FakeFiles } from "#testing/files.ts";
import { SeededRandom } from "#testing/random.ts";
import { DIRECTORY, JournalFixture } from "./fixture.ts";

const LIMITS = { segmentBytes: 400, freeBytesMin: 0 };
const STEPS = 40;

class PowerLost extends Error {}

/** Passes on to `files` until `changes` were made; from there on everything fails as if the machine were off. */
class FailingFiles extends FakeFiles {
  changesLeft = Number.POSITIVE_INFINITY;

  override open(...parameters: Parameters<Files["open"]>): OpenFile {
    if (parameters[1] === "create") this.#change();
    const file = super.open(...parameters);
    return {
      ...file,
      write: (bytes, position) => {
        this.#change();
        file.write(bytes, position);
      },
      truncate: (bytes) => {
        this.#change();
        file.truncate(bytes);
      },
      sync: () => {
        this.#change();
        file.sync();
      },
    };
  }

  override remove(path: string): void {
    this.#change();
    super.remove(path);
  }

  override replace(...parameters: Parameters<Files["replace"]>): void {
    this.#change();
    super.replace(...parameters);
  }

  #change(): void {
    if (this.changesLeft <= 0) throw new PowerLost();
    this.changesLeft--;
  }
}

type History = {
  readonly sent: string[];
  readonly confirmed: Set<string>;
  readonly released: Set<string>;
  highestPosition: number;
};

/** One run of the program: reads what is there, then follows its random schedule until the power goes. */
async function live(files: FailingFiles, random: SeededRandom, history: History): Promise<void> {
  const fixture = new JournalFixture(files, LIMITS);
  const reader = fixture.reader();
  for (let step = 0; step < STEPS; step++) {
    const message = `${history.sent.length} ${"p".repeat(random.below(200))}`;
    switch (random.below(7)) {
      case 0:
      case 1:
      case 2:
        history.sent.push(message);
        fixture.append(message);
        if (random.below(2) === 0) fixture.journal.whenDurable(() => history.confirmed.add(message));
        break;
      case 3:
        fixture.journal.flush();
        break;
      case 4:
        await fixture.sync();
        break;
      case 5:
        files.freeSpace = random.below(2) === 0 ? random.below(300) : Number.POSITIVE_INFINITY;
        fixture.clock.advance(200);
        break;
      default: {
        const part = reader.next();
        if (part === null) break;
        forEachEvent(part.block, {
          event: (event) => {
            history.highestPosition = Math.max(history.highestPosition, event.position);
            history.released.add(event.message);
          },
          control: () => {},
        });
        fixture.journal.discardBefore(part.nextPosition);
      }
    }
  }
}

function checkSurvivors(files: FakeFiles, history: History, where: string): void {
  const fixture = new JournalFixture(files, LIMITS);
  assert.ok(fixture.writer.position > history.highestPosition, `${where}: a position is used twice`);
  const survivors = fixture.messages();
  for (const message of history.confirmed) {
    const kept = survivors.includes(message) || history.released.has(message);
    assert.ok(kept, `${where}: event ${message.split(" ", 1)} was confirmed and is lost`);
  }
  const numbers = survivors.map((message) => Number.parseInt(message, 10));
  assert.deepEqual(
    numbers,
    numbers.toSorted((a, b) => a - b),
    `${where}: order`,
  );
  assert.equal(new Set(survivors).size, survivors.length, `${where}: an event is there twice`);
  for (const message of survivors) assert.ok(history.sent.includes(message), `${where}: ${message}`);
}

test("What was confirmed as durable survives a loss of power at every change of the files", async () => {
  let confirmedInAll = 0;
  for (let seed = 0; seed < 8; seed++) {
    for (let changes = 0; ; changes++) {
      const files = new FailingFiles();
      const history: History = {
        sent: [],
        confirmed: new Set(),
        released: new Set(),
        highestPosition: -1,
      };
      files.makeDirectory(DIRECTORY);
      await live(files, new SeededRandom(seed), history); // a first run, which ends as a killed process does
      files.changesLeft = changes;
      const random = new SeededRandom(seed + 1000);
      const ended = await live(files, random, history).then(
        () => true,
        (error: unknown) => {
          if (!(error instanceof PowerLost)) throw error;
          return false;
        },
      );
      files.changesLeft = Number.POSITIVE_INFINITY;
      files.freeSpace = Number.POSITIVE_INFINITY;
      files.losePower((unsynced) => random.below(unsynced + 1));
      checkSurvivors(files, history, `seed ${seed}, change ${changes}`);
      confirmedInAll += history.confirmed.size;
      if (ended) break;
    }
  }
  assert.ok(confirmedInAll > 1000, `only ${confirmedInAll} confirmations`);
});
