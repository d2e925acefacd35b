/**
 * Goal: the password goes to the configured host only, the version follows the answers, and no answer makes the driver fail otherwise
 * than by a code. Method: answers of the test's, redirects to everywhere, damaged and seeded JSON.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { CodedError } from "#kernel/errors.ts";
import { Secret } from "#model/secret.ts";
import { FakeFiles } from "#testing/files.ts";
import { SeededRandom } from "#testing/random.ts";
import { type FakeAnswer, FakeHttp, helperOptions } from "../fixture.ts";
import { ANSWER_BYTES_MAX, REDIRECTS_MAX } from "../limits.ts";
import { DataPlaneClient, RELOADED } from "./client.ts";
import { DataPlaneDriver } from "./driver.ts";

const AUTHORITY = Buffer.from("authority");
const CLIENT = { certificate: Buffer.from("c"), key: null, keyPassword: null };

function clientFor(http: FakeHttp, protocol: "http" | "https" = "http", host = "127.0.0.1"): DataPlaneClient {
  const tls = protocol === "https" ? { authority: AUTHORITY, client: CLIENT } : null;
  return new DataPlaneClient(http, {
    protocol,
    host,
    port: 5555,
    user: "u:",
    password: new Secret("p,ß"),
    tls,
  });
}

const hasCode = (code: string) => (error: unknown) => error instanceof CodedError && error.code === code;

test("DataPlaneClient carries the version of the last answer, and asks for it after a change", async () => {
  const answers: FakeAnswer[] = [
    { status: 200, body: { _version: 7, data: [] } },
    { status: 202, body: { name: "x" } },
    { status: 200, body: 8 },
    { status: 200, body: [] },
    { status: 200, body: { _version: "9" } },
    { status: 204, body: null },
    { status: 200, body: "no number" },
  ];
  const http = new FakeHttp(() => answers.shift() ?? "over");
  const client = clientFor(http);
  await client.get("services/haproxy/configuration/backends");
  await client.post("services/haproxy/configuration/backends", [RELOADED], { name: "x" });
  await client.get("services/haproxy/runtime/info");
  await client.put("services/haproxy/runtime/servers/a", [["backend", "b"]], {});
  const noVersion = client.delete("services/haproxy/configuration/servers/a", []);
  await assert.rejects(noVersion, hasCode("haproxy_3049"));
  assert.deepEqual(
    http.requests.map(({ url }) => url.search),
    [
      "?version=0",
      "?force_reload=true&version=7",
      "?version=7",
      "?version=8",
      "?backend=b&version=8",
      "?version=8",
      "?version=8",
    ],
  );
  assert.equal(
    http.requests[0]?.headers["authorization"],
    `Basic ${Buffer.from("u::p,\xdf", "latin1").toString("base64")}`,
  );
});

test("DataPlaneClient follows redirects and keeps password and certificate from other hosts", async () => {
  const places = ["https://127.0.0.1:5555/v2/x", "https://elsewhere:5555/y", "/z"];
  const http = new FakeHttp(({ url }) => {
    const location = places[http.requests.length - 1];
    return location === undefined
      ? { status: 200, body: { host: url.host } }
      : { status: 307, body: null, location };
  });
  await clientFor(http, "https").post("a", [], { b: 1 });
  assert.deepEqual(
    http.requests.map(({ url, method, body, headers, tls }) => [
      `${method} ${url.href} ${body}`,
      headers["authorization"] !== undefined,
      tls?.client !== null,
    ]),
    [
      ['POST https://127.0.0.1:5555/v2/a?version=0 {"b":1}', true, true],
      ['POST https://127.0.0.1:5555/v2/x {"b":1}', true, true],
      ['POST https://elsewhere:5555/y {"b":1}', false, false],
      ['POST https://elsewhere:5555/z {"b":1}', false, false],
    ],
  );
  const once = new FakeHttp(({ method }) =>
    method === "POST" ? { status: 302, body: null, location: "/v2/b" } : { status: 200, body: {} },
  );
  await clientFor(once).post("a", [], { b: 1 });
  assert.deepEqual([once.requests[1]?.method, once.requests[1]?.body], ["GET", null]);
});

test("DataPlaneClient ends redirects without an end, out of TLS and to no URL", async () => {
  for (const location of [
    "http://127.0.0.1:5555/v2/a",
    "file:///etc/passwd",
    "https://[",
    "https://127.0.0.1:5555/v2/a",
  ]) {
    const http = new FakeHttp(() => ({ status: 308, body: null, location }));
    await assert.rejects(clientFor(http, "https").get("a"), hasCode("haproxy_3044"), location);
    assert(http.requests.length <= REDIRECTS_MAX + 1);
  }
});

test("DataPlaneClient does not follow a redirect of the health call", async () => {
  const http = new FakeHttp(() => ({ status: 301, body: null, location: "https://elsewhere/" }));
  await clientFor(http).checkHealth();
  assert.equal(http.requests.length, 1);
});

test("DataPlaneClient refuses an address that would make another URL", async () => {
  assert.doesNotThrow(() => clientFor(new FakeHttp(() => ""), "http", "fe80::1"));
  for (const host of ["", "a/b", "u@h", "h?x", "h#x", "a b", "[::1", "::g"]) {
    assert.throws(() => clientFor(new FakeHttp(() => ""), "http", host), hasCode("haproxy_3042"), host);
  }
});

test("DataPlaneClient bounds what it reads and what it repeats of another program", async () => {
  const http = new FakeHttp(() => ({ status: 500, body: { message: `\n${"x".repeat(100_000)}` } }));
  const failure = await clientFor(http)
    .get("a")
    .catch((error: unknown) => error);
  assert(failure instanceof CodedError);
  assert.match(failure.message, /^Error 3045 - Could not connect to HAProxy: x{400,}$/);
  assert(failure.message.length < 1000);
  assert.equal(http.requests[0]?.answerBytesMax, ANSWER_BYTES_MAX);
});

function seededJson(random: SeededRandom, depth: number): unknown {
  const keys = [
    "data",
    "name",
    "address",
    "info",
    "version",
    "stats",
    "status",
    "port",
    "_version",
    "__proto__",
    "balance",
  ];
  switch (random.below(depth === 0 ? 5 : 7)) {
    case 0:
      return null;
    case 1:
      return random.pick([0, -1, 1e300, 5, Number.NaN]);
    case 2:
      return random.pick(["", "UP", "x", "drain"]);
    case 3:
      return random.pick([true, false]);
    case 4:
      return [];
    case 5:
      return Array.from({ length: random.below(4) }, () => seededJson(random, depth - 1));
    default:
      return Object.fromEntries(
        Array.from({ length: random.below(4) }, () => [random.pick(keys), seededJson(random, depth - 1)]),
      );
  }
}

test("DataPlaneDriver takes any JSON for an answer or refuses it by a code", async () => {
  const random = new SeededRandom(3);
  const answers = () => ({
    status: random.pick([200, 200, 200, 204, 404, 500]),
    body: seededJson(random, 4),
  });
  for (let run = 0; run < 500; run++) {
    let healthy = 2;
    const http = new FakeHttp(() =>
      healthy-- > 0 ? { status: 200, body: [{ info: { version: "2.8.5" } }] } : answers(),
    );
    const driver = new DataPlaneDriver(helperOptions(), { http, files: new FakeFiles() });
    await driver.initialize();
    for (const call of [
      () => driver.backends(),
      () => driver.servers("b"),
      () => driver.stats("b", "s"),
      () => driver.isDrained("b", "s"),
      () => driver.addServer("b", "s", "10.0.0.1", 1514),
      () => driver.configuration.hardStopSeconds(),
      () => driver.configuration.setHardStop(20.12),
      () => driver.configuration.frontends(),
      () => driver.configuration.boundPorts("f"),
    ]) {
      await call().catch((error: unknown) => assert(error instanceof CodedError, String(error)));
    }
  }
});

test("DataPlaneDriver lets no name through that would be another line of a log", async () => {
  for (const name of ["a\nb", "a\u010ab", "\x1b[2J", ""]) {
    const http = new FakeHttp(({ url }) =>
      url.pathname.endsWith("info")
        ? { status: 200, body: [{ info: { version: "2.8.5" } }] }
        : { status: 200, body: { data: [{ name, address: "x" }] } },
    );
    const driver = new DataPlaneDriver(helperOptions(), { http, files: new FakeFiles() });
    await driver.initialize();
    await assert.rejects(driver.servers("b"), hasCode("haproxy_3049"));
  }
  const told = new FakeHttp(() => ({ status: 500, body: { message: "a\u010ab\nc" } }));
  const failure = await clientFor(told)
    .get("a")
    .catch((error: unknown) => error);
  assert(failure instanceof CodedError);
  assert.equal(failure.message, "Error 3045 - Could not connect to HAProxy: a b c");
});

test("DataPlaneDriver never writes back a global section that it has not read", async () => {
  const http = new FakeHttp(({ url }) =>
    url.pathname.endsWith("info")
      ? { status: 200, body: [{ info: { version: "2.8.5" } }] }
      : { status: 200, body: { _version: 1 } },
  );
  const driver = new DataPlaneDriver(helperOptions(), { http, files: new FakeFiles() });
  await driver.initialize();
  await assert.rejects(driver.configuration.setHardStop(20), hasCode("haproxy_3049"));
  assert(http.requests.every(({ method }) => method === "GET"));
});

test("DataPlaneDriver refuses by a code to write back what is nested deeper than it can write", async () => {
  const depth = 100_000;
  const deep = `{"_version":1,"data":${'{"0":'.repeat(depth)}1${"}".repeat(depth)}}`;
  const http = new FakeHttp(({ url }) =>
    url.pathname.endsWith("global")
      ? { status: 200, body: deep }
      : { status: 200, body: [{ info: { version: "2.8.5" } }] },
  );
  const driver = new DataPlaneDriver(helperOptions(), { http, files: new FakeFiles() });
  await driver.initialize();
  await assert.rejects(driver.configuration.setHardStop(20), hasCode("haproxy_3049"));
});

test("DataPlaneDriver names the resolver for nodes that are known by name only", async () => {
  const http = new FakeHttp(() => ({ status: 200, body: [{ info: { version: "2.8.5" } }] }));
  const driver = new DataPlaneDriver(helperOptions({ resolver: "dns" }), { http, files: new FakeFiles() });
  await driver.initialize();
  await driver.addServer("b", "n", "master.example.org", 1514).catch(() => {});
  await driver.addServer("b", "n", "fe80::1", 1514).catch(() => {});
  const bodies = http.requests.flatMap(({ body }) => (body === null ? [] : [JSON.parse(body)]));
  const plain = { check: "enabled", name: "n", port: 1514 };
  assert.deepEqual(bodies, [
    { ...plain, address: "master.example.org", resolvers: "dns", "init-addr": "last,libc,none" },
    { ...plain, address: "fe80::1" },
  ]);
});
