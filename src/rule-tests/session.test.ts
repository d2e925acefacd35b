/** Goal: a session shows what the peer's log test shows. Method: a small rule set, documents by hand from the specification of the peer. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { compiledRuleset, doorLog } from "./ruleset.fixture.ts";
import { LogSession, locationFault } from "./session.ts";

const ruleset = compiledRuleset();

function documentOf(message: string, location = "stdin"): Record<string, unknown> {
  const session = new LogSession(ruleset, "manager.example");
  return JSON.parse(session.document(session.process({ location, message, receivedMs: 1_700_000_000_000 })));
}

test("LogSession shows predecoder, decoder, data and rule", () => {
  const document = documentOf(doorLog("opened by eve"));
  assert.deepEqual(document["predecoder"], {
    program_name: "door",
    timestamp: "Mar  3 08:12:44",
    hostname: "house",
  });
  assert.deepEqual(document["decoder"], { name: "door" });
  assert.deepEqual(document["data"], { action: "opened", person: { name: "eve" } });
  assert.deepEqual(document["rule"], {
    level: 7,
    description: "Eve",
    id: "101",
    firedtimes: 1,
    mail: false,
    groups: ["syslog"],
  });
});

test("LogSession shows a rule of level 0", () => {
  const rule = documentOf(doorLog("slammed by eve"))["rule"];
  assert.ok(typeof rule === "object" && rule !== null);
  assert.deepEqual(
    { ...rule },
    {
      description: "quiet",
      id: "102",
      firedtimes: 1,
      mail: false,
      groups: ["syslog"],
      level: 0,
    },
  );
});

test("LogSession leaves out what is not there, and nothing of the log", () => {
  const tricky = ',"decoder":{} and more';
  const document = documentOf(tricky);
  assert.equal(document["full_log"], tricky);
  for (const key of ["decoder", "predecoder", "data", "rule"]) assert.ok(!(key in document), key);
});

test("LogSession keeps what looks like an empty decoder inside of a field", () => {
  const document = documentOf(doorLog('opened by [{"a":1,"decoder":{}}]'));
  assert.deepEqual(document["decoder"], { name: "door" });
  assert.deepEqual(document["data"], { action: "opened", person: { name: [{ a: 1, decoder: {} }] } });
});

test("LogSession takes the locations of agents, with colons and bars", () => {
  const document = documentOf("x", "[003] (web1) 2001:db8::1->/var/log/a|b:c");
  assert.equal(document["location"], "/var/log/a|b:c");
  assert.deepEqual(document["agent"], { id: "003", name: "web1", ip: "2001:db8::1" });
});

test("LogSession ends a log at its first NUL", () => {
  assert.equal(documentOf("a\0b")["full_log"], "a");
});

test("locationFault() refuses what the queue cannot carry", () => {
  assert.equal(locationFault("/var/log/x"), null);
  assert.notEqual(locationFault(""), null);
  assert.notEqual(locationFault("[001 (web1) any->x"), null);
});
