/**
 * Goal: the helper asks HAProxy for what the peer's asks, when it asks, and says so in the words of the guides. Method: recorded calls
 * of the peer played back in order; the sample of the guides byte for byte; failures one by one, under a clock of the test's.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { HaproxyHelperConfig } from "#config/sections/haproxy-helper.ts";
import { CodedError } from "#kernel/errors.ts";
import type { HttpRequest } from "#kernel/ports/http-client.ts";
import {
  agents,
  FakeHttp,
  helperNeeds,
  helperOptions,
  passTime,
  type RecordedCall,
  recordedCalls,
} from "./fixture.ts";
import { startHaproxyHelper } from "./service.ts";
import { Sleeper } from "./sleeper.ts";

const AGENT_PORT = 1514;
/** The recorded helper took this long for a call with all its own work. */
const CALL_SECONDS_MAX = 0.2;

/** Plays `calls` back in order; what is asked beyond them fails. */
function playback(calls: readonly RecordedCall[]) {
  const asked: { readonly call: unknown; readonly atMs: number }[] = [];
  const http = new FakeHttp(({ method, url, headers, body }) => {
    const [, credentials = ""] = (headers["authorization"] ?? "").split(" ");
    const call = {
      method,
      path_and_query: `${url.pathname}${url.search}`,
      basic_auth: Buffer.from(credentials, "base64").toString(),
      body: body === null ? null : JSON.parse(body),
    };
    const recorded = calls[asked.length];
    asked.push({ call, atMs: needs.clock.monotonicMs() });
    return recorded === undefined
      ? "the recording is over"
      : { status: recorded.status, body: recorded.response };
  });
  const needs = helperNeeds(http);
  return { needs, asked };
}

async function replay(name: string) {
  const calls = recordedCalls(name);
  const { needs, asked } = playback(calls);
  needs.cluster.addresses = new Map([
    ["master-node", "127.0.0.1"],
    ["worker1", "127.0.0.1"],
  ]);
  needs.cluster.agentsOf = new Map([["worker1", agents(12)]]);
  const helper = startHaproxyHelper(needs, helperOptions(), AGENT_PORT);
  await passTime(needs.clock, 200, () => asked.length >= calls.length);
  await helper.stop();
  assert.deepEqual(
    asked.slice(0, calls.length).map(({ call }) => call),
    calls.map(({ method, path_and_query, basic_auth, body }) => ({
      method,
      path_and_query,
      basic_auth,
      body,
    })),
  );
  for (const [index, { t }] of calls.entries()) {
    const before = calls[index - 1]?.t ?? t;
    const atMs = asked[index]?.atMs ?? 0;
    const waited = (atMs - (asked[index - 1]?.atMs ?? atMs)) / 1000;
    const own = t - before - waited;
    assert(own >= 0 && own < CALL_SECONDS_MAX, `call ${index}: ${waited} s instead of ${t - before} s`);
  }
  return needs;
}

test("startHaproxyHelper() makes backend, frontend and servers of an empty HAProxy with the recorded calls", async () => {
  const { cluster, log } = await replay("first_start");
  // All agents at the start, then those of the node that is held.
  assert.deepEqual(
    cluster.reconnected.map((ids) => ids.length),
    [12, 12],
  );
  const texts = log.texts().filter((text) => !text.startsWith("DEBUG"));
  assert.deepEqual(texts.slice(0, 12), [
    "INFO Proxy was initialized",
    "WARNING Could not find Wazuh backend 'wazuh_reporting'",
    "INFO Added Wazuh backend",
    "WARNING Could not find Wazuh frontend 'wazuh_reporting_front'",
    "INFO Added Wazuh frontend",
    "INFO Setting a value for `hard-stop-after` configuration.",
    "INFO Set `hard-stop-after` with 20.12 seconds.",
    "INFO Reconnecting 12 agents.",
    "INFO Starting HAProxy Helper",
    "INFO Detected changes in Wazuh cluster nodes. Current cluster: {'master-node': '127.0.0.1', 'worker1': '127.0.0.1'}",
    "INFO Attempting to update proxy backend",
    "INFO Migrating 12 connections from server 'worker1'",
  ]);
});

test("startHaproxyHelper() mends drain, removes an old node and moves agents with the recorded calls", async () => {
  const { cluster, log } = await replay("change_and_imbalance");
  // Six of twelve are held, six exceed; then six are balanced. The latest enrolled go first.
  assert.deepEqual(
    cluster.reconnected.map((ids) => ids.map(Number)),
    [
      [6, 5, 4, 3, 2, 1],
      [12, 11, 10, 9, 8, 7],
      [12, 11, 10, 9, 8, 7],
    ],
  );
  const texts = log.texts().filter((text) => !text.startsWith("DEBUG"));
  assert.deepEqual(texts.slice(0, 21), [
    "INFO Proxy was initialized",
    `WARNING Several frontends exist binding the port "1514". To ensure the proper function of the helper, keep only the one related to the backend "wazuh_reporting".`,
    `WARNING Other frontends with the port "1514": other`,
    "INFO Ensuring only exists one HAProxy process. Sleeping 12s before start...",
    "INFO Starting HAProxy Helper",
    "WARNING Server 'master-node' was found DRAIN. Fixing it",
    "INFO Server 'oldnode' has been disconnected for over 240 minutes",
    "INFO Detected changes in Wazuh cluster nodes. Current cluster: {'master-node': '127.0.0.1', 'worker1': '127.0.0.1'}",
    "INFO Attempting to update proxy backend",
    "INFO Setting a value for `hard-stop-after` configuration.",
    "INFO Set `hard-stop-after` with 20.12 seconds.",
    "INFO Migrating 6 connections from server 'worker1'",
    "INFO Balancing exceeding connections after changes on the Wazuh backend",
    "INFO Waiting for agent connections stability",
    "INFO Load balancer backend is up to date",
    "INFO Agent imbalance detected. Waiting for agent status sync...",
    "INFO Balancing 6 agents from 'worker1'",
    "INFO Sleeping 10s before next cycle...",
    "ERROR Error 3044 - Could not connect to the HAProxy dataplane API: the recording is over",
    "WARNING Tasks may not perform as expected. Sleeping 10s before trying again...",
    "INFO Task ended",
  ]);
});

/** An API whose HAProxy has `backends`, a front end for each and no servers. */
function quietApi(
  backends: readonly string[] = ["cyb3rhq_reporting"],
  hardStopMs: number | null = 5000,
  algorithm = "leastconn",
) {
  const named = backends.map((name) => ({ name: `${name}_front`, default_backend: name }));
  return new FakeHttp(({ url }) => {
    const path = url.pathname.replace(/^\/v2\/(?:services\/haproxy\/)?/, "");
    const data = (value: unknown) => ({ status: 200, body: { _version: 1, data: value } });
    if (path === "runtime/info") return { status: 200, body: [{ info: { version: "2.8.5" } }] };
    if (path === "configuration/version") return { status: 200, body: 2 };
    if (path === "configuration/global")
      return data(hardStopMs === null ? {} : { hard_stop_after: hardStopMs });
    if (path === "configuration/backends")
      return data(backends.map((name) => ({ name, balance: { algorithm } })));
    if (path === "configuration/frontends") return data(named);
    return path === "health" ? { status: 200, body: {} } : data([]);
  });
}

async function logOf(
  http: FakeHttp,
  options: Partial<HaproxyHelperConfig>,
  until: string,
  startMs?: number,
): Promise<{ readonly lines: readonly string[]; readonly texts: readonly string[] }> {
  const needs = helperNeeds(http, startMs);
  const helper = startHaproxyHelper(needs, helperOptions(options), AGENT_PORT);
  await passTime(needs.clock, 100, () => needs.log.texts().includes(until));
  await helper.stop();
  return { lines: needs.log.lines, texts: needs.log.texts() };
}

/** The helper's lines in the sample of the guides. */
const SAMPLE = [
  "2024/04/05 19:23:06 INFO: [HAPHelper] [Main] Proxy was initialized",
  "2024/04/05 19:23:06 INFO: [HAPHelper] [Main] Ensuring only exists one HAProxy process. Sleeping 12s before start...",
  "2024/04/05 19:23:18 DEBUG2: [HAPHelper] [Proxy] Obtained proxy backends",
  "2024/04/05 19:23:18 DEBUG2: [HAPHelper] [Proxy] Obtained proxy frontends",
  "2024/04/05 19:23:18 INFO: [HAPHelper] [Main] Starting HAProxy Helper",
  "2024/04/05 19:23:18 DEBUG2: [HAPHelper] [Proxy] Obtained proxy servers",
];

test("startHaproxyHelper() writes the sample of the guides byte for byte", async () => {
  const startMs = new Date(2024, 3, 5, 19, 23, 6).getTime();
  const { lines } = await logOf(quietApi(), { backend: null }, "DEBUG2 Obtained proxy servers", startMs);
  const start = lines.indexOf(SAMPLE[2] ?? "");
  const shown = lines.filter((line) => /INFO/.test(line)).slice(0, 2);
  assert.deepEqual([...shown, ...lines.slice(start, start + 4)], SAMPLE);
  assert(!lines.some((line) => line.includes("WARNING")), "with plain HTTP nothing is said of TLS");
});

test("startHaproxyHelper() takes the configured backend, else the one HAProxy has, else makes this program's", async () => {
  const cases: readonly (readonly [has: readonly string[], backend: string | null, used: string])[] = [
    [["cyb3rhq_reporting", "wazuh_reporting"], "own", "own"],
    [["other", "wazuh_reporting"], null, "wazuh_reporting"],
    [["wazuh_reporting", "cyb3rhq_reporting"], null, "cyb3rhq_reporting"],
    [["other"], null, "cyb3rhq_reporting"],
  ];
  for (const [has, backend, used] of cases) {
    const http = quietApi(has);
    const { texts } = await logOf(http, { backend }, "INFO Starting HAProxy Helper");
    assert.equal(texts.includes(`WARNING Could not find Wazuh backend '${used}'`), !has.includes(used), used);
    const { requests } = http;
    assert.equal(
      requests.some(({ method, body }) => method === "POST" && body?.includes(`{"name":"${used}",`)),
      !has.includes(used),
    );
  }
});

test("startHaproxyHelper() warns of a backend that does not balance by leastconn", async () => {
  const warning =
    "WARNING The backend 'cyb3rhq_reporting' balances by 'roundrobin'; the helper needs 'leastconn'";
  for (const algorithm of ["leastconn", "roundrobin"]) {
    const http = quietApi(undefined, undefined, algorithm);
    const { texts } = await logOf(http, { backend: null }, "INFO Starting HAProxy Helper");
    assert.equal(texts.includes(warning), algorithm === "roundrobin");
  }
});

test("startHaproxyHelper() warns of TLS options that plain HTTP ignores only when one is written", async () => {
  const warning =
    "WARNING HTTPS related parameters have been set but will be ignored since HTTP is defined as protocol.";
  const { texts } = await logOf(quietApi(), { authorityFile: "/c.pem" }, "INFO Starting HAProxy Helper");
  assert.equal(texts[0], warning);
});

test("startHaproxyHelper() says why it cannot start once a period, and starts when it can", async () => {
  const cases: readonly (readonly [answer: { status: number; body: unknown } | string, text: string])[] = [
    [
      "connect ECONNREFUSED",
      "Error 3043 - Could not initialize Proxy API: Check connectivity and the configuration in the `ossec.conf`",
    ],
    [{ status: 401, body: {} }, "Error 3046 - Invalid credentials for the Proxy API"],
    [{ status: 404, body: {} }, "Error 3047 - Invalid HAProxy Dataplane API specification configured"],
    [
      { status: 200, body: [] },
      "Error 3048 - Could not detect a valid HAProxy process linked to the Dataplane API",
    ],
    [
      { status: 500, body: { message: "no\nsocket" } },
      "Error 3045 - Could not connect to HAProxy: no socket",
    ],
    [{ status: 502, body: "<html>" }, "Error 3045 - Could not connect to HAProxy: HTTP status 502"],
  ];
  for (const [answer, text] of cases) {
    let broken = true;
    const good = quietApi();
    const needs = helperNeeds({
      request: (request) => (broken ? new FakeHttp(() => answer) : good).request(request),
    });
    const helper = startHaproxyHelper(needs, helperOptions(), AGENT_PORT);
    await passTime(needs.clock, 25, () => needs.clock.monotonicMs() >= 25_000);
    const failure = [
      `ERROR ${text}`,
      "WARNING Tasks may not perform as expected. Sleeping 10s before trying again...",
    ];
    assert.deepEqual(needs.log.texts(), [...failure, ...failure, ...failure]);
    broken = false;
    await passTime(needs.clock, 30, () => needs.log.texts().includes("INFO Starting HAProxy Helper"));
    await helper.stop();
    assert.equal(needs.log.texts().at(-1), "INFO Task ended");
  }
});

test("startHaproxyHelper() ends with a line when its own code fails, and can be stopped after it", async () => {
  const needs = helperNeeds(quietApi());
  const nodes = () => Promise.reject(new TypeError("a mistake"));
  const view = { nodes, activeAgents: () => Promise.resolve(new Map()), reconnect: () => Promise.resolve() };
  const helper = startHaproxyHelper(
    { ...needs, cluster: view },
    helperOptions({ backend: null }),
    AGENT_PORT,
  );
  await passTime(needs.clock, 40, () => needs.log.texts().includes("INFO Task ended"));
  await helper.stop();
  assert.deepEqual(needs.log.texts().slice(-2), [
    "CRITICAL Unexpected exception: a mistake",
    "INFO Task ended",
  ]);
});

test("startHaproxyHelper() goes on when the cluster cannot answer", async () => {
  const needs = helperNeeds(quietApi());
  needs.cluster.failure = new CodedError("busy", "Error 3022 - Unknown node ID");
  const helper = startHaproxyHelper(needs, helperOptions({ backend: null }), AGENT_PORT);
  await passTime(needs.clock, 40, () => needs.log.texts().includes("ERROR Error 3022 - Unknown node ID"));
  needs.cluster.failure = null;
  await passTime(needs.clock, 40, () => needs.log.texts().includes("INFO Load balancer backend is balanced"));
  assert(needs.log.texts().includes("DEBUG There are not connections at the moment"));
  await helper.stop();
});

/** A HAProxy of the test's: what it has and what it was told. */
function smallHaproxy(
  servers: Record<string, { address: string; status?: string; scur?: number; lastchg?: number }>,
) {
  const told: string[] = [];
  const names = () => Object.entries(servers).map(([name, { address }]) => ({ name, address }));
  const quiet = quietApi(["wazuh_reporting"]);
  const http = new FakeHttp((request) => {
    const { url, method, body } = request;
    const name = url.pathname.split("/servers/")[1] ?? url.searchParams.get("name") ?? "";
    if (url.pathname.endsWith("stats/native")) {
      const { status = "UP", scur = 0, lastchg = 0 } = servers[name] ?? {};
      return { status: 200, body: [{ stats: [{ stats: { status, scur, lastchg } }] }] };
    }
    if (url.pathname.includes("/servers")) {
      if (method !== "GET") told.push(`${method} ${name}${body ?? ""}`);
      if (method === "DELETE") delete servers[name];
      if (method === "POST") {
        const added = JSON.parse(body ?? "") as { name: string; address: string };
        servers[added.name] = { address: added.address };
      }
      if (url.pathname.includes("/runtime/")) return { status: 200, body: { admin_state: "ready" } };
      return { status: 200, body: { _version: 1, data: names() } };
    }
    return quiet.answer(request);
  });
  return { http, told, servers };
}

test("startHaproxyHelper() compares excluded names as a whole and keeps nodes that only start again", async () => {
  const { http, told } = smallHaproxy({
    w: { address: "10.0.0.1" },
    worker1: { address: "10.0.0.2" },
    worker10: { address: "10.0.0.3" },
    young: { address: "10.0.0.4", status: "DOWN", lastchg: 59 },
    late: { address: "10.0.0.5", status: "DOWN", lastchg: 60 },
  });
  const needs = helperNeeds(http);
  needs.cluster.addresses = new Map([
    ["w", "10.0.0.1"],
    ["worker1", "10.0.0.9"],
    ["worker10", "10.0.0.3"],
    ["new node", "10.0.0.6"],
    ["evil", "10.0.0.7 backup\n"],
  ]);
  const options = helperOptions({ excludedNodes: ["worker10"], removeDisconnectedMinutes: 1 });
  const helper = startHaproxyHelper(needs, options, AGENT_PORT);
  await passTime(needs.clock, 90, () =>
    needs.log.texts().includes("INFO Load balancer backend is up to date"),
  );
  await helper.stop();
  assert.deepEqual(told, [
    "DELETE worker1",
    "DELETE worker10",
    "DELETE late",
    'POST {"check":"enabled","name":"worker1","address":"10.0.0.9","port":1514}',
  ]);
  for (const text of [
    "INFO Server 'worker10' has been excluded but is currently active. Removing it",
    "INFO Server 'young' has not been disconnected enough time to remove it",
    "INFO Server 'late' has been disconnected for over 1 minutes",
    "WARNING Node 'new node' with the address '10.0.0.6' cannot be a server of HAProxy",
    "WARNING Node 'evil' with the address '10.0.0.7 backup\\n' cannot be a server of HAProxy",
  ]) {
    assert.equal(
      needs.log.texts().filter((line) => line === text).length,
      text.includes("young") ? 2 : 1,
      text,
    );
  }
});

const RESTART_AT_SECONDS = 40;
/** A restart, and the pause of a worker before it tries its master again. */
const RESTART_SECONDS = 20;

/** How HAProxy sees a node whose process is away for so long: three checks that fail, then one that does not. */
function checkedAway(secondsSince: number) {
  const upForDays = 900_000 + Math.floor(secondsSince);
  if (secondsSince < 0 || secondsSince > RESTART_SECONDS + 2) return { status: "UP", lastchg: upForDays };
  const failed = Math.floor(secondsSince / 2);
  if (failed === 0) return { status: "UP", lastchg: upForDays };
  if (failed < 3) return { status: `UP ${3 - failed}/3`, lastchg: upForDays };
  return { status: "DOWN", lastchg: Math.floor(secondsSince - 6) };
}

/** A worker that only connects anew to its master, while a check of HAProxy is lost. */
function checkedOnceMore(secondsSince: number) {
  const status = secondsSince >= 0 && secondsSince < RESTART_SECONDS ? "UP 2/3" : "UP";
  return { status, lastchg: 900_000 };
}

const CASES = [
  { minutes: 1, checked: checkedAway },
  { minutes: 0, checked: checkedOnceMore },
];

test("startHaproxyHelper() never removes a node that restarts or connects anew, whenever it looks", async () => {
  const moments = Array.from({ length: 24 }, (_, at) => at / 2);
  for (const { minutes, checked, offset } of CASES.flatMap((one) =>
    moments.map((offset) => ({ ...one, offset })),
  )) {
    const servers = {
      master: { address: "10.0.0.1" },
      worker1: { address: "10.0.0.2", status: "UP", lastchg: 0 },
    };
    const { http, told } = smallHaproxy(servers);
    const needs = helperNeeds(http);
    const all = new Map(Object.entries(servers).map(([name, { address }]) => [name, address]));
    const options = helperOptions({ removeDisconnectedMinutes: minutes });
    const helper = startHaproxyHelper(needs, options, AGENT_PORT);
    await passTime(needs.clock, 140, () => {
      const since = needs.clock.monotonicMs() / 1000 - RESTART_AT_SECONDS - offset;
      const isThere = since < 0 || since >= RESTART_SECONDS;
      needs.cluster.addresses = isThere ? all : new Map([["master", "10.0.0.1"]]);
      Object.assign(servers.worker1 ?? {}, checked(since));
      return since > 70;
    });
    await helper.stop();
    assert.deepEqual(told, [], `${offset} s after a look`);
    const missed = "INFO Server 'worker1' has not been disconnected enough time to remove it";
    assert(needs.log.texts().includes(missed));
  }
});

test("startHaproxyHelper() removes a node when it was missing and down for long, not when only one is so", async () => {
  // HAProxy cannot reach it for hours, its master can.
  const servers = { w: { address: "10.0.0.2", status: "DOWN", lastchg: 90_000 } };
  const { http, told } = smallHaproxy(servers);
  const needs = helperNeeds(http);
  const there = new Map([["w", "10.0.0.2"]]);
  needs.cluster.addresses = there;
  const helper = startHaproxyHelper(needs, helperOptions({ removeDisconnectedMinutes: 1 }), AGENT_PORT);
  const reach = (seconds: number) =>
    passTime(needs.clock, 120, () => needs.clock.monotonicMs() >= seconds * 1000);
  await reach(45);
  needs.cluster.addresses = new Map();
  await reach(95);
  needs.cluster.addresses = there;
  await reach(110);
  needs.cluster.addresses = new Map();
  await reach(170);
  assert.deepEqual(told, []);
  await reach(190);
  assert.deepEqual(told, ["DELETE w"]);
  await helper.stop();
});

test("startHaproxyHelper() reads certificates again after a failure", async () => {
  let isDown = false;
  const good = quietApi();
  const http = new FakeHttp((request) => (isDown ? "certificate has expired" : good.answer(request)));
  const needs = helperNeeds(http);
  needs.files.write("/ca.pem", "ca");
  needs.files.write("/client.pem", "old");
  const files = { authorityFile: "/ca.pem", clientCertificateFile: "/client.pem" };
  const helper = startHaproxyHelper(needs, helperOptions({ protocol: "https", ...files }), AGENT_PORT);
  const said = (text: string) => () => needs.log.texts().some((line) => line.includes(text));
  await passTime(needs.clock, 40, said("Starting HAProxy Helper"));
  isDown = true;
  await passTime(needs.clock, 40, said("certificate has expired"));
  needs.files.write("/client.pem", "new");
  isDown = false;
  needs.log.lines.length = 0;
  await passTime(needs.clock, 40, said("is up to date"));
  await helper.stop();
  assert.equal(http.requests.at(-1)?.tls?.client?.certificate.toString(), "new");
});

test("Sleeper pauses for weeks at most, since a timer of the host takes no more", async () => {
  const { clock } = helperNeeds(quietApi());
  let askedMs = 0;
  const after = (delayMs: number, run: () => void) => {
    askedMs = delayMs;
    return clock.after(0, run);
  };
  const sleeping = new Sleeper({
    after,
    every: after,
    wallMs: () => 0,
    monotonicMs: () => 0,
  }).sleep(Number.MAX_SAFE_INTEGER);
  clock.advance(1);
  await sleeping;
  assert(askedMs > 1_000_000_000 && askedMs < 2 ** 31);
});

test("startHaproxyHelper() gives up a migration whose new servers stay down, and tells which", async () => {
  const { http, servers } = smallHaproxy({});
  const needs = helperNeeds(http);
  needs.cluster.addresses = new Map([["n1", "10.0.0.1"]]);
  const helper = startHaproxyHelper(needs, helperOptions(), AGENT_PORT);
  await passTime(needs.clock, 20, () => {
    if (servers["n1"] !== undefined) servers["n1"].status = "UP 1/3";
    return servers["n1"] !== undefined;
  });
  const timedOut = "ERROR Error 3041 - Server status check timed out after adding new servers";
  await passTime(needs.clock, 70, () => needs.log.texts().includes(timedOut));
  assert(needs.log.texts().includes("ERROR Some of the new servers did not go UP: {'n1'}"));
  await helper.stop();
});

test("startHaproxyHelper() takes drained servers back when it is stopped, and when agents or HAProxy fail it", async () => {
  for (const how of ["stop", "cluster", "haproxy"] as const) {
    const { http, told } = smallHaproxy({ a: { address: "10.0.0.1" }, b: { address: "10.0.0.2" } });
    const refuses = (request: HttpRequest) =>
      how === "haproxy" && /servers\/a.*ready/.test(request.url + (request.body ?? ""));
    const needs = helperNeeds(
      new FakeHttp((request) => {
        const answer = http.answer(request);
        return refuses(request) ? { status: 500, body: { message: "not now" } } : answer;
      }),
    );
    needs.cluster.addresses = new Map([
      ["a", "10.0.0.1"],
      ["b", "10.0.0.2"],
      ["c", "10.0.0.3"],
    ]);
    needs.cluster.agentsOf = new Map([["b", agents(1)]]);
    const helper = startHaproxyHelper(needs, helperOptions(), AGENT_PORT);
    await passTime(needs.clock, 60, () => told.some((line) => line.startsWith("PUT c")));
    if (how === "cluster") {
      needs.cluster.failure = new CodedError("gone", "gone");
      await passTime(needs.clock, 20, () => needs.log.texts().includes("ERROR gone"));
    }
    await helper.stop();
    assert.deepEqual(
      told.filter((line) => line.startsWith("PUT")),
      [
        ["a", "drain"],
        ["c", "drain"],
        ["a", "ready"],
        ["c", "ready"],
      ].map(([server, state]) => `PUT ${server}{"admin_state":"${state}"}`),
      how,
    );
    assert.equal(
      needs.log.texts().includes("ERROR Error 3045 - Could not connect to HAProxy: not now"),
      how === "haproxy",
    );
  }
});

test("startHaproxyHelper() tells agents in chunks and leaves out those that would not understand", async () => {
  const { http } = smallHaproxy({
    a: { address: "10.0.0.1", scur: 400 },
    b: { address: "10.0.0.2", scur: 0 },
  });
  const needs = helperNeeds(http);
  needs.cluster.addresses = new Map([
    ["a", "10.0.0.1"],
    ["b", "10.0.0.2"],
  ]);
  needs.cluster.agentsOf = new Map([["a", [...agents(150), ...agents(250, "Wazuh v4.2.7", 1000)]]]);
  const helper = startHaproxyHelper(needs, helperOptions(), AGENT_PORT);
  await passTime(needs.clock, 90, () => needs.log.texts().includes("INFO Sleeping 10s before next cycle..."));
  await helper.stop();
  assert.deepEqual(
    needs.cluster.reconnected.map((ids) => ids.length),
    [100, 50],
  );
  const texts = needs.log.texts().filter((text) => !text.startsWith("DEBUG2"));
  const start = texts.indexOf(
    "DEBUG Checking for agent balance. Current connections distribution: {'a': 400, 'b': 0}",
  );
  assert.deepEqual(texts.slice(start + 1, start + 9), [
    "INFO Agent imbalance detected. Waiting for agent status sync...",
    "WARNING Some agents from node a are not compatible with the reconnection endpoint. Balance might not be precise",
    "INFO Balancing 150 agents from 'a'",
    "DEBUG Reconnecting agents",
    "DEBUG Agent reconnection chunk size is set to 100. Total iterations: 2",
    "DEBUG Delay between agent reconnections. Sleeping 1s...",
    "DEBUG Delay between agent reconnections. Sleeping 1s...",
    "INFO Sleeping 10s before next cycle...",
  ]);
});
