/**
 * Goal: whatever comes, an engine's memory ends at its limits. Method: 50,000 hostile events of thousands of agents, every one with
 * something in it that no other has, for each thing that is remembered; all of them together are far more than may be kept.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { Engine } from "#analysis/engine.ts";
import { SeededRandom } from "#testing/random.ts";
import "./v8-flags.ts";
import { ruleSet } from "./rule-sets.ts";

const EVENTS = 50_000;
const AGENTS = 3000;
const START_MS = 1_795_249_255_000;
const MB = 1024 * 1024;
/** The events have 130 MB of texts of their own; 60 MB are kept of them. */
const HEAP_MB_MAX = 100;

setFlagsFromString("--expose-gc");
const collectGarbage: () => void = runInNewContext("gc");

function heapMb(): number {
  collectGarbage();
  return process.memoryUsage().heapUsed / MB;
}

type Maker = (unique: string) => {
  readonly queue: string;
  readonly module: string;
  readonly message: string;
};

/** For each thing that an engine remembers, messages that make it remember one more. */
const MAKERS: readonly Maker[] = [
  (unique) => ({
    queue: "1",
    module: `/var/log/${unique}`,
    message: `Nov 21 06:44:10 h sshd[1]: Failed password for ${unique} from 10.0.0.1 port 22`,
  }),
  (unique) => ({
    queue: "1",
    module: "/var/log/mail",
    message: `mail id=${unique.replace(/\D/g, "")} user=${unique}`,
  }),
  (unique) => ({ queue: "1", module: "/var/log/ids", message: `ids ${unique} b` }),
  (unique) => ({ queue: "1", module: "netstat", message: `ossec: output: 'netstat': ${unique}` }),
  (unique) => ({
    queue: "1",
    module: "/var/log/j",
    message: JSON.stringify({ [unique]: unique, action: unique, list: [unique] }),
  }),
  (unique) => ({ queue: "3", module: "nmap", message: `Host: ${unique} (), open ports: 22 (tcp)` }),
  (unique) => ({
    queue: "8",
    module: "syscheck",
    message: `1:33188:0:0:aa:bb:root:root:17:42:cc /${unique}`,
  }),
  (unique) => ({ queue: "9", module: "rootcheck", message: `File '/${unique}' is hidden. {PCI_DSS: 1}` }),
  (unique) => ({ queue: "p", module: "sca", message: scaCheck(unique) }),
];

function scaCheck(unique: string): string {
  const check = { id: Number(unique.replace(/\D/g, "")) % 2 ** 31, title: unique, result: "failed" };
  return JSON.stringify({ type: "check", id: 1, policy: "p", policy_id: unique.slice(0, 200), check });
}

test("Engine keeps no more than its limits of 50,000 hostile events", (t) => {
  const set = ruleSet("everything");
  assert(set !== null);
  const random = new SeededRandom(7);
  const engine = new Engine(set, { hostname: "manager", mode: "live" });
  const beforeMb = heapMb();
  for (let number = 0; number < EVENTS; number++) {
    const agentId = String(random.below(AGENTS)).padStart(3, "0");
    const unique = `u${number}${"x".repeat(random.below(random.below(4) === 0 ? 20_000 : 100))}`;
    const { queue, module, message } = random.pick(MAKERS)(unique);
    const location = `(web${agentId}) any->${module.slice(0, 1000)}`;
    const receivedMs = START_MS + 50 * number;
    engine.process({ position: number, receivedMs, agentId, location, queue, message });
  }
  const keptMb = heapMb() - beforeMb;
  t.diagnostic(`${keptMb.toFixed(0)} MB are kept`);
  assert(keptMb < HEAP_MB_MAX, `${keptMb} MB`);
  assert(engine.state.memory.length > 0);
});
