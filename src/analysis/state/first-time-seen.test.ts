/** Goal: `if_fts` holds once for each combination of values. Method: decoders with `<fts>`, lines written out from the format. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { EngineFixture } from "#analysis/engine.fixture.ts";
import { FirstTimeSeen, firstTimeSeenLine, LINES_MAX } from "./first-time-seen.ts";

const RULES = `
  <rule id="100001" level="3"><category>ids</category><description>base</description></rule>
  <rule id="100002" level="3"><match>^app</match><description>base</description></rule>
  <rule id="100003" level="8"><if_sid>100001,100002</if_sid><if_fts/><description>new</description></rule>`;

function decoder(fts: string, more = ""): string {
  return `<decoder name="app"><prematch>^app </prematch><regex>^app (\\S*) (\\S*) (\\S*) (\\S*);</regex><order>id, user, my.field, data</order>${fts}${more}</decoder>`;
}

function engine(fts: string, more = ""): EngineFixture {
  return new EngineFixture({ decoders: decoder(fts, more), rules: RULES });
}

function isNew(fixture: EngineFixture, message: string, location = "/x"): boolean {
  return fixture.rule(message, { location }) === 100_003;
}

test("firstTimeSeenLine() holds the decoder's name and the selected fields, always with single blanks", () => {
  const line = (fts: string) =>
    firstTimeSeenLine(engine(fts).process("app 1 joe dyn dat;", { location: "/x" }).event);
  assert.equal(line("<fts>id</fts>"), "app 1       ");
  assert.equal(line("<fts>name, user, location</fts>"), "app  joe      /x");
  assert.equal(line("<fts>id,dstuser,data,location,my.field</fts>"), "app 1 joe    dat  /x dyn");
  assert.equal(line("<fts>extra_data</fts>"), "app      dat  ");
  assert.equal(line(""), null);
});

test("firstTimeSeenLine() is cut after 255 bytes", () => {
  const { event } = engine("<fts>id</fts>").process(`app ${"1".repeat(300)} joe dyn dat;`);
  assert.equal(firstTimeSeenLine(event), `app ${"1".repeat(251)}`);
});

test("FirstTimeSeen lets the rule hold once for each combination", () => {
  const fixture = engine("<fts>id, location</fts>");
  assert.equal(isNew(fixture, "app 1 joe x y;"), true);
  assert.equal(isNew(fixture, "app 1 eve x y;"), false, "the user is not selected");
  assert.equal(isNew(fixture, "app 2 joe x y;"), true);
  assert.equal(isNew(fixture, "app 1 joe x y;", "/other"), true);
  assert.equal(isNew(fixture, "app 2 joe x y;"), false);
});

test("FirstTimeSeen never lets the rule hold when the decoder selects nothing", () => {
  assert.equal(isNew(engine(""), "app 1 joe x y;"), false);
  assert.equal(isNew(engine("<fts>id</fts>"), "no decoder"), false);
});

test("FirstTimeSeen takes lines of an IDS that start like three recent ones for one", () => {
  const fixture = engine("<fts>id</fts>", "<type>ids</type>");
  // The line is "app ", the id and blanks: these share 15 bytes, one more than may be shared.
  const alike = (end: string) => isNew(fixture, `app 12345678901${end} joe x y;`);
  assert.deepEqual(["a", "b", "c"].map(alike), [true, true, true]);
  // The fourth is stored as its first 14 bytes; the fifth would be stored as the same and is no news.
  assert.deepEqual(["d", "e", "f"].map(alike), [true, false, false]);
  assert.equal(alike("a"), false);
  assert.equal(isNew(fixture, "app 1234567890zzz joe x y;"), true, "14 bytes in common are not enough");
});

test("FirstTimeSeen compares the start of lines for no other type", () => {
  const fixture = engine("<fts>id</fts>");
  const found = ["a", "b", "c", "d", "e"].map((end) => isNew(fixture, `app 12345678901${end} joe x y;`));
  assert.deepEqual(found, [true, true, true, true, true]);
});

test("FirstTimeSeen compares with the last 32 lines of an IDS only", () => {
  const fixture = engine("<fts>id</fts>", "<type>ids</type>");
  for (const end of ["a", "b", "c"]) isNew(fixture, `app 12345678901${end} joe x y;`);
  for (let number = 0; number < 30; number++) isNew(fixture, `app ${number}-other joe x y;`);
  assert.equal(isNew(fixture, "app 12345678901d joe x y;"), true);
  assert.equal(isNew(fixture, "app 12345678901e joe x y;"), true, "one of the three was too long ago");
});

test("FirstTimeSeen forgets the oldest lines at its bound", () => {
  const fixture = engine("<fts>id</fts>");
  const { event } = fixture.process("app 1 joe x y;");
  const seen = new FirstTimeSeen();
  const offer = (id: number) => {
    event.setStatic("id", String(id));
    return seen.offer(event);
  };
  for (let id = 0; id <= LINES_MAX; id++) assert.equal(offer(id), true);
  assert.equal(seen.size, LINES_MAX);
  assert.equal(offer(1), false);
  assert.equal(offer(0), true, "the first was forgotten");
});
