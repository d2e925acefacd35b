/** Goal: a change of any file is told once, when it is over. Method: files in memory that change between two looks. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { RulesetSources } from "#analysis/ruleset/sources.ts";
import { CodedError } from "#kernel/errors.ts";
import { FakeClock } from "#testing/clock.ts";
import { FakeFiles } from "#testing/files.ts";
import { RulesetWatch } from "./ruleset-watch.ts";

const PERIOD_SECONDS = 5;
const file = (path: string) => ({ name: path, path });

const SOURCES = { decoders: [file("/d.xml")], rules: [file("/r.xml")], lists: [file("/list")] };

class WatchFixture {
  readonly files = new FakeFiles();
  readonly clock = new FakeClock();
  readonly watch: RulesetWatch;
  sources: () => RulesetSources | null = () => SOURCES;
  told = 0;

  constructor() {
    for (const path of ["/d.xml", "/r.xml", "/list"]) this.files.write(path, "old");
    this.watch = new RulesetWatch(
      {
        files: this.files,
        clock: this.clock,
        sources: () => this.sources(),
        changed: () => {
          this.told++;
        },
      },
      PERIOD_SECONDS,
      SOURCES,
    );
  }

  /** What was told after so many looks. */
  after(looks: number): number {
    this.clock.advance(looks * PERIOD_SECONDS * 1000);
    return this.told;
  }
}

test("RulesetWatch tells of a change of a rule, a decoder or a list when it is over", () => {
  for (const path of ["/d.xml", "/r.xml", "/list"]) {
    const fixture = new WatchFixture();
    assert.equal(fixture.after(3), 0);
    fixture.files.write(path, "new text");
    assert.equal(fixture.after(1), 0, "it may still be written");
    fixture.files.write(path, "new text, more of it");
    assert.equal(fixture.after(1), 0);
    assert.equal(fixture.after(1), 1);
    assert.equal(fixture.after(5), 1);
  }
});

test("RulesetWatch sees files that come and go", () => {
  const fixture = new WatchFixture();
  fixture.files.remove("/list");
  assert.equal(fixture.after(2), 1);
  fixture.sources = () => ({ decoders: [], rules: [file("/r.xml"), file("/more.xml")], lists: [] });
  assert.equal(fixture.after(2), 2);
});

test("RulesetWatch says nothing while the configuration cannot be read, nor when it is as before afterwards", () => {
  const fixture = new WatchFixture();
  const { sources } = fixture;
  fixture.sources = () => null;
  assert.equal(fixture.after(3), 0);
  fixture.sources = () => {
    throw new CodedError("file_not_found", "gone");
  };
  assert.equal(fixture.after(3), 0);
  fixture.sources = sources;
  assert.equal(fixture.after(3), 0);
  fixture.watch.stop();
  fixture.files.write("/r.xml", "new text");
  assert.equal(fixture.after(3), 0, "stopped");
});
