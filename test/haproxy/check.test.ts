/**
 * Goal: `cyb3rhq cluster haproxy check` tells what the helper would find, or what to look at. Method: the program as users call it, the
 * stand-in of the Data Plane API over a real HAProxy, and places where nothing is, or something else.
 */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { freePort, writeInto } from "../e2e/home.ts";
import { DataPlaneStandIn } from "./data-plane.ts";
import { NO_HAPROXY } from "./haproxy-process.ts";

const LAUNCHER = fileURLToPath(new URL("../../cyb3rhq", import.meta.url));
const USER = "haproxyuser";
const PASSWORD = "pass,word";

/** What the command answers to a home with this block. */
function check(home: string, helper: string, ...words: readonly string[]) {
  const cluster = `<name>c</name><node_name>m</node_name><node_type>master</node_type>
    <key>c98b62a9b6169ac5f67dae55ae4a9088</key><nodes><node>127.0.0.1</node></nodes><disabled>no</disabled>`;
  const text = `<ossec_config><cluster>${cluster}${helper}</cluster></ossec_config>\n`;
  writeInto(home, "etc/ossec.conf", text);
  return new Promise<{ code: number | null; stdout: string; stderr: string }>((resolve) => {
    const args = ["cluster", "haproxy", "check", "--home", home, ...words];
    const child = execFile(LAUNCHER, args, (_, stdout, stderr) =>
      resolve({ code: child.exitCode, stdout, stderr }),
    );
  });
}

function block(port: number, password = PASSWORD): string {
  return `<haproxy_helper><haproxy_disabled>no</haproxy_disabled><haproxy_address>127.0.0.1</haproxy_address>
    <haproxy_port>${port}</haproxy_port><haproxy_user>${USER}</haproxy_user>
    <haproxy_password>${password}</haproxy_password></haproxy_helper>`;
}

test("cluster haproxy check shows program, backend and servers, and says why there are none", {
  skip: NO_HAPROXY,
}, async (t) => {
  const directory = mkdtempSync(join(tmpdir(), "haproxy-check-"));
  t.after(() => rmSync(directory, { recursive: true }));
  const home = join(directory, "home");
  const standIn = await DataPlaneStandIn.start({
    ...{ directory, user: USER, password: PASSWORD, bindAddress: "127.0.0.5" },
    api: { build_date: "2024-05-13T12:09:33.000Z", version: "v2.8.X 13ba2b34" },
    model: {
      backends: [{ name: "wazuh_reporting", balance: { algorithm: "leastconn" } }],
      servers: { wazuh_reporting: [{ name: "master-node", address: "127.0.0.1", port: 1 }] },
    },
  });
  t.after(() => standIn.stop());

  const authorization = `Basic ${Buffer.from(`${USER}:${PASSWORD}`).toString("base64")}`;
  const said = await fetch(`http://127.0.0.1:${standIn.port}/v2/info`, { headers: { authorization } });
  const bytes = '{"api":{"build_date":"2024-05-13T12:09:33.000Z","version":"v2.8.X 13ba2b34"},"system":{}}';
  assert.equal(await said.text(), bytes);

  const found = [
    "Backend wazuh_reporting, balance leastconn; servers, with their connections:",
    "master-node              127.0.0.1                no check (0)",
    "",
  ];
  const dataPlane = "Data Plane API v2.8.X 13ba2b34, built 2024-05-13T12:09:33.000Z";
  assert.deepEqual(await check(home, block(standIn.port)), {
    code: 0,
    stdout: [dataPlane, ...found].join("\n"),
    stderr: "",
  });
  const json = JSON.parse((await check(home, block(standIn.port), "--json")).stdout);
  assert.equal(json.backend.servers[0].name, "master-node");
  const socket = `<haproxy_helper><haproxy_disabled>no</haproxy_disabled><haproxy_mode>runtime</haproxy_mode>
    <haproxy_socket>${join(directory, "stats.sock")}</haproxy_socket></haproxy_helper>`;
  const byS = await check(home, socket);
  assert.match(byS.stdout, /^HAProxy [\d.]+/);
  assert(byS.stdout.endsWith(found.join("\n")), byS.stdout);

  const other = createServer((_, response) => response.writeHead(404).end());
  await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
  t.after(() => other.close());
  const address = other.address();
  const otherPort = address !== null && typeof address === "object" ? address.port : 0;
  const cases = [
    [block(await freePort()), /Error 3043 - .*ECONNREFUSED.*\nNobody listens at haproxy_address/],
    [block(standIn.port, "wrong"), /Error 3046 - .*\nhaproxy_user and haproxy_password are not those/],
    [block(otherPort), /Error 3047 - .*\n.*version 3 serves \/v3 only/],
    ["", /No HAProxy helper is configured/],
  ] as const;
  for (const [helper, reason] of cases) {
    const { code, stdout, stderr } = await check(home, helper);
    assert.deepEqual([code, stdout], [1, ""]);
    assert.match(stderr, reason);
    assert(!stderr.includes(PASSWORD));
  }
});
