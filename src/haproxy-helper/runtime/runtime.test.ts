/**
 * Goal: what HAProxy prints on its stats socket is read as it is meant, and nothing it prints, or keeps from printing, does harm. Method:
 * answers of HAProxy 2.6 cut and damaged, a socket of the test's, a clock that only the test moves.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { CodedError } from "#kernel/errors.ts";
import { FakeClock } from "#testing/clock.ts";
import { FakeFiles } from "#testing/files.ts";
import { FakeLocalSockets } from "#testing/local-sockets.ts";
import { SeededRandom } from "#testing/random.ts";
import { passTime } from "../fixture.ts";
import { ANSWER_BYTES_MAX, SILENCE_MS_MAX } from "../limits.ts";
import { readServerStates, readStats, readVersion } from "./answers.ts";
import { backendFile } from "./backend-file.ts";
import { RuntimeDriver } from "./driver.ts";

const SOCKET = "/run/haproxy.sock";
const NO_NAMES = { address: (name: string) => Promise.resolve(name) };

const STATES = `1
# be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state srv_uweight srv_iweight srv_time_since_last_change srv_check_status srv_check_result srv_check_health srv_check_state srv_agent_state bk_f_forced_id srv_f_forced_id srv_fqdn srv_port srvrecord srv_use_ssl srv_check_port srv_check_addr srv_agent_addr srv_agent_port
3 b 1 a 127.0.0.1 0 0 1 1 6 8 2 0 6 0 0 0 - 28515 - 0 0 - - 0
3 b 2 n 127.0.0.1 2 8 1 1 0 6 3 4 6 0 0 0 - 28516 - 0 0 - - 0
3 b 4 six ::1 0 1 1 1 1 1 0 0 2 0 0 0 - 80 - 0 0 - - 0

`;
/** The columns that are read and some of the others. */
const STATS = `# pxname,svname,qcur,scur,status,weight,lastchg,addr,cookie,mode,algo,
b,a,0,0,DOWN,1,6,127.0.0.1:28515,,tcp,,
b,n,0,12,UP 1/3,1,0,127.0.0.1:28516,,tcp,,
b,BACKEND,0,12,UP,1,2,,,tcp,leastconn,

`;

test("readServerStates() gives name, address and whether a server is drained", () => {
  assert.deepEqual(readServerStates(STATES), [
    { name: "a", address: "127.0.0.1", drained: false },
    { name: "n", address: "127.0.0.1", drained: true },
    { name: "six", address: "::1", drained: false },
  ]);
  for (const other of ["", "Can't find backend.\n\n", "2\n# srv_name\n", "1\n"]) {
    assert.equal(readServerStates(other), null, other);
  }
});

test("readStats() finds columns by their names", () => {
  const [down, rising, backend] = readStats(STATS) ?? [];
  assert.deepEqual([down?.status, down?.lastChangeSeconds], ["DOWN", 6]);
  assert.deepEqual([rising?.status, rising?.connections], ["UP 1/3", 12]);
  assert.equal(backend?.algorithm, "leastconn");
  assert.equal(readStats("No such proxy.\n"), null);
  assert.equal(readVersion("Name: HAProxy\nVersion: 2.6.12\n"), "2.6.12");
  assert.equal(readVersion("Unknown command"), null);
});

test("readServerStates() and readStats() take any text", () => {
  const random = new SeededRandom(4);
  for (const text of [STATES, STATS]) {
    for (let cut = 0; cut <= text.length; cut++) {
      readServerStates(text.slice(0, cut));
      readStats(text.slice(0, cut));
    }
    for (let run = 0; run < 500; run++) {
      const bytes = Buffer.from(text, "latin1");
      for (let flips = 0; flips < 5; flips++) bytes[random.below(bytes.length)] = random.below(256);
      const damaged = bytes.toString("latin1");
      for (const line of readStats(damaged) ?? []) assert(Number.isFinite(line.connections));
      readServerStates(damaged);
    }
  }
});

test("backendFile() is a part of HAProxy's configuration with the servers in order", () => {
  const servers = new Map([
    ["b", "fe80::1"],
    ["a", "10.0.0.1"],
  ]);
  const [, ...lines] = backendFile("cyb3rhq_reporting", servers, 1514).split("\n");
  assert.deepEqual(lines, [
    "frontend cyb3rhq_reporting_front",
    "    mode tcp",
    "    bind :1514 name cyb3rhq_reporting_front_bind",
    "    default_backend cyb3rhq_reporting",
    "",
    "backend cyb3rhq_reporting",
    "    mode tcp",
    "    balance leastconn",
    "    server a 10.0.0.1:1514 check",
    "    server b [fe80::1]:1514 check",
    "",
  ]);
});

/** A stats socket that answers each command by `answer`; null leaves it without one. */
async function driverWith(answer: (command: string) => string | null, file: string | null = null) {
  const clock = new FakeClock();
  const files = new FakeFiles();
  const localSockets = new FakeLocalSockets();
  const asked: string[] = [];
  await localSockets.listen({ path: SOCKET, permissions: 0o660, backlog: 1 }, (connection) => ({
    data: (chunk) => {
      asked.push(chunk.toString().trimEnd());
      const text = answer(chunk.toString().trimEnd());
      if (text === null) return;
      connection.write(Buffer.from(text, "latin1"));
      connection.end();
    },
    closed: () => {},
  }));
  const hostNames = { address: (name: string) => Promise.resolve(name === "master" ? "10.0.0.1" : "::1") };
  const needs = { clock, files, localSockets, hostNames };
  return { driver: new RuntimeDriver({ socket: SOCKET, backendFile: file }, needs), asked, clock, files };
}

const refused = (text: string) => (error: unknown) =>
  error instanceof CodedError && error.message === `Error 3045 - Could not connect to HAProxy: ${text}`;

test("RuntimeDriver adds a server and makes it ready in one command", async () => {
  const { driver, asked } = await driverWith(() => "New server registered.\n\n\n");
  await driver.addServer("b", "n", "::1", 1514);
  assert.deepEqual(asked, ["add server b/n [::1]:1514 check;enable health b/n;set server b/n state ready"]);
  const { driver: other } = await driverWith(
    () => "Already exists a server with the same name in backend.\n",
  );
  await assert.rejects(
    other.addServer("b", "n", "::1", 1514),
    refused("Already exists a server with the same name in backend."),
  );
});

test("RuntimeDriver ends a server's connections until HAProxy removes it", async () => {
  const busy = "\n\nServer still has connections attached to it, cannot remove it.\n";
  const answers = [busy, busy, "\n\nServer deleted.\n"];
  const { driver, asked, clock } = await driverWith(() => answers.shift() ?? busy);
  let removed = false;
  driver.removeServer("b", "n").then(() => {
    removed = true;
  }, assert.ifError);
  await passTime(clock, 5, () => removed);
  const command = "set server b/n state maint;shutdown sessions server b/n;del server b/n";
  assert.deepEqual(asked, [command, command, command]);

  let failure: unknown = null;
  driver.removeServer("b", "n").catch((error: unknown) => {
    failure = error;
  });
  await passTime(clock, 60, () => failure !== null);
  assert(refused("Server still has connections attached to it, cannot remove it.")(failure));
});

test("RuntimeDriver gives up a socket that is silent, absent or talks for ever", async () => {
  const silent = await driverWith(() => null);
  const waiting = silent.driver.initialize();
  await turn();
  silent.clock.advance(SILENCE_MS_MAX);
  await assert.rejects(waiting, refused("the stats socket does not answer"));

  const endless = await driverWith(() => "x".repeat(ANSWER_BYTES_MAX + 1));
  await assert.rejects(
    endless.driver.initialize(),
    refused(`an answer of more than ${ANSWER_BYTES_MAX} bytes`),
  );
  assert.equal(endless.clock.pendingTimers, 0);

  // A connection that comes about too late: the command must not be done then.
  const late = Promise.withResolvers<void>();
  const written: string[] = [];
  let destroyed = false;
  const slow = {
    listen: () => Promise.reject(new Error("not used")),
    open: async () => {
      await late.promise;
      const destroy = () => {
        destroyed = true;
      };
      return { write: (bytes: Uint8Array) => written.push(bytes.toString()), end: destroy, destroy };
    },
  };
  const driver = new RuntimeDriver(
    { socket: SOCKET, backendFile: null },
    { clock: silent.clock, files: silent.files, localSockets: slow, hostNames: NO_NAMES },
  );
  const tooLate = driver.setState("b", "n", "drain");
  silent.clock.advance(SILENCE_MS_MAX);
  await assert.rejects(tooLate, refused("the stats socket does not answer"));
  late.resolve();
  await turn();
  assert.deepEqual([written, destroyed], [[], true]);

  const needs = { clock: new FakeClock(), files: new FakeFiles(), localSockets: new FakeLocalSockets() };
  const absent = new RuntimeDriver({ socket: SOCKET, backendFile: null }, { ...needs, hostNames: NO_NAMES });
  await assert.rejects(absent.initialize(), refused(`connect ENOENT ${SOCKET}`));
  assert.equal(needs.clock.pendingTimers, 0);
});

test("RuntimeDriver gives an address of nodes and of HAProxy in one form", async () => {
  const { driver } = await driverWith(() => STATES);
  const six = (await driver.servers("b")).get("six");
  assert.equal(await driver.serverAddress("0:0:0:0:0:0:0:1"), six);
  assert.equal(await driver.serverAddress("six.example.org"), six);
  assert.equal(await driver.serverAddress("master"), "10.0.0.1");
  assert.equal(await driver.isDrained("b", "n"), true);
  assert.equal(await driver.isDrained("b", "a"), false);
});

test("RuntimeDriver writes its file when the servers change, and again after a failure", async () => {
  const { driver, files } = await driverWith(() => "", "/etc/haproxy/agents.cfg");
  files.makeDirectory("/etc/haproxy");
  const servers = new Map([["a", "10.0.0.1"]]);
  await driver.keep("b", servers, 1514);
  assert.match(files.read("/etc/haproxy/agents.cfg").toString(), /server a 10\.0\.0\.1:1514 check/);
  files.remove("/etc/haproxy/agents.cfg");
  await driver.keep("b", servers, 1514);
  assert.equal(files.info("/etc/haproxy/agents.cfg"), null, "nothing changed, nothing written");
  files.freeSpace = 0;
  await assert.rejects(driver.keep("b", new Map(), 1514), CodedError);
  files.freeSpace = Number.POSITIVE_INFINITY;
  await driver.keep("b", new Map(), 1514);
  assert.doesNotMatch(files.read("/etc/haproxy/agents.cfg").toString(), /server a/);
});
