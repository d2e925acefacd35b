/** Goal: a file of events gives the alerts that a manager would give. Method: each kind of line through the whole command. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { deadLetterLine } from "#analysis/dead-letters.ts";
import { Engine } from "#analysis/engine.ts";
import { LocalClock } from "#kernel/local-time.ts";
import { doorLog, FOLDER, rulesetFiles } from "#rule-tests/ruleset.fixture.ts";
import { SeededRandom } from "#testing/random.ts";
import { runCommand } from "../environment.fixture.ts";
import { readInputLine } from "./input-line.ts";

const NOW_MS = Date.UTC(2026, 0, 15, 12, 0, 0);

function replay(lines: readonly string[], ...args: readonly string[]) {
  return runCommand(["replay", "--ruleset", FOLDER, ...args, "-"], {
    files: rulesetFiles(),
    stdin: lines.map((line) => `${line}\n`),
  });
}

function objects(text: string): Record<string, unknown>[] {
  return text
    .split("\n")
    .slice(0, -1)
    .map((line) => JSON.parse(line));
}

const archived = (timestamp: string, agent: object, message: string) =>
  JSON.stringify({ timestamp, agent, full_log: message, location: "/var/log/d" });

test("readInputLine() reads datagrams", () => {
  const line = JSON.stringify({ datagram: "8:[001] (web1) any->x|:y:mess\u00e4ge" });
  assert.deepEqual(readInputLine(line, "f"), {
    kind: "event",
    event: {
      receivedMs: null,
      queue: "8",
      agentId: "001",
      location: "(web1) any->x:y",
      message: "mess\u00e4ge",
    },
  });
  assert.deepEqual(readInputLine('{"datagram":"1:x"}', "f"), {
    kind: "refused",
    reason: "queue_message_too_short",
  });
});

test("readInputLine() reads archives with their times and origins", () => {
  const times = [
    ["2026-11-21T06:44:10.115+0000", Date.UTC(2026, 10, 21, 6, 44, 10, 115)],
    ["2026-11-21T06:44:10.115-0330", Date.UTC(2026, 10, 21, 10, 14, 10, 115)],
    ["2026-11-21T06:44:10Z", Date.UTC(2026, 10, 21, 6, 44, 10)],
    ["2026-13-21T06:44:10Z", null],
    ["yesterday", null],
  ] as const;
  for (const [timestamp, expected] of times) {
    const input = readInputLine(archived(timestamp, { id: "000", name: "m" }, "x"), "f");
    assert.equal(input.kind === "event" ? input.event.receivedMs : undefined, expected, timestamp);
  }
  const origins = [
    [{ id: "000", name: "m" }, "000", "/var/log/d"],
    [{ id: "001", name: "w", ip: "192.0.2.1" }, "001", "(w) 192.0.2.1->/var/log/d"],
    [{ id: "001", name: "w" }, "001", "(w) any->/var/log/d"],
    [{}, "000", "/var/log/d"],
  ] as const;
  for (const [agent, agentId, location] of origins) {
    const input = readInputLine(archived("2026-11-21T06:44:10Z", agent, "x"), "f");
    assert.ok(input.kind === "event");
    assert.deepEqual([input.event.agentId, input.event.location], [agentId, location]);
  }
});

test("readInputLine() reads a dead letter as the engine was given the event, byte for byte", () => {
  const bytes = Array.from({ length: 256 }, (_, index) => String.fromCharCode(index)).join("");
  const event = {
    receivedMs: Date.UTC(2026, 10, 21, 6, 44, 10, 115),
    queue: "8",
    agentId: "001",
    location: `(web1) any->${bytes}`,
    message: bytes,
  };
  const line = deadLetterLine({ ...event, position: 5 }, new Error("\u20ac"), new LocalClock());
  assert.deepEqual(readInputLine(line.trimEnd(), "f"), { kind: "event", event });
  const other =
    '{"timestamp":"2026-11-21T06:44:10Z","event":{"queue":"8","agent":1,"location":"l","message":"m"}}';
  assert.deepEqual(readInputLine(other, "f"), {
    kind: "event",
    event: { receivedMs: null, queue: "1", agentId: "000", location: "f", message: other },
  });
});

test("readInputLine() takes everything else for a log line", () => {
  for (const line of ["plain", '{"full_log":"x"}', '{"datagram":1}', "[1]", "{", '{"a":"b"}']) {
    const input = readInputLine(line, "f");
    assert.ok(input.kind === "event");
    assert.deepEqual([input.event.message, input.event.location, input.event.agentId], [line, "f", "000"]);
  }
  assert.deepEqual(readInputLine("", "f"), { kind: "blank" });
});

test("readInputLine() takes any bytes", () => {
  const random = new SeededRandom(3);
  const line = Buffer.from(archived("2026-11-21T06:44:10Z", { id: "001", name: "w" }, "x"));
  for (let round = 0; round < 500; round++) readInputLine(random.mutate(line).toString("latin1"), "f");
});

test("replay prints the alerts of mixed lines, bytes unchanged", async () => {
  const { stdout, stderr, exitCode } = await replay([
    doorLog("opened by \xff"),
    "nothing",
    JSON.stringify({ datagram: `1:[001] (web1) any->/var/log/d:${doorLog("opened by eve")}` }),
    doorLog("slammed by eve"),
    archived("2026-11-21T06:44:10.115+0000", { id: "000", name: "m" }, doorLog("opened by bob")),
  ]);
  assert.equal(exitCode, 0);
  assert.equal(stderr.text, "");
  const [first, second, third, ...more] = objects(stdout.text);
  assert.deepEqual(more, []);
  assert.equal(first?.["full_log"], doorLog("opened by \xff"));
  assert.equal(first?.["location"], "stdin");
  assert.equal(first?.["id"], `${NOW_MS / 1000}.1`);
  assert.deepEqual(second?.["agent"], { id: "001", name: "web1" });
  assert.equal(second?.["id"], `${NOW_MS / 1000}.3`, "the number is that of the line");
  assert.equal(Date.parse(String(third?.["timestamp"])), Date.UTC(2026, 10, 21, 6, 44, 10, 115));
});

test("replay correlates by the times of the input", async () => {
  const at = (second: string) =>
    archived(`2026-11-21T06:${second}.000+0000`, { id: "001", name: "w" }, doorLog("opened by ada"));
  const ids = async (...times: readonly string[]) =>
    objects((await replay(times.map(at))).stdout.text).map(
      ({ rule }) => /"id":"(\d+)"/.exec(JSON.stringify(rule))?.[1],
    );
  assert.deepEqual(await ids("44:00", "44:10", "45:00"), ["100", "100", "103"]);
  assert.deepEqual(await ids("44:00", "44:10", "45:01"), ["100", "100", "100"]);
});

test("replay --archives prints every event, with a rule where one alerts", async () => {
  const lines = [
    doorLog("opened by eve"),
    "nothing",
    doorLog("slammed by eve"),
    '{"datagram":"1:ossec-keepalive:--MARK--"}',
  ];
  const { stdout } = await replay(lines, "--archives");
  const documents = objects(stdout.text);
  assert.deepEqual(
    documents.map((document) => ["rule" in document, document["full_log"]]),
    [
      [true, doorLog("opened by eve")],
      [false, "nothing"],
      [false, doorLog("slammed by eve")],
    ],
  );
});

test("replay tells on stderr what did not come through", async () => {
  const { stdout, stderr, exitCode } = await replay([
    '{"datagram":"1:no location"}',
    '{"datagram":"8:syscheck:x"}',
    "",
    '{"datagram":"x"}',
  ]);
  assert.equal(stdout.text, "");
  assert.equal(
    stderr.text,
    "cyb3rhq replay: 2 datagrams refused (first: line 1: queue_message_unformatted), 1 events of queues that rules do not see\n",
  );
  assert.equal(exitCode, 0);
});

test("replay reads a file and takes its path for the location of plain lines", async () => {
  const files = rulesetFiles();
  files.makeDirectory("/logs");
  files.write("/logs/door.log", doorLog("opened by eve"));
  const { stdout } = await runCommand(["replay", "--ruleset", FOLDER, "/logs/door.log"], { files });
  assert.equal(objects(stdout.text)[0]?.["location"], "/logs/door.log");
});

test("replay says that a file cannot be read", async () => {
  const { stderr, exitCode } = await runCommand(["replay", "--ruleset", FOLDER, "/absent"], {
    files: rulesetFiles(),
  });
  assert.equal(exitCode, 1);
  assert.match(stderr.text, /^cyb3rhq: file_not_found: \/absent\n$/);
});

test("replay goes on behind an event that cannot be analysed, says so and fails", async (t) => {
  const process = Engine.prototype.process;
  t.mock.method(Engine.prototype, "process", function (this: Engine, raw: Parameters<typeof process>[0]) {
    if (raw.message.includes("poison")) throw new RangeError("no \u20ac");
    return process.call(this, raw);
  });
  const { stdout, stderr, exitCode } = await replay(["poison", "poison", doorLog("opened by eve")]);
  assert.equal(objects(stdout.text).length, 1);
  assert.equal(
    Buffer.from(stderr.text, "latin1").toString("utf8"),
    "cyb3rhq replay: 2 events could not be analysed (first: line 1: no \u20ac)\n",
  );
  assert.equal(exitCode, 1);
});
