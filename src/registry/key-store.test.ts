/**
 * Goal: an answered key is never lost, an id is never given out twice, and the file of others counts.
 * Method: a file system in memory that loses power and fills up, a clock that the test moves; the expected file texts are written by
 * hand from the format.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { KeyEntry } from "#formats/client-keys/client-keys.ts";
import {
  type AgentAddress,
  ANY_ADDRESS,
  agentIdOf,
  parseAgentAddress,
  parseAgentKey,
  parseAgentName,
} from "#model/agent.ts";
import { FakeClock } from "#testing/clock.ts";
import { FakeFiles } from "#testing/files.ts";
import { RecordingLog, RecordingMetrics } from "#testing/log.ts";
import { SeededRandom } from "#testing/random.ts";
import { type KeyChange, KeyStore, type NewKey } from "./key-store.ts";

const PATHS = { keys: "/etc/client.keys", highestId: "/queue/highest-agent-id" };

class Bench {
  readonly files: FakeFiles;
  readonly clock = new FakeClock();
  readonly log = new RecordingLog();
  readonly metrics = new RecordingMetrics();
  readonly heard: string[] = [];
  readonly store: KeyStore;

  constructor(files = new FakeFiles()) {
    this.files = files;
    this.store = new KeyStore({ ...this, paths: PATHS });
    this.store.onChange((changes) => this.heard.push(...changes.map(textOf)));
  }

  static with(text: string): Bench {
    const files = new FakeFiles();
    files.write(PATHS.keys, text);
    const bench = new Bench(files);
    bench.store.start();
    return bench;
  }

  edit(text: string): void {
    this.files.nowMs = this.clock.wallMs();
    this.files.write(PATHS.keys, text);
  }

  get text(): string {
    return this.files.text(PATHS.keys);
  }

  /** The machine stops without a word and starts again. */
  afterPowerLoss(): Bench {
    this.files.losePower();
    const next = new Bench(this.files);
    next.store.start();
    return next;
  }
}

function textOf({ kind, origin, entry }: KeyChange): string {
  return `${kind} ${entry.id} ${entry.name} by ${origin}`;
}

function newKey(name: string, address: AgentAddress = ANY_ADDRESS, id: number | null = null): NewKey {
  const parsedName = parseAgentName(name);
  const key = parseAgentKey(`key-of-${name}`);
  assert(parsedName !== null && key !== null);
  return { id: id === null ? null : agentIdOf(id), name: parsedName, address, key };
}

function single(text: string): AgentAddress {
  const address = parseAgentAddress(text);
  assert(address !== null);
  return address;
}

/** The promise's outcome after the next flush. */
async function flushed(bench: Bench, added: Promise<KeyEntry>): Promise<KeyEntry> {
  bench.clock.advance(0);
  return await added;
}

test("KeyStore.add() writes the peer's lines and counts ids up from the highest ever seen", async () => {
  const bench = Bench.with("001 one any k1\n009 !gone any k9\n");
  const entry = await flushed(bench, bench.store.add(newKey("two", single("10.0.0.0/8"))));
  assert.equal(entry.id, "010");
  assert.equal(bench.text, "001 one any k1\n009 !gone any k9\n010 two 10.0.0.0/8 key-of-two\n");
  assert.equal(bench.store.byName(entry.name), entry);
  assert.equal(bench.store.byAddress(single("10.0.0.0/8")), entry);
  assert.equal(bench.store.byId(agentIdOf(9)), null);
  assert.equal(bench.store.byAddress(ANY_ADDRESS), null, "nobody is found by any");
});

test("KeyStore.add() makes the file of a new manager, and ends a line that an editor left open", async () => {
  const fresh = new Bench();
  fresh.store.start();
  await flushed(fresh, fresh.store.add(newKey("one")));
  assert.equal(fresh.text, "001 one any key-of-one\n");

  const open = Bench.with("001 one any k1");
  await flushed(open, open.store.add(newKey("two")));
  assert.equal(open.text, "001 one any k1\n002 two any key-of-two\n");
});

test("KeyStore.add() shares one sync and tells the listeners before it resolves", async () => {
  const bench = Bench.with("");
  const added = Array.from({ length: 100 }, (_, index) => bench.store.add(newKey(`agent-${index}`)));
  const order: string[] = [];
  void added[0]?.then(() => order.push(`resolved after ${bench.heard.length} were told`));
  assert.deepEqual(bench.heard, []);
  bench.clock.advance(0);
  const ids = (await Promise.all(added)).map(({ id }) => id);
  assert.equal(new Set(ids).size, 100);
  assert.equal(bench.metrics.get("key_file_syncs"), 1);
  assert.equal(bench.metrics.get("agent_keys"), 100);
  assert.deepEqual(order, ["resolved after 100 were told"]);
  assert.equal(bench.heard[99], "added 100 agent-99 by own");
});

test("KeyStore loses no answered key when the power fails, and gives no answered id out again", async () => {
  const random = new SeededRandom(1515);
  const answered = new Map<string, string>();
  let bench = Bench.with("");
  let names = 0;
  for (let round = 0; round < 60; round++) {
    const adding: Promise<KeyEntry>[] = [];
    for (let count = random.below(4); count > 0; count--)
      adding.push(bench.store.add(newKey(`name-${names++}`)));
    const live = [...bench.store.entries()].filter(({ id }) => answered.get(id) === "live");
    const removing = live.length > 0 && random.below(3) === 0 ? random.pick(live).id : null;
    const removed = removing && bench.store.remove([removing], { purge: random.below(2) === 0 });
    const crashBefore = random.below(3) === 0;
    if (!crashBefore) {
      bench.clock.advance(0);
      for (const { id } of await Promise.all(adding)) {
        assert(!answered.has(id), `round ${round}: id ${id} twice`);
        answered.set(id, "live");
      }
      await removed;
      if (removing) answered.set(removing, "removed");
    }
    if (crashBefore || random.below(3) === 0) bench = bench.afterPowerLoss();
    for (const [id, state] of answered) {
      const found = [...bench.store.entries()].some((entry) => entry.id === id);
      assert.equal(found, state === "live", `round ${round}: agent ${id}`);
    }
  }
  assert(answered.size > 30);
});

test("KeyStore.remove() marks the line, or purges it, and forgets the number in neither case", async () => {
  const text = "001 one any k1\n# comment\n002 two any k2\n003 three any k3\n";
  const marked = Bench.with(text);
  const storing = marked.store.remove([agentIdOf(2), agentIdOf(77)], { purge: false });
  assert.deepEqual(marked.heard, ["removed 002 two by own"], "refused from this moment on");
  marked.clock.advance(0);
  await storing;
  assert.equal(marked.text, "001 one any k1\n003 three any k3\n002 !two any k2\n");

  const purged = Bench.with(text);
  const storingPurge = purged.store.remove([agentIdOf(3)], { purge: true });
  purged.clock.advance(0);
  await storingPurge;
  assert.equal(purged.text, "001 one any k1\n002 two any k2\n");
  const next = purged.afterPowerLoss();
  assert.equal((await flushed(next, next.store.add(newKey("four")))).id, "004");
});

test("KeyStore replaces an agent in one writing: the old line marked, the new one added", async () => {
  const bench = Bench.with("001 node-1 any k1\n");
  const removed = bench.store.remove([agentIdOf(1)], { purge: false });
  const added = bench.store.add(newKey("node-1"));
  bench.clock.advance(0);
  await removed;
  assert.equal((await added).id, "002");
  assert.equal(bench.text, "002 node-1 any key-of-node-1\n001 !node-1 any k1\n");
  assert.equal(bench.metrics.get("key_file_syncs"), 1);
});

test("KeyStore takes the first of two lines with one name, address or id, and the next when it goes", async () => {
  const bench = Bench.with("001 one 10.0.0.1 k1\n002 one 10.0.0.1 k2\n002 other any k3\n");
  const address = single("10.0.0.1");
  const name = newKey("one").name;
  assert.equal(bench.store.byName(name)?.id, "001");
  assert.equal(bench.store.byAddress(address)?.id, "001");
  assert.equal(bench.store.size, 2);
  const removed = bench.store.remove([agentIdOf(1)], { purge: true });
  assert.equal(bench.store.byName(name)?.id, "002");
  assert.equal(bench.store.byAddress(address)?.id, "002");
  bench.clock.advance(0);
  await removed;
});

test("KeyStore refuses a taken id, and any id above the highest that can be written", async () => {
  const bench = Bench.with("001 one any k1\n99999999 last any k\n");
  await assert.rejects(bench.store.add(newKey("two", ANY_ADDRESS, 1)), { code: "agent_id_taken" });
  await assert.rejects(bench.store.add(newKey("two")), { code: "agent_ids_exhausted" });
  const added = bench.store.add(newKey("two", ANY_ADDRESS, 77));
  assert.equal((await flushed(bench, added)).id, "077");
});

test("KeyStore.remove() ends an addition that is still on its way", async () => {
  const bench = Bench.with("");
  const added = bench.store.add(newKey("one"));
  const removed = bench.store.remove([agentIdOf(1)], { purge: true });
  await assert.rejects(added, { code: "agent_removed" });
  bench.clock.advance(0);
  await removed;
  assert.equal(bench.text, "");
  assert.equal((await flushed(bench, bench.store.add(newKey("one")))).id, "002");
});

test("KeyStore merges what others write, once the file has come to rest", () => {
  const bench = Bench.with("001 one any k1\n002 two any k2\n003 three any k3\n");
  bench.edit("001 o"); // an editor that has truncated the file and writes it in pieces
  bench.clock.advance(1000);
  bench.edit("001 one any k1\n002 two 10.0.0.2 k2\n004 four any k4\n");
  bench.clock.advance(1000);
  assert.deepEqual(bench.heard, [], "the half file was not believed");
  bench.clock.advance(1000);
  assert.deepEqual(bench.heard, [
    "removed 003 three by file",
    "changed 002 two by file",
    "added 004 four by file",
  ]);
  assert.equal(bench.store.byAddress(single("10.0.0.2"))?.id, "002");
  bench.clock.advance(5000);
  assert.equal(bench.metrics.get("key_file_reloads"), 1);
  assert.deepEqual(bench.log.texts("info"), [
    "(1409): Authentication file changed. Updating.",
    "(1410): Reading authentication keys file.",
  ]);
});

test("KeyStore waits with its own lines while others write, and then writes to their file", async () => {
  const bench = Bench.with("001 one any k1\n");
  bench.edit("001 one any k1\n005 five any k5\n");
  const added = bench.store.add(newKey("two"));
  bench.clock.advance(500);
  assert.equal(bench.text, "001 one any k1\n005 five any k5\n");
  bench.clock.advance(1000);
  assert.equal((await added).id, "002");
  assert.equal(bench.text, "001 one any k1\n005 five any k5\n002 two any key-of-two\n");
  assert.deepEqual(bench.heard, ["added 005 five by file", "added 002 two by own"]);
});

test("KeyStore finds the line that somebody else appended at the same moment", async () => {
  const bench = Bench.with("001 one any k1\n");
  const open = bench.files.open.bind(bench.files);
  bench.files.open = (path, mode, permissions) => {
    const file = open(path, mode, permissions);
    const sync = (): void => {
      bench.files.open = open;
      open(path, "append").write(Buffer.from("009 nine any k9\n"));
      file.sync();
    };
    return { ...file, sync };
  };
  await flushed(bench, bench.store.add(newKey("two")));
  bench.clock.advance(2000);
  assert.deepEqual(bench.heard, ["added 002 two by own", "added 009 nine by file"]);
});

test("KeyStore refuses an addition whose id or name others have written meanwhile", async () => {
  for (const line of ["002 other any k2\n", "009 two any k9\n"]) {
    const bench = Bench.with("001 one any k1\n");
    bench.edit(`001 one any k1\n${line}`);
    const added = bench.store.add(newKey("two"));
    const refused = assert.rejects(added, { code: "agent_id_taken" });
    bench.clock.advance(1500);
    await refused;
    assert.equal(bench.text, `001 one any k1\n${line}`);
    assert.match(bench.heard.join(), /^added 00[29] (other|two) by file$/);
  }
});

test("KeyStore writes the removal into the file that others have changed meanwhile", async () => {
  const bench = Bench.with("001 one any k1\n002 two any k2\n");
  bench.edit("001 one any k1\n002 two any k2\n003 three any k3\n");
  const removed = bench.store.remove([agentIdOf(1)], { purge: true });
  bench.clock.advance(1500);
  await removed;
  assert.equal(bench.text, "002 two any k2\n003 three any k3\n");
  assert.deepEqual(bench.heard, ["removed 001 one by own", "added 003 three by file"]);
});

test("KeyStore keeps the number of an agent whose line somebody else took away", async () => {
  const bench = Bench.with("001 one any k1\n002 two any k2\n");
  bench.edit("001 one any k1\n");
  bench.clock.advance(2000);
  assert.deepEqual(bench.heard, ["removed 002 two by file"]);
  const next = new Bench(bench.files);
  next.store.start();
  assert.equal((await flushed(next, next.store.add(newKey("three")))).id, "003");
});

test("KeyStore takes a file as it is that never comes to rest", () => {
  const bench = Bench.with("");
  for (let second = 1; second <= 7; second++) {
    bench.edit(`00${second} name-${second} any k\n`);
    bench.clock.advance(1000);
  }
  assert(bench.metrics.get("key_file_reloads") >= 1);
});

test("KeyStore takes an addition back when the disk is full, and repairs the torn line", async () => {
  const bench = Bench.with("001 one any k1\n");
  bench.files.freeSpace = 5;
  const added = bench.store.add(newKey("two"));
  await assert.rejects(flushed(bench, added), { code: "file_disk_full" });
  assert.equal(bench.text, "001 one any k1\n");
  assert.equal(bench.store.byName(newKey("two").name), null);
  assert.deepEqual(bench.heard, []);
  assert.match(bench.log.texts("error")[0] ?? "", /^Unable to write the authentication key file: /);

  bench.files.freeSpace = 10_000;
  bench.clock.advance(3000);
  assert.equal((await flushed(bench, bench.store.add(newKey("two")))).id, "003");
  assert.equal(bench.text, "001 one any k1\n003 two any key-of-two\n");
});

test("KeyStore keeps a removal in mind that it could not write", async () => {
  const bench = Bench.with("001 one any k1\n002 two any k2\n");
  bench.files.freeSpace = 0;
  const removed = bench.store.remove([agentIdOf(1)], { purge: true });
  const failed = assert.rejects(removed, { code: "file_disk_full" });
  bench.clock.advance(0);
  await failed;
  assert.equal(bench.store.byId(agentIdOf(1)), null);
  bench.files.freeSpace = 10_000;
  bench.clock.advance(2000);
  assert.equal(bench.text, "002 two any k2\n");
});

test("KeyStore bears a full disk while it merges, and merges later", async () => {
  const bench = Bench.with("001 one any k1\n009 nine any k9\n");
  bench.edit("001 one any k1\n");
  const added = bench.store.add(newKey("two"));
  bench.files.freeSpace = 0; // the highest id cannot be kept
  const refused = assert.rejects(added, { code: "file_disk_full" });
  bench.clock.advance(1500);
  await refused;
  assert.deepEqual(bench.heard, []);
  bench.files.freeSpace = 10_000;
  bench.clock.advance(1000);
  assert.deepEqual(bench.heard, ["removed 009 nine by file"]);
  assert.equal((await flushed(bench, bench.store.add(newKey("two")))).id, "011");
});

test("KeyStore.stop() does not believe a half file when it has nothing to write", () => {
  const bench = Bench.with("001 one any k1\n");
  bench.edit("");
  bench.store.stop();
  assert.deepEqual(bench.heard, []);
});

test("KeyStore goes on with what it knows when the file cannot be read, and says so", () => {
  const bench = Bench.with("001 one any k1\n");
  bench.edit("");
  bench.files.deny(PATHS.keys);
  bench.clock.advance(3000);
  assert.equal(bench.store.size, 1);
  assert.match(bench.log.texts("error")[0] ?? "", /^Unable to read the authentication key file: /);
});

test("KeyStore says which lines it cannot read", () => {
  const bench = Bench.with("001 one any k1\nbogus\n002 two 300.0.0.1 k2\n");
  assert.equal(bench.store.size, 1);
  assert.deepEqual(bench.log.texts("error"), [
    "(1401): Error reading authentication key: 'bogus\n'.",
    "(1237): Invalid ip address: '300.0.0.1'.",
  ]);
});

test("KeyStore.stop() writes what waits and leaves no timer", async () => {
  const bench = Bench.with("");
  const added = bench.store.add(newKey("one"));
  bench.store.stop();
  assert.equal((await added).id, "001");
  assert.equal(bench.text, "001 one any key-of-one\n");
  assert.equal(bench.clock.pendingTimers, 0);
});

test("KeyStore loads 100,000 keys in under two seconds and finds each at once", () => {
  const lines: string[] = [];
  for (let index = 1; index <= 100_000; index++) {
    const id = String(index).padStart(3, "0");
    lines.push(
      `${id} agent-${index} 10.${index >> 16}.${(index >> 8) & 255}.${index & 255} ${"a".repeat(64)}\n`,
    );
  }
  const startedMs = performance.now();
  const bench = Bench.with(lines.join(""));
  const loadMs = performance.now() - startedMs;
  assert(loadMs < 2000, `load took ${loadMs} ms`);

  const foundMs = performance.now();
  for (let index = 1; index <= 100_000; index++)
    assert.equal(bench.store.byId(agentIdOf(index))?.name.length, 6 + `${index}`.length);
  assert(performance.now() - foundMs < 1000);
});
