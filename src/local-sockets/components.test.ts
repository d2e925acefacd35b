/**
 * Goal: the sockets of the peer's daemons answer as the peer's do. Method: requests and whole answers as tables, with the peer's texts; what
 * the manager does for them is recorded; hostile bytes with a seeded generator.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { FakeClock } from "#testing/clock.ts";
import { RecordingLog } from "#testing/log.ts";
import { SeededRandom } from "#testing/random.ts";
import { Com, type ComNeeds } from "./com.ts";
import { answerAnalysis, answerComponent } from "./components.ts";

const sections = (name: string) => (name === "internal" ? { internal: { execd: { debug: 0 } } } : null);

test("answerComponent() tells a section, and says as the peer what it has not", () => {
  const table: readonly (readonly [request: string, answer: string])[] = [
    ["getconfig internal", 'ok {"internal":{"execd":{"debug":0}}}'],
    ["getconfig internal\0", 'ok {"internal":{"execd":{"debug":0}}}'],
    ["getconfig", "err LCCOM getconfig needs arguments"],
    ["getconfig ", "err Could not get requested section"],
    ["getconfig constructor", "err Could not get requested section"],
    ["getconfig internal ", "err Could not get requested section"],
    ["restart", "err Unrecognized command"],
    ["", "err Unrecognized command"],
  ];
  for (const [request, answer] of table)
    assert.equal(answerComponent("LCCOM", sections, Buffer.from(request)).toString(), answer, request);
});

test("answerAnalysis() speaks JSON, reads the rule set again, and tells what is wrong with it", async () => {
  let errors: readonly string[] = [];
  const ask = async (request: string) =>
    (await answerAnalysis({ sections, reloadRules: async () => errors }, Buffer.from(request))).toString();
  const getconfig = (section: string) =>
    ask(`{"version":1,"origin":{"module":"api"},"command":"getconfig","parameters":${section}}`);
  assert.equal(
    await getconfig('{"section":"internal"}'),
    '{"error":0,"message":"ok","data":{"internal":{"execd":{"debug":0}}}}',
  );
  const unknown = '{"error":7,"message":"Unrecognized or not configured section","data":{}}';
  assert.equal(await getconfig('{"section":"syscheck"}'), unknown);
  assert.equal(await getconfig("{}"), '{"error":6,"message":"Empty section","data":{}}');
  assert.equal(await getconfig("[]"), '{"error":5,"message":"Empty parameters","data":{}}');
  assert.equal(await ask("{}"), '{"error":3,"message":"Empty command","data":{}}');
  assert.equal(await ask('{"command":"toString"}'), '{"error":4,"message":"Unrecognized command","data":{}}');
  assert.equal(await ask("getconfig rules"), '{"error":2,"message":"Invalid JSON input","data":{}}');
  assert.equal(await ask('{"command":"reload-ruleset"}'), '{"error":0,"message":"ok","data":[]}');
  errors = ["etc/rules/local_rules.xml:1:1: error: no rule"];
  const due = '{"error":1,"message":"due","data":["etc/rules/local_rules.xml:1:1: error: no rule"]}';
  assert.equal(await ask('{"command":"reload-ruleset"}'), due);
});

type Made = {
  readonly ask: (request: string) => Promise<string>;
  readonly clock: FakeClock;
  readonly log: RecordingLog;
  readonly restarts: () => number;
};

function makeCom(changed: Partial<ComNeeds> = {}): Made {
  const clock = new FakeClock();
  const log = new RecordingLog();
  let restarts = 0;
  const com = new Com({
    clock,
    log,
    sections,
    cluster: () => ({ name: "cyb3rhq" }),
    restart: async () => {
      restarts += 1;
      return null;
    },
    checkConfiguration: async () => [],
    restartLockSecondsMax: 600,
    ...changed,
  });
  const ask = async (request: string) => (await com.answer(Buffer.from(request))).toString();
  return { ask, clock, log, restarts: () => restarts };
}

test("Com tells its sections behind two blanks, and the cluster's where it runs", async () => {
  const { ask } = makeCom();
  assert.equal(await ask("getconfig internal"), 'ok  {"internal":{"execd":{"debug":0}}}');
  assert.equal(await ask("getconfig cluster"), 'ok  {"name":"cyb3rhq"}');
  assert.equal(await ask("getconfig wdb"), "err Could not get requested section");
  assert.equal(await ask("getconfig"), "err WCOM getconfig needs arguments");
  assert.equal(await ask("unmerge x"), "err Unrecognized command");
  const alone = makeCom({ cluster: () => null });
  const none = "err Unable to connect with socket. The component might be disabled";
  assert.equal(await alone.ask("getconfig cluster"), none);
});

test("Com restarts the manager, unless that is held off, and says when it cannot", async () => {
  const { ask, clock, log, restarts } = makeCom();
  for (const command of ["restart", "restart-wazuh", "reload"]) assert.equal(await ask(command), "ok ");
  assert.equal(restarts(), 3);
  assert.equal(await ask("lock_restart 30"), "ok ");
  clock.advance(29_500);
  assert.equal(await ask("restart"), "ok ");
  assert.deepEqual(log.texts(), ["Agent auto-restart locked for 1 seconds."]);
  assert.equal(restarts(), 3);
  clock.advance(500);
  assert.equal(await ask("restart"), "ok ");
  assert.equal(restarts(), 4);
  const unable = makeCom({ restart: async () => "no systemd" });
  assert.equal(await unable.ask("restart"), "err Cannot execute restart process");
  assert.deepEqual(unable.log.texts("error"), ["The manager cannot be restarted: no systemd"]);
});

test("Com holds a restart off for 600 seconds at most, and is asked to end that", async () => {
  const held = "ok ";
  for (const [seconds, heldMs] of [
    ["-1", 600_000],
    ["100000", 600_000],
    ["1", 1000],
    ["0", 0],
    ["soon", 0],
  ] as const) {
    const { ask, clock, restarts } = makeCom();
    assert.equal(await ask(`lock_restart ${seconds}`), held, seconds);
    clock.advance(Math.max(0, heldMs - 1));
    await ask("restart");
    assert.equal(restarts(), heldMs === 0 ? 1 : 0, seconds);
    clock.advance(1);
    await ask("restart");
    assert.equal(restarts(), heldMs === 0 ? 2 : 1, seconds);
  }
  const { ask } = makeCom();
  assert.equal(await ask("lock_restart"), "err Invalid timeout");
  assert.equal(await ask("lock_restart -2"), "err Invalid timeout");
});

test("Com answers a test of the configuration as JSON, with as much text as the peer's", async () => {
  const { ask } = makeCom();
  assert.equal(await ask("check-manager-configuration"), '{"error":0,"message":"ok"}');
  const lines = ["first", "second"];
  const bad = makeCom({ checkConfiguration: async () => lines });
  assert.equal(await bad.ask("check-manager-configuration"), '{"error":1,"message":"first\\nsecond"}');
  const long = makeCom({ checkConfiguration: async () => ["x".repeat(10_000)] });
  const { message } = JSON.parse(await long.ask("check-manager-configuration"));
  assert.equal(message.length, 4068);
});

test("Com and answerComponent() answer any bytes", async () => {
  const random = new SeededRandom(7);
  const { ask } = makeCom();
  for (let round = 0; round < 300; round++) {
    const bytes = random.bytes(40).toString("latin1");
    const request = round % 2 === 0 ? bytes : `getconfig ${bytes}`;
    assert.match(await ask(request), /^(?:ok|err) /);
    assert.match(answerComponent("WMCOM", sections, Buffer.from(request)).toString(), /^err /);
  }
});
