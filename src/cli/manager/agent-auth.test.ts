/**
 * Goal: an agent that is enrolled by `agent-auth`, with everything a manager may ask for. Method: the whole command line against the real
 * enrollment service on loopback, and against servers that misbehave.
 */
import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { createServer as createTlsServer } from "node:tls";
import type { EnrollmentConfig } from "#enrollment/config.ts";
import { RealEnrollment } from "#enrollment/real-service.fixture.ts";
import type { Issuer } from "#kernel/certificates/maker.ts";
import { systemFiles } from "#kernel/platform/files.ts";
import { issue, selfSigned } from "#testing/certificates.ts";
import { fakeProcess } from "../environment.fixture.ts";
import { runProgram } from "../program.ts";

const enrollment = new RealEnrollment();
const agentHome = join(enrollment.home, "agent");
const keysPath = join(agentHome, "etc/client.keys");
let root: Issuer;

before(async () => {
  mkdirSync(join(agentHome, "etc"), { recursive: true });
  root = await selfSigned("authority", "agents root");
  file("rootCA.pem", root.certificate);
});

after(() => enrollment.end());

function file(name: string, text: string): string {
  writeFileSync(join(enrollment.home, name), text);
  return join(enrollment.home, name);
}

async function run(args: readonly string[]) {
  const fake = fakeProcess(["agent-auth", ...args, "-D", agentHome], { files: systemFiles });
  await runProgram(fake);
  const lines = fake.stderr.text.split("\n").slice(0, -1);
  return {
    code: fake.exitCode,
    lines: lines.map((line) => line.replace(/^\d{4}\/\d\d\/\d\d \d\d:\d\d:\d\d agent-auth: /, "")),
  };
}

function at(port: number): string[] {
  return ["-m", "127.0.0.1", "-p", String(port)];
}

test("agent-auth stores a key, and says what the peer's says", async () => {
  await enrollment.serve({}, async (port) => {
    const { code, lines } = await run([...at(port), "-A", "web-1", "-d"]);
    assert.equal(code, 0);
    assert.deepEqual(lines.slice(1), [
      "INFO: Requesting a key from server: 127.0.0.1",
      `DEBUG: (1209): Connected to enrollment service at '[127.0.0.1]:${port}'`,
      "DEBUG: Registering agent to unverified manager",
      "INFO: No authentication password provided",
      "INFO: Using agent name as: web-1",
      "DEBUG: Request sent to manager",
      "INFO: Waiting for server reply",
      "INFO: Valid key received",
    ]);
    assert.match(lines[0] ?? "", /^INFO: Started \(pid: \d+\)\.$/);
    const key = readFileSync(keysPath, "latin1");
    assert.match(key, /^001 web-1 any [0-9a-f]{64}\n$/);
    assert.equal(statSync(keysPath).mode & 0o777, 0o640);
    assert(readFileSync(join(enrollment.home, "etc/client.keys"), "latin1").includes(key));

    const again = await run([...at(port), "-A", "web-1"]);
    assert.equal(again.code, 1);
    assert.equal(
      again.lines.at(-1),
      "ERROR: Duplicate agent name: web-1. Unable to add agent (from manager)",
    );
    assert.equal(readFileSync(keysPath, "latin1"), key, "a refusal leaves the key alone");
  });
});

test("agent-auth sends name, groups, address and password", async () => {
  writeFileSync(join(enrollment.home, "etc/authd.pass"), "a secret\n");
  const config: Partial<EnrollmentConfig> = { usePassword: true };
  await enrollment.serve(config, async (port) => {
    assert.equal(
      (await run(at(port))).lines.at(-1),
      "ERROR: Invalid password. Unable to add agent (from manager)",
    );
    writeFileSync(join(agentHome, "etc/authd.pass"), "a secret\nmore\n");
    const fromFile = await run([...at(port), "-G", "default", "-i"]);
    assert.equal(fromFile.code, 0);
    assert(fromFile.lines.includes("INFO: Using password specified on file: etc/authd.pass"));
    assert.match(readFileSync(keysPath, "latin1"), / manager\.example 127\.0\.0\.1 /);
    assert.equal((await run([...at(port), "-A", "web-3", "-P", "wrong"])).code, 1, "-P is before the file");
    assert.equal((await run([...at(port), "-A", "web-3", "-P", "a secret", "-I", "192.0.2.3"])).code, 0);
    assert.match(readFileSync(keysPath, "latin1"), / web-3 192\.0\.2\.3 /);
  });
  rmSync(join(agentHome, "etc/authd.pass")); // a manager that wants no password understands none
});

test("agent-auth shows its certificate where one is asked for", async () => {
  const { certificate, key } = await issue(root);
  const shown = ["-x", file("agent.cert", certificate), "-k", file("agent.key", key)];
  const foreign = await issue(await selfSigned("authority", "other root"));
  const foreignShown = ["-x", file("other.cert", foreign.certificate), "-k", file("other.key", foreign.key)];
  await enrollment.serve({ clientAuthorityPath: join(enrollment.home, "rootCA.pem") }, async (port) => {
    assert.equal((await run([...at(port), "-A", "shown", ...shown])).code, 0);
    for (const args of [[], foreignShown]) {
      const { code, lines } = await run([...at(port), "-A", "not-shown", ...args]);
      assert.equal(code, 1);
      assert.match(lines.at(-1) ?? "", /^ERROR: (The manager closed|SSL error)/);
    }
    const { code, lines } = await run([...at(port), "-A", "cut", "-x", file("cut.cert", "junk")]);
    assert.equal(code, 1);
    assert.match(lines.at(-1) ?? "", /^ERROR: SSL error/);
    assert.equal((await run([...at(port), "-x", "/no/such/file"])).code, 1);
  });
});

test("agent-auth verifies the manager where it is told to", async () => {
  await enrollment.serve({}, async (port) => {
    const own = ["-v", join(enrollment.home, "etc/sslmanager.cert")];
    const { code, lines } = await run([...at(port), "-A", "verifying", ...own]);
    assert.equal(code, 0);
    assert(lines.includes("INFO: Verifying manager's certificate"));
    assert(lines.includes("INFO: Manager has been verified successfully"));
    for (const args of [
      [...at(port), "-v", join(enrollment.home, "rootCA.pem")],
      ["-m", "127.0.0.2", "-p", String(port), ...own],
    ]) {
      const refused = await run([...args, "-A", "doubting"]);
      assert.equal(refused.code, 1);
    }
    const { lines: doubts } = await run([...at(port), "-v", join(enrollment.home, "rootCA.pem")]);
    assert.equal(doubts.at(-1), "ERROR: Unable to verify server certificate");
    assert(!doubts.some((line) => line.includes("Waiting")), "nothing is asked of it");
  });
});

test("agent-auth ends in error where there is no manager, or one that talks nonsense", async () => {
  const plain = createServer((socket) => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n"));
  const { certificate, key } = await selfSigned("manager", "nonsense");
  const answers = ["OSSEC K:'001 ../../x any key'", "OSSEC K:'001'", "", "x".repeat(200_000)];
  const talking = createTlsServer({ cert: certificate, key }, (socket) => {
    socket.on("error", () => {});
    socket.once("data", () => socket.end(answers.shift() ?? ""));
  });
  const portOf = (server: typeof plain): Promise<number> =>
    new Promise((resolve) => {
      server.listen(0, "127.0.0.1", () => {
        const local = server.address();
        resolve(local !== null && typeof local === "object" ? local.port : 0);
      });
    });
  const before = readFileSync(keysPath, "latin1");
  const last = async (args: readonly string[]) => {
    const { code, lines } = await run(args);
    assert.equal(code, 1);
    return lines.at(-1);
  };
  const refusing = "SSL error (1). Connection refused by the manager. Maybe the port specified is incorrect.";
  assert.equal(await last(at(await portOf(plain))), `ERROR: ${refusing}`);
  const port = await portOf(talking);
  assert.equal(
    await last(at(port)),
    "ERROR: One of the received key parameters does not have a valid format",
  );
  assert.equal(await last(at(port)), "ERROR: Invalid keys format received.");
  assert.match((await last(at(port))) ?? "", /without an answer/);
  assert.match((await last(at(port))) ?? "", /without an answer/);
  plain.close();
  talking.close();
  assert.equal(
    await last(["-m", "127.0.0.1", "-p", "1"]),
    "ERROR: (1208): Unable to connect to enrollment service at '[127.0.0.1]:1'",
  );
  assert.equal(await last([]), "ERROR: Manager IP not set.");
  assert.equal(
    await last(["-m", "127.0.0.1", "-I", "192.0.2.1", "-i"]),
    "ERROR: Options '-I' and '-i' are uncompatible.",
  );
  assert.equal(readFileSync(keysPath, "latin1"), before);
});

test("agent-auth wants an agent's directory before it asks for a key", async () => {
  const fake = fakeProcess(["agent-auth", "-m", "127.0.0.1", "-D", "/no/such/agent"], { files: systemFiles });
  await runProgram(fake);
  assert.equal(fake.exitCode, 1);
  assert.match(fake.stderr.text, /name the agent's directory with -D/);
  assert.equal(existsSync("/no/such/agent"), false);
});
