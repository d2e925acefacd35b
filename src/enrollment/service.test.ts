/**
 * Goal: every client comes to an end in bounded time and memory, and no answered key is lost. Method: the whole service on a fake
 * network whose bytes and hours the test decides; TLS itself is in `tls.test.ts`.
 */
import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { test } from "node:test";
import { agentIdOf } from "#model/agent.ts";
import { SeededRandom } from "#testing/random.ts";
import { EnrollmentBench, HELLO, testCertificate } from "./fixture.ts";
import {
  CLIENT_MS_MAX,
  CLIENTS_MAX,
  FIRST_CHUNK_BYTES_MAX,
  HANDSHAKES_MAX,
  PATIENCE_MS,
  REFUSAL_LINES_PER_SECOND_MAX,
  REQUEST_CHUNKS_MAX,
  REQUEST_SILENCE_MS,
  SILENT_PATIENCE_MS,
  SWEEP_PERIOD_MS,
} from "./limits.ts";

const SUCCESS = /^OSSEC K:'\d+ node-\d+ any [0-9a-f]{64}'$/;

test("EnrollmentService answers in one write and closes", async (t) => {
  const bench = await EnrollmentBench.start(t);
  const client = bench.send("OSSEC A:'node-1'\nrest that nobody reads");
  assert.equal(client.sent.length, 0, "nothing before the key is on the disk");
  await bench.settle();
  assert.equal(client.sent.length, 1);
  assert.match(client.sentBytes.toString(), SUCCESS);
  assert.equal(client.ended, true);
});

test("EnrollmentService reads a request however it is cut", async (t) => {
  const bench = await EnrollmentBench.start(t);
  const request = "OSSEC A:'node-1' V:'v4.14.7' G:'web'\n";
  for (let cut = 1; cut < request.length; cut++) {
    const client = bench.send(request.slice(0, cut).replace("node-1", `node-${cut}`));
    client.receive(Buffer.from(request.slice(cut)));
    await bench.settle();
    assert.match(
      client.sentBytes.toString(),
      /^(OSSEC K:'|ERROR: Duplicate agent name: node-1\.)/,
      `cut at ${cut}`,
    );
  }
});

test("EnrollmentService begins TLS with the first byte, not with the connection", async (t) => {
  const bench = await EnrollmentBench.start(t);
  const client = bench.connect();
  const ciphers = () => client.tls?.ciphers;
  assert.equal(ciphers(), undefined);
  client.receive(HELLO);
  assert.equal(ciphers(), "HIGH:!ADH:!EXP:!MD5:!RC4:!3DES:!CAMELLIA:@STRENGTH");
});

test("EnrollmentService takes a request without a newline after a second of silence", async (t) => {
  const bench = await EnrollmentBench.start(t);
  const client = bench.send("OSSEC A:'nod");
  bench.clock.advance(900);
  client.receive(Buffer.from("e-1'"));
  bench.clock.advance(900);
  assert.equal(client.ended, false);
  bench.clock.advance(250);
  await bench.settle();
  assert.match(client.sentBytes.toString(), SUCCESS);
});

test("EnrollmentService closes who stays silent, in whatever state", async (t) => {
  const bench = await EnrollmentBench.start(t);
  const silent = bench.connect();
  const handshaking = bench.connect();
  handshaking.receive(HELLO);
  bench.clock.advance(CLIENT_MS_MAX - 250);
  assert.deepEqual([silent.ended, handshaking.ended], [false, false]);
  bench.clock.advance(250);
  assert.deepEqual([silent.ended, handshaking.ended], [true, true]);
  assert.equal(bench.metrics.get("enrollment_closed_timeout"), 2);
  bench.clock.advance(250);
  assert.equal(bench.metrics.get("enrollment_clients"), 0);
});

test("EnrollmentService closes who sends without end, and who sends in crumbs", async (t) => {
  const bench = await EnrollmentBench.start(t);
  const endless = bench.send(Buffer.alloc(65_536, "x"));
  endless.receive(Buffer.alloc(65_536, "x"));
  assert.equal(endless.ended, true);
  assert.equal(bench.metrics.get("enrollment_closed_request_too_long"), 1);
  assert(bench.log.texts("error").includes("Newline terminator not found in message request for 192.0.2.10"));

  const crumbs = bench.send("O");
  for (let count = 1; count <= REQUEST_CHUNKS_MAX; count++) crumbs.receive(Buffer.from("x"));
  assert.equal(crumbs.ended, true);
  assert.equal(bench.metrics.get("enrollment_closed_request_in_pieces"), 1);

  const trickle = bench.send("O");
  for (let ms = 0; ms < CLIENT_MS_MAX; ms += 500) {
    bench.clock.advance(500);
    trickle.receive(Buffer.from("x"));
  }
  assert.equal(trickle.ended, true);
});

test("EnrollmentService closes who does not speak TLS, or begins with more than a record", async (t) => {
  const bench = await EnrollmentBench.start(t);
  for (const bytes of [
    Buffer.from("OSSEC A:'node-1'\n"),
    Buffer.from("GET / HTTP/1.1\r\n\r\n"),
    Buffer.alloc(4096, 0xff),
    Buffer.alloc(FIRST_CHUNK_BYTES_MAX + 1, 22),
  ]) {
    const client = bench.connect();
    client.receive(bytes);
    assert.equal(client.ended, true);
    assert.equal(client.tls, null);
  }
  assert.equal(bench.metrics.get("enrollment_closed_not_tls"), 4);
});

test("EnrollmentService serves an agent although a thousand strangers are silent", async (t) => {
  const bench = await EnrollmentBench.start(t);
  const silent = Array.from({ length: CLIENTS_MAX }, () => bench.connect("198.51.100.1"));
  assert(silent.every((client) => !client.ended && client.tls === null));
  const early = bench.connect("198.51.100.2");
  assert.equal(early.ended, true, "nobody has been slow yet");
  assert(bench.log.texts("error").includes("Too many connections. Rejecting."));

  bench.clock.advance(SILENT_PATIENCE_MS);
  const answer = await bench.ask("OSSEC A:'node-1'\n", "198.51.100.2");
  assert.match(answer, SUCCESS);
  assert.equal(silent.filter((client) => client.ended).length, 1, "the oldest made room");
  assert.equal(silent[0]?.ended, true);
  bench.clock.advance(CLIENT_MS_MAX);
  assert(silent.every((client) => client.ended));
});

test("EnrollmentService serves an agent although ten thousand silent strangers come again and again", async (t) => {
  const bench = await EnrollmentBench.start(t);
  const comeAgain = () => {
    for (let index = 0; index < 5000; index++) bench.connect(`198.51.100.${index % 250}`);
  };
  comeAgain();
  bench.clock.advance(SILENT_PATIENCE_MS);
  const agent = bench.connect("198.51.100.251");
  agent.receive(HELLO);
  comeAgain();
  bench.clock.advance(SILENT_PATIENCE_MS);
  comeAgain();
  assert.equal(agent.ended, false, "who has spoken keeps the place");
  agent.receive(Buffer.from("OSSEC A:'node-1'\n"));
  await bench.settle();
  assert.match(agent.sentBytes.toString(), SUCCESS);
});

test("EnrollmentService serves an agent at once although another network takes every place again and again", async (t) => {
  const bench = await EnrollmentBench.start(t);
  const flood = () => {
    for (let index = 0; index < 2000; index++) bench.connect(`198.51.100.${index % 250}`).receive(HELLO);
  };
  flood();
  const agent = bench.connect("192.0.2.1");
  flood();
  assert.equal(agent.ended, false);
  assert.equal(bench.metrics.get("enrollment_closed_evicted"), 1, "the crowd does not make room for its own");
  agent.receive(HELLO);
  bench.clock.advance(PATIENCE_MS + SWEEP_PERIOD_MS);
  flood();
  agent.receive(Buffer.from("OSSEC A:'node-1'\n"));
  await bench.settle();
  assert.match(agent.sentBytes.toString(), SUCCESS);
});

test("EnrollmentService gives no place of an agent whose request has come away", async (t) => {
  const bench = await EnrollmentBench.start(t);
  const asked = Array.from({ length: CLIENTS_MAX }, (_, index) =>
    bench.send(`OSSEC A:'node-${index}'\n`, "198.51.100.1"),
  );
  assert.equal(bench.connect("192.0.2.1").ended, true);
  await bench.settle();
  for (const client of asked) assert.match(client.sentBytes.toString(), SUCCESS);
});

test("EnrollmentService runs a few handshakes at a time and takes the place of a slow one", async (t) => {
  const bench = await EnrollmentBench.start(t);
  const slow = Array.from({ length: HANDSHAKES_MAX }, () => bench.connect("198.51.100.1"));
  for (const client of slow) client.receive(HELLO);
  const agent = bench.send("OSSEC A:'node-1'\n");
  assert.equal(agent.tls, null);
  assert.equal(agent.paused, true, "its bytes wait outside");
  bench.clock.advance(PATIENCE_MS);
  await bench.settle();
  assert.match(agent.sentBytes.toString(), SUCCESS);
  assert.equal(bench.metrics.get("enrollment_closed_evicted"), 1, "no more than were needed");
  bench.clock.advance(CLIENT_MS_MAX);

  const next = Array.from({ length: HANDSHAKES_MAX + 1 }, () => bench.connect("198.51.100.1"));
  for (const client of next) client.receive(HELLO);
  next[0]?.hangUp("ECONNRESET");
  assert.notEqual(next[HANDSHAKES_MAX]?.tls, null, "a place that got free is given on");
});

test("EnrollmentService serves an agent although two thousand strangers connect and half of them begin a handshake", async (t) => {
  const bench = await EnrollmentBench.start(t);
  for (let index = 0; index < 2000; index++) {
    const stranger = bench.connect("198.51.100.1");
    if (index % 2 === 1) stranger.receive(HELLO);
  }
  bench.clock.advance(PATIENCE_MS);
  const agent = bench.send("OSSEC A:'node-1'\n", "192.0.2.1");
  bench.clock.advance(PATIENCE_MS + SWEEP_PERIOD_MS);
  await bench.settle();
  assert.match(agent.sentBytes.toString(), SUCCESS, "the newest is next, not the last of hundreds");
});

test("EnrollmentService takes back the key of an agent that was gone before its answer", async (t) => {
  const bench = await EnrollmentBench.start(t);
  const client = bench.send("OSSEC A:'node-1'\n");
  client.hangUp("ECONNRESET");
  await bench.settle();
  await bench.settle();
  assert.equal(bench.keys, "");
  assert(bench.log.texts("error").includes("Agent key not saved for node-1"));
  assert.match(
    await bench.ask("OSSEC A:'node-1'\n"),
    /^OSSEC K:'002 node-1 any /,
    "no duplicate, and no id twice",
  );
});

test("EnrollmentService enrols a hundred at once, each with an id of its own and all with few syncs", async (t) => {
  const bench = await EnrollmentBench.start(t);
  const clients = Array.from({ length: 100 }, (_, index) => bench.send(`OSSEC A:'node-${index}'\n`));
  await bench.settle();
  const answers = clients.map((client) => client.sentBytes.toString());
  for (const answer of answers) assert.match(answer, SUCCESS);
  assert.equal(new Set(answers.map((answer) => answer.slice(9, 12))).size, 100);
  const keys = answers.map((answer) => answer.slice(answer.lastIndexOf(" ")));
  assert.equal(new Set(keys).size, 100, "agents of one key could read each other");
  assert.equal(bench.metrics.get("key_file_syncs"), 1);
});

test("EnrollmentService gives one of two agents of one name a key, though they ask at once", async (t) => {
  const force = {
    enabled: true,
    keyMismatch: false,
    disconnectedTime: { enabled: false, seconds: 0 },
    afterRegistrationSeconds: 0,
  };
  const bench = await EnrollmentBench.start(t, { force });
  const clients = [bench.send("OSSEC A:'node-1'\n"), bench.send("OSSEC A:'node-1'\n")];
  await bench.settle();
  assert.deepEqual(
    clients.map((client) => client.sentBytes.toString().replace(/[0-9a-f]{64}/, "<key>")),
    ["OSSEC K:'001 node-1 any <key>'", "ERROR: Duplicate agent name: node-1. Unable to add agent"],
  );
  assert.match(
    await bench.ask("OSSEC A:'node-1'\n"),
    /^OSSEC K:'002 node-1 any /,
    "replaced, now that it is registered",
  );
});

test("EnrollmentService says that it failed when the disk is full, and works again when it is not", async (t) => {
  const bench = await EnrollmentBench.start(t);
  bench.files.freeSpace = 10;
  const refused = await bench.ask("OSSEC A:'node-1'\n");
  assert.equal(refused, "ERROR: Internal manager error adding agent: node-1. Unable to add agent");
  assert(bench.log.texts("error").includes("Unable to add agent: node-1 (internal error)"));
  bench.files.freeSpace = Number.POSITIVE_INFINITY;
  bench.clock.advance(2000);
  assert.match(await bench.ask("OSSEC A:'node-1'\n"), SUCCESS);
});

test("EnrollmentService loses no answered key when the power fails", async (t) => {
  const bench = await EnrollmentBench.start(t);
  const clients = Array.from({ length: 20 }, (_, index) => bench.send(`OSSEC A:'node-${index}'\n`));
  await bench.settle();
  bench.send("OSSEC A:'node-99'\n"); // not answered
  bench.files.losePower();
  for (const client of clients) {
    const line = /^OSSEC K:'(.*)'$/.exec(client.sentBytes.toString())?.[1];
    assert(line !== undefined && bench.keys.includes(`${line}\n`));
  }
  assert.equal(bench.keys.includes("node-99"), false);
});

test("EnrollmentService refuses the requests of known attacks and creates nothing", async (t) => {
  const bench = await EnrollmentBench.start(t);
  bench.files.write("/home/etc/client.secret", "x");
  bench.files.write("/home/queue/diff/keep/x", "x");
  const before = bench.files.paths();
  const version = (length: number) => `v4.${"9".repeat(length - 3)}`;
  const requests = [
    ...[8, 9, 10, 64, 128, 1024, 4096].map((length) => `OSSEC A:'node-1' V:'${version(length)}'\n`),
    ...[
      "..",
      ".",
      "a,..",
      "../x",
      "default,../..",
      "x".repeat(256),
      "x".repeat(300),
      "web/",
      "web\0",
      "/etc",
    ].map((group) => `OSSEC A:'node-1' G:'${group}'\n`),
    `OSSEC A:'node-1' G:'${Array.from({ length: 129 }, (_, index) => `g${index}`).join(",")}'\n`,
    ...[".", "..", ".x", "a/b", "a\\b", "node\0", "\0\0", "x".repeat(129), "", "a", "a b", "a\r", "a;b"].map(
      (name) => `OSSEC A:'${name}'\n`,
    ),
    ...["1.2.3.4\0", "..", "1".repeat(47), "::1%eth0"].map((ip) => `OSSEC A:'node-1' IP:'${ip}'\n`),
    `OSSEC A:'node-1' K:'${"a".repeat(41)}'\n`,
    "\n",
    "OSSEC A:'\n",
    "OSSEC PASS:  OSSEC A:'node-1'\n",
  ];
  for (const request of requests) {
    const answer = await bench.ask(request);
    assert.match(answer, /^ERROR: .*\. Unable to add agent$/s, JSON.stringify(request.slice(0, 80)));
    bench.clock.advance(1000); // so that every refusal is said
  }
  assert.deepEqual(bench.files.paths(), before);
  assert.equal(bench.keys, "");
  for (const text of bench.log.texts())
    assert.match(text, /^[\x20-\x7e]*$/, "no stranger writes lines into the log");
});

test("EnrollmentService accepts versions of any length that are not newer", async (t) => {
  const bench = await EnrollmentBench.start(t);
  for (const [index, version] of ["v4.14.7777777", "v4.14.77777777", `v4.14.${"7".repeat(4090)}`].entries()) {
    assert.match(
      await bench.ask(`OSSEC A:'node-${index}' V:'${version}'\n`),
      /^(OSSEC K:|ERROR: Agent version)/,
    );
  }
});

test("EnrollmentService survives damaged requests and gives no key for them that it cannot keep", async (t) => {
  const bench = await EnrollmentBench.start(t);
  const random = new SeededRandom(1515);
  const request = Buffer.from("OSSEC A:'node-1' V:'v4.14.7' G:'web,db' IP:'10.1.2.3' K:'aaaaaaaa'\n");
  for (let round = 0; round < 300; round++) {
    const client = bench.send(random.mutate(request));
    bench.clock.advance(1250);
    await new Promise((resolve) => setImmediate(resolve));
    const answer = client.sentBytes.toString("latin1");
    assert(client.ended, `round ${round}`);
    const given = /^OSSEC K:'(.*)'$/.exec(answer)?.[1];
    if (given !== undefined) assert(bench.keys.includes(`${given}\n`), `round ${round}: ${answer}`);
    else assert.match(answer, /^(ERROR: .*\. Unable to add agent)?$/s, `round ${round}`);
  }
});

test("EnrollmentService says refusals once a second for a network, and a bounded number in all", async (t) => {
  const bench = await EnrollmentBench.start(t);
  bench.clock.advance(5000);
  for (let count = 0; count < 10; count++) await bench.ask("junk\n", `198.51.100.${count}`);
  const said = () => bench.log.texts("error").filter((text) => text.startsWith("Invalid request")).length;
  assert.equal(said(), 1);
  bench.clock.advance(1000);
  await bench.ask("junk\n", "198.51.100.77");
  assert.equal(said(), 2);
  assert(bench.log.texts("warning").includes("10 such clients from 198.51.100.0/24 since the last line"));
  assert.equal(bench.metrics.get("enrollment_refused_request"), 11);
  for (let network = 0; network < 100; network++) await bench.ask("junk\n", `10.0.${network}.1`);
  assert.equal(said(), REFUSAL_LINES_PER_SECOND_MAX + 1);
});

test("EnrollmentService asks for the password of the file, or for one that the log tells", async (t) => {
  const bench = await EnrollmentBench.start(t, { usePassword: true });
  const said = bench.log.texts("info").find((text) => text.includes("Random password")) ?? "";
  const password =
    /^Accepting connections on port 1515\. Random password chosen for agent authentication: ([0-9a-f]{32})$/.exec(
      said,
    )?.[1];
  assert.match(await bench.ask("OSSEC A:'node-1'\n"), /^ERROR: Invalid password\./);
  assert.match(await bench.ask(`OSSEC PASS: ${password} OSSEC A:'node-1'\n`), SUCCESS);
});

test("EnrollmentService.stop() lets those have their answer who have asked", async (t) => {
  const bench = await EnrollmentBench.start(t);
  const silent = bench.connect();
  const asked = bench.send("OSSEC A:'node-1'\n");
  const stopped = bench.service.stop();
  assert.equal(silent.ended, true);
  await bench.settle();
  await stopped;
  assert.match(asked.sentBytes.toString(), SUCCESS);
  assert.throws(() => bench.connect());
  assert.equal(bench.service.port, null);
});

test("EnrollmentService.stop() waits until the key of an agent that is gone is taken back", async (t) => {
  const bench = await EnrollmentBench.start(t);
  bench.send("OSSEC A:'node-1'\n").hangUp();
  let stopped = false;
  const stopping = bench.service.stop().then(() => {
    stopped = true;
  });
  await bench.settle();
  assert.equal(stopped, false);
  await bench.settle();
  await stopping;
  assert.equal(bench.keys, "");
});

test("EnrollmentService does not listen when only local tools enrol", async (t) => {
  const bench = await EnrollmentBench.start(t, { remoteEnrollment: false });
  assert.throws(() => bench.connect());
  assert(bench.log.texts("info").includes("Port 1515 was set as disabled."));
});

test("EnrollmentService asks nothing of a client whose certificate is refused, and says why once a second", async (t) => {
  const { certificate } = await testCertificate();
  const bench = await EnrollmentBench.start(t);
  const chain = [new X509Certificate(certificate).raw];
  const refuse = () => {
    const client = bench.connect();
    client.receive(HELLO);
    client.refuseCertificate("DEPTH_ZERO_SELF_SIGNED_CERT", chain);
    return client;
  };
  for (let count = 0; count < 5; count++) assert.equal(refuse().ended, true);
  assert.equal(bench.metrics.get("enrollment_closed_certificate_refused"), 5);
  assert.deepEqual(bench.log.texts("error"), [
    "Problem with certificate at depth 0",
    "issuer =  /CN=manager01",
    "subject =  /CN=manager01",
    "18:self-signed certificate",
  ]);
  assert.equal(bench.metrics.get("enrollment_requests"), 0);
});

test("EnrollmentService gives the place of a handshake on when it is over, not when the request comes", async (t) => {
  const bench = await EnrollmentBench.start(t);
  const clients = Array.from({ length: HANDSHAKES_MAX + 1 }, () => {
    const client = bench.connect();
    client.receive(HELLO);
    return client;
  });
  assert.equal(clients.at(-1)?.tls, null);
  clients[0]?.secure();
  assert.notEqual(clients.at(-1)?.tls, null);
  bench.clock.advance(REQUEST_SILENCE_MS + 250);
  assert.equal(clients[0]?.ended, false, "who has said nothing yet has not ended its request");
});

test("EnrollmentService does not start with what it cannot keep", async (t) => {
  const bench = new EnrollmentBench({ clientAuthorityPath: "/home/etc/ca.pem" });
  t.after(() => bench.stop());
  await assert.rejects(bench.start(), { code: "file_not_found" });
  const { certificate } = await testCertificate();
  for (const text of ["", "no certificate", certificate.replace("MII", "AAA")]) {
    bench.files.write("/home/etc/ca.pem", text);
    await assert.rejects(bench.start(), { code: "client_authority_unusable" });
  }
  assert.equal(bench.registry.keys.byId(agentIdOf(1)), null);
});
