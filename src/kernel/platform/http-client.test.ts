/**
 * Goal: a request brings the whole answer or says by a code what went wrong, and no server can hold it for ever. Method: servers of Node on
 * loopback, in clear text and over TLS with an authority made here.
 */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { issueServer, selfSigned } from "#testing/certificates.ts";
import { WebServer } from "#testing/web-server.ts";
import { CodedError } from "../errors.ts";
import type { HttpRequest, HttpTls } from "../ports/http-client.ts";
import { systemHttpClient } from "./http-client.ts";

let clear: WebServer;
let secure: WebServer;
let tls: HttpTls;

before(async () => {
  const root = await selfSigned("authority", "root");
  tls = { authority: Buffer.from(root.certificate), client: null };
  secure = await WebServer.start(await issueServer(root));
  clear = await WebServer.start(null);
});

after(async () => {
  await Promise.all([clear.stop(), secure.stop()]);
});

function requestOf(url: string, changes: Partial<HttpRequest> = {}): HttpRequest {
  return {
    method: "GET",
    url: new URL(url),
    headers: {},
    body: null,
    tls,
    silenceMsMax: 2000,
    wholeMsMax: 4000,
    answerBytesMax: 1000,
    ...changes,
  };
}

async function send(request: HttpRequest) {
  const pieces: Buffer[] = [];
  const head = await systemHttpClient.stream(request, (piece) => pieces.push(piece));
  return { head, body: Buffer.concat(pieces).toString("latin1") };
}

const hasCode = (code: string) => (error: unknown) => error instanceof CodedError && error.code === code;

test("stream() gives status, head and body, of a clear server and of one over TLS", async () => {
  for (const server of [clear, secure]) {
    server.answer = (request, response) => {
      response.writeHead(207, { "x-a": "1", "X-B": ["2", "3"] });
      request.on("data", (chunk) => response.write(chunk));
      request.on("end", () => response.end(`|${request.headers["x-own"]}`));
    };
    const body = "question";
    const request = requestOf(`${server.address}a?b`, { method: "PUT", body, headers: { "x-own": "yes" } });
    const { head, body: answered } = await send(request);
    assert.deepEqual([head.status, head.headers["x-a"], head.headers["x-b"]], [207, "1", "2, 3"]);
    assert.equal(answered, "question|yes");
    assert.equal(server.asked.at(-1), "PUT /a?b");
  }
});

test("stream() trusts nobody whose authority it does not know", async () => {
  secure.answer = (_, response) => response.end("secret");
  assert.equal((await send(requestOf(secure.address))).body, "secret");
  for (const unknown of [null, { authority: null, client: null }])
    await assert.rejects(send(requestOf(secure.address, { tls: unknown })), hasCode("http_failed"));
  const elsewhere = await WebServer.start(await issueServer(await selfSigned("authority", "other")));
  await assert.rejects(send(requestOf(elsewhere.address)), hasCode("http_failed"));
  await elsewhere.stop();
  const broken = {
    authority: Buffer.from("no certificate"),
    client: { certificate: Buffer.from("x"), key: null, keyPassword: null },
  };
  await assert.rejects(send(requestOf(secure.address, { tls: broken })), hasCode("http_failed"));
});

test("stream() ends what is silent, what lasts too long and what breaks off", async () => {
  clear.answer = () => {};
  await assert.rejects(send(requestOf(clear.address, { silenceMsMax: 50 })), hasCode("http_timeout"));
  clear.answer = (_, response) => {
    const timer = setInterval(() => response.write("."), 10);
    response.on("close", () => clearInterval(timer));
  };
  await assert.rejects(send(requestOf(clear.address, { wholeMsMax: 100 })), hasCode("http_timeout"));
  clear.answer = (_, response) => {
    response.writeHead(200, { "content-length": "100" });
    response.write("half");
    setTimeout(() => response.destroy(), 20);
  };
  await assert.rejects(send(requestOf(clear.address)), hasCode("http_failed"));
  clear.answer = (_, response) => response.writeHead(200, { a: "x".repeat(40_000) }).end();
  await assert.rejects(send(requestOf(clear.address)), hasCode("http_failed"), "a head without end");
});

test("stream() ends with what receive() throws, and with an answer that is too long", async () => {
  clear.answer = (_, response) => response.end("x".repeat(1001));
  const refusal = new CodedError("refused", "");
  const refuse = () => {
    throw refusal;
  };
  await assert.rejects(
    systemHttpClient.stream(requestOf(clear.address, { answerBytesMax: 2000 }), refuse),
    refusal,
  );
  await assert.rejects(send(requestOf(clear.address)), hasCode("http_answer_too_long"));
  await assert.rejects(send(requestOf("http://127.0.0.1:1/")), hasCode("http_failed"));
});

test("request() gives the whole answer, and where a redirect leads", async () => {
  clear.answer = (_, response) => response.writeHead(302, { location: "/there" }).end("body");
  const answer = await systemHttpClient.request(requestOf(clear.address));
  assert.deepEqual(answer, { status: 302, location: "/there", body: Buffer.from("body") });
});
