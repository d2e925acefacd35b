/**
 * Goal: only what the repository's sum says comes into `var/upgrade`, however the network behaves, and what was brought is not brought twice.
 * Method: a https server of Node on loopback under an authority of its own, which breaks off, lies, redirects and never ends.
 */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { after, before, beforeEach, test } from "node:test";
import { WPK_BYTES_MAX } from "#formats/wpk/wpk.ts";
import { systemHttpClient } from "#kernel/platform/http-client.ts";
import { issueServer, selfSigned } from "#testing/certificates.ts";
import { FakeClock } from "#testing/clock.ts";
import { FakeFiles } from "#testing/files.ts";
import { type Answer, WebServer } from "#testing/web-server.ts";
import { type DownloadProgress, downloadPackages } from "./download.ts";
import { DOWNLOAD_ATTEMPTS_MAX } from "./limits.ts";

const BYTES = Buffer.alloc(300_000, "wpk ");
const SHA1 = createHash("sha1").update(BYTES).digest("hex");
const PLACE = { folder: "windows/", name: "wazuh_agent_v4.14.7_windows.wpk" };
const PATH = `/var/upgrade/${PLACE.name}`;
const PART = `/var/upgrade/${SHA1}.part`;
const VERSIONS = `v4.14.6 ${"1".repeat(40)}\nv4.14.7 ${SHA1}\n`;

let server: WebServer;
let plain: WebServer;
let authority: Buffer | null;
let files: FakeFiles;
let shown: DownloadProgress[];

before(async () => {
  const root = await selfSigned("authority", "repository");
  authority = Buffer.from(root.certificate);
  server = await WebServer.start(await issueServer(root));
  plain = await WebServer.start(null);
});
after(async () => {
  await Promise.all([server.stop(), plain.stop()]);
});
beforeEach(() => {
  files = new FakeFiles();
  shown = [];
  server.asked.length = 0;
});

/** Time passes whenever nothing else does, so waits between attempts cost nothing. */
async function download(repository = server.address, places = [PLACE]) {
  const clock = new FakeClock();
  const timer = setInterval(() => clock.advance(1000), 5);
  const needs = {
    http: systemHttpClient,
    files,
    clock,
    progress: (now: DownloadProgress) => shown.push(now),
  };
  const tls = { authority, client: null };
  const request = { repository, version: "v4.14.7", places, directory: "/var/upgrade", tls };
  try {
    const outcome = (await downloadPackages(needs, request)).at(-1);
    assert(outcome !== undefined);
    return outcome;
  } finally {
    clearInterval(timer);
  }
}

/** `versions` is as it should be; `answer` is for the package. */
function withPackage(answer: Answer): void {
  server.answer = (request, response) => {
    if (request.url?.endsWith("/versions")) response.end(VERSIONS);
    else answer(request, response);
  };
}

function sendRange(request: IncomingMessage, response: ServerResponse): void {
  const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? "bytes=0-")?.[1]);
  const part = BYTES.subarray(from);
  const range = `bytes ${from}-${BYTES.length - 1}/${BYTES.length}`;
  response.writeHead(206, { "content-length": part.length, "content-range": range }).end(part);
}

async function refusal(code: string, text: RegExp): Promise<void> {
  const outcome = await download();
  assert(!outcome.ok);
  assert.equal(outcome.code, code);
  assert.match(outcome.text, text);
  assert.equal(files.info(PATH), null, "nothing is there under the package's name");
}

test("downloadPackages() brings a package, and a second time only looks at the sum", async () => {
  withPackage((_, response) => response.writeHead(200, { "content-length": BYTES.length }).end(BYTES));
  assert.deepEqual(await download(), { ok: true, path: PATH });
  assert.deepEqual(files.read(PATH), BYTES);
  assert.equal(files.info(PART), null);
  assert.deepEqual(shown.at(-1)?.totalBytes, BYTES.length);
  assert.deepEqual(await download(), { ok: true, path: PATH });
  const asked = ["GET /windows/versions", `GET /windows/${PLACE.name}`, "GET /windows/versions"];
  assert.deepEqual(server.asked, asked);
  files.write(PATH, "changed by somebody");
  assert.deepEqual(await download(), { ok: true, path: PATH });
  assert.deepEqual(files.read(PATH), BYTES);
});

test("downloadPackages() goes on where a broken connection ended", async () => {
  let requests = 0;
  withPackage((request, response) => {
    if (++requests > 2) return sendRange(request, response);
    const from = requests === 1 ? 0 : 100_000;
    const range = `bytes ${from}-${BYTES.length - 1}/${BYTES.length}`;
    response.writeHead(requests === 1 ? 200 : 206, { "content-range": range });
    response.write(BYTES.subarray(from, from + 100_000), () => setTimeout(() => response.destroy(), 20));
  });
  assert.deepEqual(await download(), { ok: true, path: PATH });
  assert.deepEqual(files.read(PATH), BYTES);
  assert.equal(requests, 3);
});

test("downloadPackages() begins anew when what was there belongs to another file", async () => {
  files.write(PART, "of another package");
  withPackage(sendRange);
  assert.deepEqual(await download(), { ok: true, path: PATH });
  assert.deepEqual(files.read(PATH), BYTES);
  for (const status of [200, 416]) {
    files.replace(PART, Buffer.alloc(400_000));
    files.remove(PATH);
    withPackage((request, response) => {
      if (request.headers.range !== undefined && status === 416) response.writeHead(416).end();
      else response.writeHead(200).end(BYTES);
    });
    assert.deepEqual(await download(), { ok: true, path: PATH }, String(status));
    assert.deepEqual(files.read(PATH), BYTES);
  }
});

test("downloadPackages() refuses a package with another sum, and keeps nothing of it", async () => {
  withPackage((_, response) => response.end("something else"));
  await refusal("package_sum_wrong", /the repository says/);
  assert.equal(files.info(PART), null);
});

test("downloadPackages() says why there is no package: missing, failing, without end", async () => {
  withPackage((_, response) => response.writeHead(404).end("no such page"));
  await refusal("package_missing", /status 404/);
  withPackage((_, response) => response.writeHead(503).end());
  server.asked.length = 0;
  await refusal("package_missing", /status 503/);
  assert.equal(server.asked.length, 1 + DOWNLOAD_ATTEMPTS_MAX);
  withPackage((_, response) => {
    response.writeHead(206, { "content-range": "bytes 7-9/10" }).end("789");
  });
  files.write(PART, "12345");
  await refusal("package_missing", /another part was sent/);
});

test("downloadPackages() takes no more than a package may have", async () => {
  files.replace(PART, Buffer.alloc(WPK_BYTES_MAX));
  withPackage((request, response) => {
    const from = /^bytes=(\d+)-/.exec(request.headers.range ?? "")?.[1];
    response.writeHead(206, { "content-range": `bytes ${from}-999999999/*` }).end("x");
  });
  await refusal("package_missing", /more than 134217728 bytes/);
});

test("downloadPackages() says why there is no sum: unreachable, unknown, without end, not trusted", async () => {
  server.answer = (_, response) => response.end(`v4.14.6 ${SHA1}\n`);
  await refusal("version_not_in_repository", /does not name v4\.14\.7/);
  server.answer = (_, response) => response.writeHead(403).end();
  await refusal("repository_unreachable", /status 403/);
  server.answer = (_, response) => response.end("x".repeat(100_000));
  await refusal("repository_unreachable", /more than 65536 bytes/);
  const known = authority;
  authority = null;
  await refusal("repository_unreachable", /certificate/);
  authority = known;
  const outcome = await download("https://127.0.0.1:1/");
  assert.equal(!outcome.ok && outcome.code, "repository_unreachable");
});

test("downloadPackages() follows redirects within https, and none to http or without end", async () => {
  server.answer = (request, response) => {
    const { url = "" } = request;
    if (url.startsWith("/moved/"))
      return url.endsWith("versions") ? response.end(VERSIONS) : response.end(BYTES);
    return response.writeHead(302, { location: `/moved${url}` }).end("see there");
  };
  assert.deepEqual(await download(), { ok: true, path: PATH });
  files.remove(PATH);
  plain.answer = (_, response) => response.end(VERSIONS);
  server.answer = (_, response) => response.writeHead(301, { location: plain.address }).end();
  await refusal("repository_unreachable", /a redirect to http: is not followed/);
  assert.deepEqual(plain.asked, []);
  server.answer = (_, response) => response.writeHead(307, { location: "/windows/versions" }).end();
  await refusal("repository_unreachable", /too many redirects/);
});

test("downloadPackages() keeps few packages of others, and says when the disk is full", async () => {
  withPackage((_, response) => response.end(BYTES));
  for (let patch = 0; patch < 12; patch++) {
    files.nowMs = patch * 1000;
    files.write(`/var/upgrade/wazuh_agent_v4.0.${patch}_windows.wpk`, "old");
  }
  files.write(`/var/upgrade/${"a".repeat(40)}.wpk`, "being sent");
  assert.deepEqual(await download(), { ok: true, path: PATH });
  const names = files.list("/var/upgrade").map(({ name }) => name);
  assert.equal(names.length, 8 + 2);
  assert(!names.includes("wazuh_agent_v4.0.3_windows.wpk"));
  assert(names.includes("wazuh_agent_v4.0.4_windows.wpk"));
  const linux = { folder: "linux/rpm/x86_64/", name: "wazuh_agent_v4.14.7_linux_x86_64.rpm.wpk" };
  files.nowMs = 20_000;
  for (let patch = 0; patch < 12; patch++)
    files.write(`/var/upgrade/wazuh_agent_v4.1.${patch}_windows.wpk`, "newer");
  assert.equal((await download(server.address, [PLACE, linux])).ok, true);
  assert.notEqual(files.info(PATH), null, "what is wanted now stays");
  files.remove(PATH);
  files.freeSpace = 1000;
  await refusal("package_missing", /disk_full/);
});
