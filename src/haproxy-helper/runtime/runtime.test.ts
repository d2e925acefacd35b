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
import { FakeHttp, helperNeeds, helperOptions, passTime } from "../fixture.ts";
import { ANSWER_BYTES_MAX, SERVERS_MAX, SILENCE_MS_MAX } from "../limits.ts";
import { startHaproxyHelper } from "../service.ts";
import { readServerStates, readStats, readVersion } from "./answers.ts";
import { backendFile } from "./backend-file.ts";
import { RuntimeDriver } from "./driver.ts";

const SOCKET = "/run/haproxy.sock";
const NO_NAMES = { addresses: (name: string) => Promise.resolve([name]) };

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
  const other = ["", "Can't find backend.\n\n", "2\n# srv_name\n", "1\n"];
  const hostile = ["a;shutdown", "a\x1b[2J", "a\rb", ""].map((name) => STATES.replace(" n ", ` ${name} `));
  const endless = `1\n# srv_name srv_addr\n${"a 10.0.0.1\n".repeat(SERVERS_MAX + 1)}`;
  for (const text of [...other, ...hostile, endless]) {
    assert.equal(readServerStates(text), null, text.slice(0, 100));
  }
});

test("readStats() finds columns by their names", () => {
  const [down, rising, backend] = readStats(STATS) ?? [];
  assert.deepEqual([down?.status, down?.lastChangeSeconds], ["DOWN", 6]);
  assert.deepEqual([rising?.status, rising?.connections], ["UP 1/3", 12]);
  assert.equal(backend?.algorithm, "leastconn");
  assert.equal(readStats("No such proxy.\n"), null);
  assert.equal(readStats(STATS + "b,a,0,0,UP,1,6,,,tcp,,\n".repeat(SERVERS_MAX)), null);
  assert.equal(readStats(`# pxname,${"a,".repeat(100_000)}\nb\n`), null);
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
  const addresses = (name: string) => Promise.resolve(name === "master" ? ["10.0.0.1", "10.0.0.2"] : ["::1"]);
  const needs = { clock, files, localSockets, hostNames: { addresses } };
  const driver = new RuntimeDriver({ socket: SOCKET, backendFile: file }, needs);
  return { driver, asked, clock, files, localSockets };
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
  // Else the node that comes back to it gets no agents.
  assert.deepEqual(asked.slice(-2), [command, "set server b/n state ready"]);
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
  assert.equal(await driver.serverAddress("0:0:0:0:0:0:0:1", null), six);
  assert.equal(await driver.serverAddress("six.example.org", null), six);
  assert.equal(await driver.serverAddress("10.0.0.3", "10.0.0.2"), "10.0.0.3");
  // The first, but for a server that has another of them.
  for (const [present, address] of [
    [null, "10.0.0.1"],
    ["10.0.0.2", "10.0.0.2"],
    ["10.0.0.9", "10.0.0.1"],
  ] as const) {
    assert.equal(await driver.serverAddress("master", present), address);
  }
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

/** A HAProxy with the backend of the guides, whose servers are all up. */
function answerOf(servers: readonly string[]): (command: string) => string {
  const states = servers.map((name) => `3 b 1 ${name} 10.0.0.${name.length} 2 0`);
  const up = servers.map((name) => `cyb3rhq_reporting,${name},0,0,UP 2/3,1,900000,,,tcp,,`);
  return (command) => {
    if (command === "show info") return "Name: HAProxy\nVersion: 2.6.12\n";
    if (command.startsWith("show stat -1")) return STATS.replace("b,BACKEND", "cyb3rhq_reporting,BACKEND");
    if (command.startsWith("show stat")) return `${STATS.split("\n")[0]}\n${up.join("\n")}\n`;
    const columns = "be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state";
    return command.startsWith("show servers") ? `1\n# ${columns}\n${states.join("\n")}\n` : "\n";
  };
}

test("startHaproxyHelper() keeps servers for HAProxy's next start whose node may come back", async () => {
  const { asked, localSockets } = await driverWith(answerOf(["master", "back"]));
  const needs = { ...helperNeeds(new FakeHttp(() => "not used")), localSockets };
  needs.files.makeDirectory("/etc/haproxy");
  needs.cluster.addresses = new Map([["master", "10.0.0.6"]]);
  const backendFile = "/etc/haproxy/agents.cfg";
  const options = helperOptions({ mode: "runtime", socket: SOCKET, backend: null, backendFile });
  const helper = startHaproxyHelper(needs, { ...options, removeDisconnectedMinutes: 0 }, 1514);
  const upToDate = "INFO Load balancer backend is up to date";
  await passTime(needs.clock, 10, () => needs.log.texts().includes("INFO Proxy was initialized"));
  assert.deepEqual(asked.slice(0, 2), ["show info", "show stat -1 2 -1"]);
  // A master that has just started has no workers yet.
  await passTime(needs.clock, 20, () => needs.log.texts().includes(upToDate));
  assert(needs.clock.monotonicMs() >= 12_000);
  await helper.stop();
  const file = needs.files.read(backendFile).toString();
  assert.deepEqual(file.match(/server .*/g), [
    "server back 10.0.0.4:1514 check",
    "server master 10.0.0.6:1514 check",
  ]);
  assert(!asked.some((command) => command.includes("del server")));
});
