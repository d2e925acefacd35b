/**
 * Goal: the test agent speaks the protocol as it is described, since others are measured against it.
 * Method: its envelopes and the peer's own, opened and sealed by vectors; enrollment against canned answers over TLS. Its
 * connections are tested with the service (`connection/loopback.test.ts`).
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { createServer } from "node:tls";
import { makeCertificate } from "#enrollment/certificate.ts";
import { systemRandom } from "#kernel/platform/random.ts";
import { enroll, TestCipher } from "./agent.ts";
import { frameOf, TestFrames } from "./agent-link.ts";

const VECTORS = new URL("../../test/vectors/agent/", import.meta.url);

/** MD5, random number and counters in front of the message. */
const OVERHEAD_BYTES = 53;

type KeyEntry = {
  id: string;
  name: string;
  ip: string;
  key: string;
  id_prefix_on_agent_messages: boolean;
};
type MessageVector = {
  name: string;
  key: string;
  direction: string;
  method: string;
  rand: string;
  plain_hex: string;
  envelope_hex: string;
};

const { entries }: { entries: KeyEntry[] } = JSON.parse(readFileSync(new URL("keys.json", VECTORS), "utf8"));
const { vectors }: { vectors: MessageVector[] } = JSON.parse(
  readFileSync(new URL("messages.json", VECTORS), "utf8"),
);

function cipherOf(id: string): TestCipher {
  const entry = entries.find((candidate) => candidate.id === id);
  assert(entry !== undefined);
  return new TestCipher({ id, name: entry.name, address: entry.ip, key: entry.key });
}

test("TestCipher opens what the peer's manager seals", () => {
  const sent = vectors.filter(({ direction, method }) => direction === "manager->agent" && method === "aes");
  assert(sent.length > 0);
  for (const { name, key, plain_hex: plain, rand, envelope_hex: hex } of sent) {
    const message = Buffer.from(plain, "hex").toString("latin1", OVERHEAD_BYTES);
    const opened = cipherOf(key).open(Buffer.from(hex, "hex"));
    assert.deepEqual(opened, { message, random: Number(rand) }, name);
  }
});

test("TestCipher puts the id in front exactly where the peer's agents do", () => {
  for (const { id, id_prefix_on_agent_messages: prefixed } of entries) {
    const sealed = cipherOf(id).seal("1:a:b").toString("latin1");
    assert.equal(sealed.startsWith(`!${id}!#AES:`), prefixed, id);
    assert.equal(sealed.startsWith("#AES:"), !prefixed, id);
  }
});

test("TestFrames cuts frames however they come", () => {
  const stream = Buffer.concat([
    frameOf(Buffer.from("hello")),
    frameOf(Buffer.alloc(0)),
    frameOf(Buffer.from("x")),
  ]);
  assert.equal(stream.subarray(0, 9).toString("hex"), "0500000068656c6c6f");
  for (let cut = 0; cut <= stream.length; cut++) {
    const frames = new TestFrames();
    const payloads = [...frames.push(stream.subarray(0, cut)), ...frames.push(stream.subarray(cut))];
    assert.deepEqual(payloads.map(String), ["hello", "", "x"], `cut at ${cut}`);
  }
});

/** Enrolls at a manager that gives one answer whatever it is asked; also tells what it was asked. */
async function enrollAt(answer: string, request: { groups?: string; password?: string }) {
  const nowMs = Date.now();
  const pair = await makeCertificate({ hostName: "manager", addresses: ["127.0.0.1"], nowMs }, systemRandom);
  let asked = "";
  const server = createServer({ cert: pair.certificate, key: pair.key }, (socket) => {
    socket.on("data", (chunk) => {
      asked += chunk;
      if (asked.endsWith("\n")) socket.end(answer);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  assert(address !== null && typeof address === "object");
  try {
    const identity = await enroll({ host: "127.0.0.1", port: address.port, name: "web1", ...request });
    return { asked, identity };
  } finally {
    server.close();
  }
}

test("enroll() asks in the peer's words and reads the key", async () => {
  const { asked, identity } = await enrollAt("OSSEC K:'007 web1 any abcdef'", {
    groups: "a,b",
    password: "pw",
  });
  assert.equal(asked, "OSSEC PASS: pw OSSEC A:'web1' V:'v4.14.7' G:'a,b'\n");
  assert.deepEqual(identity, { id: "007", name: "web1", address: "any", key: "abcdef" });
});

test("enroll() throws the manager's refusal", async () => {
  await assert.rejects(enrollAt("ERROR: Duplicate name. Unable to add agent", {}), /ERROR: Duplicate name/);
});
