/**
 * Goal: a real agent and a real manager are understood, word for word. Method: the recorded session: each frame opens to
 * its plain text and is read as what it is; what the manager sent is sealed again and opened. Not covered: timing.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { readClientKeys } from "#formats/client-keys/client-keys.ts";
import { isControlMessage, parseControlMessage } from "./control.ts";
import { splitEnvelope } from "./envelope.ts";
import { parseEvent } from "./event.ts";
import { encodeFrame, FrameDecoder } from "./frame.ts";
import { parseKeepalive } from "./keepalive.ts";
import { openMessage, sealMessage } from "./message.ts";
import { messageCipher } from "./message-cipher.ts";

type Frame = {
  readonly dir: "a>m" | "m>a";
  readonly len: number;
  readonly raw: string;
  readonly rand: string;
  readonly glob: number;
  readonly loc: number;
  readonly plain: string;
};
const SESSION = new URL("../../../../test/vectors/agent/session/", import.meta.url);
const lines = readFileSync(new URL("frames.jsonl", SESSION), "utf8").trim().split("\n");
const frames = lines.map((line): Frame => JSON.parse(line));
const [agent] = readClientKeys(readFileSync(new URL("client.keys", SESSION))).entries;
assert.ok(agent !== undefined);
const cipher = messageCipher(agent, "aes");
const input = {
  cipherOf: () => cipher,
  agentId: agent.id,
  registeredAddress: agent.address.text,
  peerAddress: "10.0.0.1",
};

function openFrame(payload: Buffer): Buffer {
  const envelope = splitEnvelope(payload, "10.0.0.1");
  assert.ok(envelope.kind === "identified" || envelope.kind === "anonymous");
  const result = openMessage(input, envelope.sealed);
  assert.ok(result.ok);
  return result.message;
}

test("every frame of a recorded session opens to its plain text", () => {
  assert.equal(frames.length, 65);
  for (const [index, frame] of frames.entries()) {
    const envelope = splitEnvelope(Buffer.from(frame.raw, "hex"), "10.0.0.1");
    const expected = frame.dir === "a>m" ? "identified" : "anonymous";
    assert.equal(envelope.kind, expected, `frame ${index}`);
    assert.ok(envelope.kind === "identified" || envelope.kind === "anonymous");
    const result = openMessage(input, envelope.sealed);
    assert.ok(result.ok, `frame ${index}`);
    assert.equal(result.message.toString("latin1"), frame.plain, `frame ${index}`);
    assert.deepEqual(result.counters, { global: frame.glob, local: frame.loc }, `frame ${index}`);
    assert.equal(result.random, Number(frame.rand), `frame ${index}`);
  }
});

test("what the manager sent is sealed again and opens", () => {
  for (const [index, frame] of frames.entries()) {
    if (frame.dir === "a>m") continue;
    const message = Buffer.from(frame.plain, "latin1");
    const counters = { global: frame.glob, local: frame.loc };
    const sealed = sealMessage({ cipher, random: Number(frame.rand), counters, message });
    assert.deepEqual(openFrame(sealed), message, `frame ${index}`);
  }
});

test("the whole stream of the agent comes out of the frame decoder, in pieces of any size", () => {
  const payloads = frames.filter(({ dir }) => dir === "a>m").map(({ raw }) => Buffer.from(raw, "hex"));
  const stream = Buffer.concat(payloads.map(encodeFrame));
  for (const size of [1, 7, 64, 1460, stream.length]) {
    const decoder = new FrameDecoder();
    const decoded: Buffer[] = [];
    for (let at = 0; at < stream.length; at += size) {
      decoded.push(...decoder.push(stream.subarray(at, at + size)).frames);
    }
    assert.deepEqual(decoded, payloads, `pieces of ${size}`);
  }
});

test("every message of the agent is read as what it is", () => {
  const counts: Record<string, number> = {};
  for (const frame of frames) {
    if (frame.dir === "m>a") continue;
    const message = openFrame(Buffer.from(frame.raw, "hex"));
    let kind = "event";
    if (isControlMessage(message)) {
      const control = parseControlMessage(message);
      kind = control.kind;
      if (control.kind === "keepalive") {
        const keepalive = parseKeepalive(control.text);
        assert.equal(keepalive.version, "Wazuh v4.9.2");
        assert.equal(keepalive.system?.osPlatform, "debian");
        assert.equal(keepalive.agentIp, "127.0.0.1");
        // The first one comes before the push: no merged.mg, so no agent.conf.
        assert.ok(keepalive.mergedSum !== null);
        assert.equal(keepalive.configSum === null, keepalive.mergedSum === "x");
        assert.deepEqual(keepalive.labels, []);
      }
    } else {
      assert.ok(parseEvent(message).ok, frame.plain);
    }
    counts[kind] = (counts[kind] ?? 0) + 1;
  }
  // Counted in the recording by the first words of `plain`.
  assert.deepEqual(counts, { startup: 2, event: 23, keepalive: 10, shutdown: 2, "request-answer": 6 });
});
