/**
 * Goal: agents configured for Blowfish are served, and answered in their cipher; one that changes to AES is answered in AES.
 * Method: recorded messages of a real agent into the service; the answers opened with the cipher of the recorded ones.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { openMessage } from "#formats/wire/agent/message.ts";
import { messageCipher } from "#formats/wire/agent/message-cipher.ts";
import { ACK, entryOf, startManager } from "./fixture.ts";

const VECTORS = new URL("../../test/vectors/agent/messages.json", import.meta.url);
const { vectors }: { vectors: readonly { readonly name: string; readonly envelope_hex: string }[] } =
  JSON.parse(readFileSync(VECTORS, "utf8"));
const AGENT = {
  id: "001",
  name: "agent-one",
  address: "any",
  key: "d4d1b5cd0bc37b4b0b17a06ee6f0a9e0c9d6f1a2b3c4d5e6f708192a3b4c5d6e",
};

function recorded(name: string): Buffer {
  const vector = vectors.find((other) => other.name === name);
  assert.ok(vector !== undefined, name);
  return Buffer.from(vector.envelope_hex, "hex");
}

function opened(sealed: Buffer): { readonly message: string; readonly method: string } {
  const cipherOf = (method: "aes" | "blowfish") => messageCipher(entryOf(AGENT), method);
  const result = openMessage(
    { cipherOf, agentId: "001", registeredAddress: "any", peerAddress: "192.0.2.10" },
    sealed,
  );
  assert.ok(result.ok);
  return { message: result.message.toString("latin1"), method: result.cipher.method };
}

test("AgentConnectionService answers in the cipher of the agent's last message", async () => {
  const manager = await startManager();
  manager.know(AGENT);
  const link = manager.agent(AGENT);
  link.sayRaw(recorded("startup/blowfish"));
  link.sayRaw(recorded("event-log/blowfish"));
  assert.deepEqual(link.sealedAnswers().map(opened), [{ message: ACK, method: "blowfish" }]);
  assert.equal(manager.sink.events.length, 1);
  link.sayRaw(recorded("startup/aes"));
  assert.deepEqual(link.sealedAnswers().map(opened), [{ message: ACK, method: "aes" }]);
  assert.ok(link.open);
});
