/** Goal: `<accumulate>` fills what a line lacks from earlier lines of the same id. Method: lines of one session, and the clock moved. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { EngineFixture, START_MS } from "#analysis/engine.fixture.ts";
import type { Event } from "#analysis/event.ts";
import { Accumulator, ENTRIES_MAX } from "./accumulate.ts";

/** `app id=1 user=joe …`: the order of the words is free. */
const FIELDS = ["id", "user", "srcuser", "srcip", "dstip", "srcport", "dstport", "data", "url"];
const DECODERS = FIELDS.map((field, index) => {
  const regex = `<regex> ${field}=(\\S*);</regex><order>${field}</order>`;
  const parent = `<decoder name="app"><prematch>^app</prematch></decoder>`;
  const prematch = index === 0 ? "<prematch>^app</prematch><accumulate/>" : "";
  return `${index === 0 ? parent : ""}<decoder name="fields"><parent>app</parent>${prematch}${regex}</decoder>`;
}).join("");

class Session {
  readonly #fixture = new EngineFixture({ decoders: DECODERS });

  statics(message: string, seconds = 0): Readonly<Record<string, string>> {
    return this.#fixture.fields(message, { receivedMs: START_MS + seconds * 1000 }).statics;
  }
}

test("Accumulator fills the seven fields of a session, each line giving what it has", () => {
  const session = new Session();
  assert.deepEqual(session.statics("app id=1; user=joe; srcip=192.0.2.1;"), {
    id: "1",
    dstuser: "joe",
    srcip: "192.0.2.1",
  });
  const second = session.statics(
    "app id=1; srcuser=eve; dstip=192.0.2.2; srcport=1; dstport=2; data=d; url=/u;",
  );
  const all = {
    id: "1",
    dstuser: "joe",
    srcip: "192.0.2.1",
    srcuser: "eve",
    dstip: "192.0.2.2",
    srcport: "1",
    dstport: "2",
    data: "d",
  };
  assert.deepEqual(second, { ...all, url: "/u" });
  // The URL is none of the seven.
  assert.deepEqual(session.statics("app id=1;"), all);
});

test("Accumulator keeps the first value of a session, and every line its own", () => {
  const session = new Session();
  session.statics("app id=1; user=joe;");
  assert.equal(session.statics("app id=1; user=eve;")["dstuser"], "eve");
  assert.equal(session.statics("app id=1; user=;")["dstuser"], "joe", "an empty value is none");
});

test("Accumulator keeps ids, hosts and decoders apart and leaves lines without id alone", () => {
  const session = new Session();
  session.statics("app id=1; user=joe;");
  assert.deepEqual(session.statics("app id=2;"), { id: "2" });
  assert.deepEqual(session.statics("app x"), {});
  // The header's host name is part of the key.
  assert.deepEqual(session.statics("Nov 21 06:44:10 web1 app id=1;"), { id: "1" });
});

test("Accumulator forgets a session after 120 seconds without a line", () => {
  const session = new Session();
  session.statics("app id=1; user=joe;", 0);
  assert.equal(session.statics("app id=1;", 120)["dstuser"], "joe");
  assert.equal(session.statics("app id=1;", 240)["dstuser"], "joe", "each line renews it");
  assert.equal(session.statics("app id=1;", 361)["dstuser"], undefined);
});

test("Accumulator keeps no value of more than 80 bytes and no key of more than 255", () => {
  const session = new Session();
  session.statics(`app id=1; user=${"j".repeat(80)}; srcuser=${"s".repeat(81)};`);
  assert.deepEqual(session.statics("app id=1;"), { id: "1", dstuser: "j".repeat(80) });
  // The key is "manager app <id>".
  const fits = "1".repeat(255 - "manager app ".length);
  session.statics(`app id=${fits}; user=joe;`);
  assert.equal(session.statics(`app id=${fits};`)["dstuser"], "joe");
  session.statics(`app id=${fits}1; user=joe;`);
  assert.equal(session.statics(`app id=${fits}1;`)["dstuser"], undefined);
});

function eventOf(fixture: EngineFixture, id: string, seconds: number): Event {
  const { event } = fixture.process("app", { receivedMs: START_MS + seconds * 1000 });
  event.setStatic("id", id);
  return event;
}

test("Accumulator throws old sessions away at every 200th line", () => {
  const fixture = new EngineFixture({ decoders: DECODERS });
  const accumulator = new Accumulator();
  for (let number = 0; number < 150; number++) accumulator.apply(eventOf(fixture, `old ${number}`, 0));
  for (let number = 0; number < 49; number++) accumulator.apply(eventOf(fixture, `new ${number}`, 121));
  assert.equal(accumulator.size, 199);
  accumulator.apply(eventOf(fixture, "new 0", 121));
  assert.equal(accumulator.size, 49);
});

test("Accumulator is bounded: the session unused longest goes first", () => {
  const fixture = new EngineFixture({ decoders: DECODERS });
  const accumulator = new Accumulator();
  const first = eventOf(fixture, "first", 0);
  first.setStatic("dstuser", "joe");
  accumulator.apply(first);
  const second = eventOf(fixture, "second", 0);
  second.setStatic("dstuser", "eve");
  accumulator.apply(second);
  const event = eventOf(fixture, "x", 0);
  for (let number = 2; number < ENTRIES_MAX; number++) {
    event.setStatic("id", String(number));
    accumulator.apply(event);
  }
  accumulator.apply(eventOf(fixture, "first", 0));
  accumulator.apply(eventOf(fixture, "one more", 0));
  assert.equal(accumulator.size, ENTRIES_MAX);
  const [again, gone] = [eventOf(fixture, "first", 0), eventOf(fixture, "second", 0)];
  accumulator.apply(again);
  accumulator.apply(gone);
  assert.equal(again.has("dstuser"), true);
  assert.equal(gone.has("dstuser"), false);
});
