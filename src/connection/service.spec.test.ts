/**
 * Goal: the service answers a real agent as the peer did, and hands on what the peer handed on.
 * Method: the recorded session's agent frames go in byte for byte; the answers are opened by code that shares nothing with ours
 * and compared with the recording; so are the events, with the frames' clear text and with what the peer archived. The pushes,
 * requests and active responses of the recording are other parts' and left out. Then the vectors of bad and repeated messages.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import type { TestAgentIdentity } from "#testing/agent.ts";
import { entryOf, startManager, TestLink, type TestManager } from "./fixture.ts";

const VECTORS = new URL("../../test/vectors/agent/", import.meta.url);
const OTHER_PARTS = /^#!-(?:up file|close file|req |execd )|^#default\n/;

type Frame = { t: number; conn: number; dir: "a>m" | "m>a"; raw: string; plain: string };
type Archived = { location: string; full_log: string };
type BadVector = {
  name: string;
  key: string;
  payload_after_id_prefix_hex: string;
  result: "VALID" | "CORRUPT" | "ENCKEY";
  log: string | null;
};
type ReplayStep = {
  payload_after_id_prefix_hex: string;
  result_verify_on: "VALID" | "RIDS" | "ENCKEY";
};

function text(file: string): string {
  return readFileSync(new URL(file, VECTORS), "utf8");
}

function lines<T>(file: string): T[] {
  return text(file)
    .trim()
    .split("\n")
    .map((line): T => JSON.parse(line));
}

function identityOf(line: string): TestAgentIdentity {
  const [id = "", name = "", address = "", key = ""] = line.trim().split(" ");
  return { id, name, address, key };
}

function keyOfVectors(id: string): TestAgentIdentity {
  const { entries }: { entries: { id: string; line: string }[] } = JSON.parse(text("keys.json"));
  return identityOf(entries.find((entry) => entry.id === id)?.line ?? "");
}

/** The recorded agent's side, played to the service; what came back of each connection. */
function play(
  manager: TestManager,
  agent: TestAgentIdentity,
  frames: readonly Frame[],
): Map<number, string[]> {
  const links = new Map<number, TestLink>();
  const answers = new Map<number, string[]>();
  let seconds = 0;
  for (const { t, conn, dir, raw } of frames) {
    if (dir === "m>a") continue;
    manager.clock.advance(Math.round((t - seconds) * 1000));
    seconds = t;
    if (!links.has(conn)) {
      for (const link of links.values()) link.connection.hangUp();
      links.set(conn, new TestLink(manager.network.connect(1514, "127.0.0.1"), agent));
    }
    const link = links.get(conn);
    link?.sayRaw(Buffer.from(raw, "hex"));
    answers.set(conn, [...(answers.get(conn) ?? []), ...(link?.answers() ?? [])]);
  }
  return answers;
}

test("AgentConnectionService answers the recorded agent as the peer did", async () => {
  const agent = identityOf(text("session/client.keys"));
  const frames = lines<Frame>("session/frames.jsonl");
  const manager = await startManager();
  manager.know(agent);
  const answers = play(manager, agent, frames);

  for (const conn of [1, 2]) {
    const recorded = frames.filter((frame) => frame.conn === conn && frame.dir === "m>a");
    const ours = recorded.map(({ plain }) => plain).filter((plain) => !OTHER_PARTS.test(plain));
    assert(ours.length > 0);
    assert.deepEqual(answers.get(conn), ours, `connection ${conn}`);
  }
  assert.deepEqual(manager.warnings, []);
});

test("AgentConnectionService hands on the recorded events, and the notices that the peer added", async () => {
  const agent = identityOf(text("session/client.keys"));
  const frames = lines<Frame>("session/frames.jsonl");
  const manager = await startManager();
  manager.know(agent);
  play(manager, agent, frames);

  const source = "[006] (web1) any->";
  const expected = frames
    .filter(({ dir, plain }) => dir === "a>m" && (!plain.startsWith("#!-") || plain === "#!-agent shutdown "))
    .map(({ plain }) =>
      plain.startsWith("#!-")
        ? `1:${source}wazuh-remoted:ossec: Agent stopped: 'web1->any'.`
        : `${plain.slice(0, 2)}${source}${plain.slice(2)}`,
    );
  assert.deepEqual(manager.sink.texts(), expected);

  // File integrity events are archived in the decoder's words; all others as they came.
  const archived = lines<Archived>("session/archives.jsonl").filter(
    ({ location }) => location !== "syscheck",
  );
  const received = manager.sink.events
    .filter(({ location }) => !["syscheck", "fim_file"].includes(String(location)))
    .map(({ location, message }) => [String(location), Buffer.from(message).toString("utf8")]);
  assert.deepEqual(received.sort(), archived.map((row) => [row.location, row.full_log]).sort());
});

test("AgentConnectionService reports the recorded agent's states and what it told of itself", async () => {
  const agent = identityOf(text("session/client.keys"));
  const manager = await startManager();
  manager.know(agent);
  play(manager, agent, lines<Frame>("session/frames.jsonl"));

  const kinds = manager.updates.map(({ kind }) => kind);
  assert.deepEqual(kinds.slice(0, 4), ["startup", "keepalive", "shutdown", "startup"]);
  assert.equal(kinds.at(-1), "shutdown");
  const told = manager.updates.flatMap((update) => (update.kind === "keepalive" ? [update.keepalive] : []));
  assert.deepEqual(
    told.slice(0, 3).map((keepalive) => keepalive?.mergedSum ?? null),
    ["x", "2122206a7d467379c31424e41a3de956", null],
    "the third says what the second said",
  );
  assert.equal(told[0]?.version, "Wazuh v4.9.2");
  assert.equal(told[0]?.system?.osPlatform, "debian");
});

test("AgentConnectionService closes a connection over each bad message of the vectors, in the peer's words", async () => {
  const { vectors }: { vectors: BadVector[] } = JSON.parse(text("messages-bad.json"));
  for (const { name, key, payload_after_id_prefix_hex: hex, result, log } of vectors) {
    const manager = await startManager();
    const agent = keyOfVectors(key);
    manager.know(agent);
    const link = manager.agent(agent);
    link.sayRaw(Buffer.concat([Buffer.from(`!${agent.id}!`), Buffer.from(hex, "hex")]));
    assert.equal(link.open, result === "VALID", name);
    if (result === "VALID" || name === "wrong-key-bf") continue; // Blowfish is refused before its key matters
    assert.deepEqual(manager.warnings, [log?.replace("%s", "192.0.2.10")], name);
  }
});

test("AgentConnectionService takes every message of an agent in the vectors", async () => {
  type Vector = { name: string; key: string; direction: string; method: string; tcp_frame_hex: string };
  const { vectors }: { vectors: Vector[] } = JSON.parse(text("messages.json"));
  const ours = vectors.filter(({ direction, method }) => direction === "agent->manager" && method === "aes");
  assert(ours.length > 10);
  for (const { name, key, tcp_frame_hex: hex } of ours) {
    const manager = await startManager();
    const agent = keyOfVectors(key);
    manager.know(agent);
    const peer = entryOf(agent).address;
    const address = peer.kind === "any" ? "192.0.2.10" : peer.text.replace(/\.0\/.*|\/.*/, ".9");
    const link = manager.agent(agent, address);
    link.connection.receive(Buffer.from(hex, "hex"));
    assert(link.open, `${name}: ${manager.warnings}`);
  }
});

for (const verify of [true, false]) {
  test(`AgentConnectionService treats repeated counters as the peer does, verification ${verify ? "on" : "off"}`, async () => {
    const { key, sequence }: { key: string; sequence: ReplayStep[] } = JSON.parse(text("replay.json"));
    const agent = keyOfVectors(key);
    const manager = await startManager({ verifyMessageIds: verify });
    manager.know(agent);
    for (const [index, step] of sequence.entries()) {
      const link = manager.agent(agent);
      link.sayRaw(
        Buffer.concat([Buffer.from(`!${agent.id}!`), Buffer.from(step.payload_after_id_prefix_hex, "hex")]),
      );
      const accepted = !verify || step.result_verify_on === "VALID";
      assert.equal(link.open, accepted, `step ${index}`);
      link.connection.hangUp();
    }
  });
}
