/** Two nodes with registries of their own and a wire between them; and a recorded node at one end of such a wire. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import type { Message } from "#formats/wire/cluster/frame.ts";
import { type AgentName, agentIdOf, type GroupName } from "#model/agent.ts";
import type { AgentInfo } from "#registry/agent-record.ts";
import { AgentStore } from "#registry/agent-store.ts";
import { RecordingMetrics } from "#testing/log.ts";
import { fakeNeeds, HOME, RawNode, settled, testCipher, type wire } from "../fixture.ts";
import { Session } from "../session.ts";

/** Of the recorded agents. */
export const INFO: AgentInfo = {
  os: {
    name: "Ubuntu",
    version: "22.04.3 LTS",
    major: "22",
    minor: "04",
    codename: "Jammy Jellyfish",
    build: "",
    platform: "ubuntu",
    uname: "Linux",
    arch: "x86_64",
  },
  version: "Wazuh v4.9.0",
  configSum: "ab73af41699f13fdd81903b5f23d8d00",
  mergedSum: "5c1f4b7ea6e9e3b6a7b8b0c1d2e3f405",
  managerHost: "host1",
  nodeName: "worker1",
  agentAddress: "10.0.0.1",
  labels: [],
};
export const KEEPALIVE_SECONDS = 1_795_243_607;

export function addAgent(store: AgentStore, idNumber: number, groups: readonly string[] = []) {
  const id = agentIdOf(idNumber);
  const name = `agent-${String(idNumber).padStart(5, "0")}` as AgentName;
  store.upsert({ id, name, address: "any", registeredSeconds: 1 });
  if (groups.length > 0) store.setGroups(id, groups as GroupName[]);
  return id;
}

/** An agent that reports to the node, as the recorded ones. */
export function connectAgent(store: AgentStore, idNumber: number, changes: Partial<AgentInfo> = {}) {
  const info = { ...INFO, agentAddress: `10.0.0.${idNumber}`, ...changes };
  const id = agentIdOf(idNumber);
  store.applyKeepalive({ id, atSeconds: KEEPALIVE_SECONDS, info, groupConfigStatus: "synced" });
  return id;
}

export function node(
  t: TestContext,
  link: ReturnType<typeof wire>[number],
  workerName: string,
  seed: number,
) {
  const needs = fakeNeeds(seed);
  needs.clock.jump(KEEPALIVE_SECONDS * 1000 + 5000 - needs.clock.wallMs());
  const folder = mkdtempSync(join(tmpdir(), "cluster-agents-"));
  const path = join(folder, "registry.db");
  const store = new AgentStore({ path, clock: needs.clock, log: needs.log, metrics: new RecordingMetrics() });
  const cipher = testCipher(needs);
  const session = new Session({ link, cipher, log: needs.log, home: HOME, closed: () => {} }, needs);
  link.handler = { data: (chunk) => session.channel.data(chunk), closed: () => session.close() };
  session.enter(workerName);
  t.after(() => {
    session.close();
    store.close();
    rmSync(folder, { recursive: true });
  });
  return { needs, store, session };
}

export type RecordedFrame = {
  readonly dir: string;
  readonly command_field: string;
  readonly payload?: string;
};

export function recordedFrames(name: string): readonly RecordedFrame[] {
  const path = new URL(`../../../test/vectors/cluster/${name}.json`, import.meta.url);
  const transcript: { frames: RecordedFrame[] } = JSON.parse(readFileSync(path, "utf8"));
  return transcript.frames;
}

/** One end of a wire that plays what was recorded; `read` gives what the node at the other end has written since. */
export function recordedNode(link: ReturnType<typeof wire>[number]) {
  const raw = new RawNode((bytes) => link.write(bytes));
  let written: Buffer[] = [];
  link.handler = { data: (chunk) => written.push(Buffer.from(chunk)), closed: () => {} };
  const read = async (): Promise<Message[]> => {
    for (let turn = 0; turn < 10; turn++) await settled();
    const bytes = Buffer.concat(written);
    written = [];
    return raw.read(bytes);
  };
  return { raw, read };
}

/**
 * Plays one side of a transcript against a node. Each frame that the node writes must be the recorded one, but for ids and times: an id that the node gives is
 * used from there on, and one that was recorded is what the node must use.
 */
export async function replay(
  frames: readonly RecordedFrame[],
  played: string,
  end: ReturnType<typeof recordedNode>,
  same: (command: string, actual: string, recorded: string) => void,
): Promise<void> {
  const ids = new Map<string, string>();
  const translate = (payload: string) => payload.replace(/^[0-9]{6,}/, (id) => ids.get(id) ?? id);
  let waiting: Message[] = [];
  let lastCounter = 0;
  for (const { dir, command_field, payload = "" } of frames) {
    const command = command_field.split(" ")[0] ?? "";
    if (dir.startsWith(played)) {
      if (command === "ok") end.raw.send("ok", payload, lastCounter);
      else end.raw.send(command, translate(payload));
      continue;
    }
    if (waiting.length === 0) waiting = await end.read();
    const message = waiting.shift();
    if (message === undefined) throw new Error(`nothing came instead of ${command}`);
    const text = message.payload.toString("utf8");
    if (/^[0-9]{6,}$/.test(payload) && command === "ok") ids.set(payload, text);
    if (command !== "ok") lastCounter = message.counter;
    if (message.command !== command) throw new Error(`${message.command} instead of ${command}: ${text}`);
    same(command, text, translate(payload));
  }
}
