/**
 * Goal: the stand-in of the Data Plane API answers as the recorded calls show, so that what holds with it holds with the API. Method:
 * the recorded requests sent to it, with a free port instead of 1514; what it refuses; TLS with and without the right certificates.
 */
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { systemHttpClient } from "#kernel/platform/http-client.ts";
import type { HttpRequest } from "#kernel/ports/http-client.ts";
import { Secret } from "#model/secret.ts";
import { issue, issueServer, selfSigned } from "#testing/certificates.ts";
import { until } from "../e2e/until.ts";
import { DataPlaneStandIn, type StandInOptions } from "./data-plane.ts";
import { NO_HAPROXY } from "./haproxy-process.ts";
import { freePort, runHelper } from "./helper-run.ts";
import { SmallCluster } from "./small-cluster.ts";

const CREDENTIALS = { user: "haproxyuser", password: "haproxypass" };
const STEP_MS_MAX = 10_000;

async function start(t: TestContext, options: Partial<StandInOptions> = {}) {
  const directory = mkdtempSync(join(tmpdir(), "haproxy-stand-in-"));
  const standIn = await DataPlaneStandIn.start({
    directory,
    ...CREDENTIALS,
    bindAddress: "127.0.0.5",
    ...options,
  });
  t.after(async () => {
    await standIn.stop();
    rmSync(directory, { recursive: true });
  });
  return { standIn, directory };
}

async function send(
  port: number,
  method: HttpRequest["method"],
  path: string,
  body: unknown,
  password = "haproxypass",
) {
  const credentials = Buffer.from(`${CREDENTIALS.user}:${password}`).toString("base64");
  const answer = await systemHttpClient.request({
    method,
    url: new URL(`http://127.0.0.1:${port}${path}`),
    headers: { authorization: `Basic ${credentials}` },
    body: body === null ? null : JSON.stringify(body),
    tls: null,
    silenceMsMax: STEP_MS_MAX,
    wholeMsMax: STEP_MS_MAX,
    answerBytesMax: 100_000,
  });
  const text = answer.body.toString();
  return { status: answer.status, text, body: text === "" ? null : JSON.parse(text) };
}

type Call = {
  readonly method: HttpRequest["method"];
  readonly path_and_query: string;
  readonly body: unknown;
  readonly status: number;
  readonly response: unknown;
};

/** What depends on the moment and the host becomes its type. */
function shapeOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(shapeOf);
  if (typeof value !== "object" || value === null) return typeof value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key]) => key !== "pid")
      .map(([key, item]) => [key, shapeOf(item)]),
  );
}

test("DataPlaneStandIn answers the recorded calls as the recording says", { skip: NO_HAPROXY }, async (t) => {
  const { standIn } = await start(t, { model: { global: { daemon: "enabled", maxconn: 4000 } } });
  const agentPort = await freePort();
  const node = createServer((socket) => socket.on("error", () => socket.destroy()));
  await new Promise<void>((resolve) => node.listen(agentPort, "127.0.0.1", resolve));
  t.after(() => node.close());
  const url = new URL("../vectors/cluster/haproxy_calls_first_start.json", import.meta.url);
  const text = readFileSync(url, "utf8").replaceAll("1514", String(agentPort));
  const { calls } = JSON.parse(text) as { calls: Call[] };
  for (const { method, path_and_query: path, body, status, response } of calls) {
    const answer = await send(standIn.port, method, path, body);
    assert.equal(answer.status, status, `${method} ${path}: ${answer.text}`);
    if (path.includes("/configuration/")) assert.deepEqual(answer.body, response, `${method} ${path}`);
    else assert.deepEqual(shapeOf(answer.body), shapeOf(response), `${method} ${path}`);
    if (path.includes("/runtime/servers/")) {
      assert.equal(answer.body.admin_state, (response as { admin_state: string }).admin_state, path);
    }
  }
});

test("DataPlaneStandIn refuses strangers, old versions, other paths and what HAProxy refuses", {
  skip: NO_HAPROXY,
}, async (t) => {
  const { standIn } = await start(t);
  const { port } = standIn;
  const servers = "/v2/services/haproxy/configuration/backends?force_reload=true";
  const backend = (name: string) => ({ name, mode: "tcp" });
  assert.equal((await send(port, "GET", "/v2/health", null, "wrong")).status, 401);
  assert.equal((await send(port, "GET", "/v3/health", null)).status, 404);
  assert.equal((await send(port, "POST", `${servers}&version=9`, backend("b"))).status, 409);
  const refused = await send(port, "POST", `${servers}&version=1`, backend("no!name"));
  assert.equal(refused.status, 400);
  assert.match(refused.body.message, /no!name/);
  assert.equal((await send(port, "POST", `${servers}&version=1`, backend("b"))).status, 201);
  assert.equal((await send(port, "GET", "/v2/services/haproxy/configuration/version", null)).body, 2);
  const info = '{"api":{"build_date":"2024-05-13T14:06:03.000Z","version":"v2.9.3 59f34ea1"},"system":{}}';
  assert.equal((await send(port, "GET", "/v2/info", null)).text, info);
});

test("HaproxyHelper speaks TLS both ways, and starts with the right certificates only", {
  skip: NO_HAPROXY,
}, async (t) => {
  const authority = await selfSigned("authority", "api");
  const api = await issueServer(authority);
  const clients = await selfSigned("authority", "clients");
  const client = await issue(clients);
  const tls = { cert: api.certificate, key: api.key, ca: clients.certificate };
  const { standIn, directory } = await start(t, { tls });
  const file = (name: string, content: string) => {
    writeFileSync(join(directory, name), content);
    return join(directory, name);
  };
  const files = {
    clientCertificateFile: file("client.pem", client.certificate),
    clientKeyFile: file("client.key", client.key),
  };
  const own = file("api.pem", api.certificate);
  const cases = [
    [{ authorityFile: own, ...files }, "info Proxy was initialized"],
    [{ authorityFile: file("ca.pem", authority.certificate), ...files }, "info Proxy was initialized"],
    [{ authorityFile: file("other.pem", clients.certificate), ...files }, "error Error 3043 - "],
    [{ authorityFile: own }, "error Error 3043 - "],
    [{ authorityFile: join(directory, "absent") }, "error Error 3042 - User configuration is not valid: "],
  ] as const;
  for (const [options, line] of cases) {
    const cluster = new SmallCluster(0);
    const address = {
      address: "127.0.0.1",
      port: standIn.port,
      protocol: "https",
      user: CREDENTIALS.user,
    } as const;
    const password = new Secret(CREDENTIALS.password);
    const helper = runHelper(cluster, { ...address, password, ...options }, 1514, 50);
    await until(line, STEP_MS_MAX, () =>
      helper.lines.some((said) => said.startsWith("info") || said.startsWith("error")),
    );
    assert(helper.lines.find((said) => !said.startsWith("debug"))?.startsWith(line), helper.lines.join("\n"));
    await helper.stop();
  }
});
