/** Goal: agents are found by id and by address through every change. Method: the class against a list that is searched. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { parseIpAddress } from "#model/address.ts";
import { agentIdOf } from "#model/agent.ts";
import { SeededRandom } from "#testing/random.ts";
import { type AgentEntry, AgentTable } from "./agent-table.ts";
import { entryOf, identity, KEY } from "./fixture.ts";

function addressOf(text: string) {
  const address = parseIpAddress(text);
  assert(address !== null);
  return address;
}

test("AgentTable finds agents as a searched list does, through 2,000 changes", () => {
  const random = new SeededRandom(11);
  const table = new AgentTable();
  let list: AgentEntry[] = [];
  for (let round = 0; round < 2000; round++) {
    const id = agentIdOf(random.below(30));
    const known = list.find((agent) => agent.id === id);
    if (random.below(3) === 0) {
      assert.equal(table.apply({ kind: "removed", id })?.id, known?.id, `round ${round}`);
      list = list.filter((agent) => agent.id !== id);
    } else {
      const address = random.pick(["any", "10.0.0.1", "10.0.0.2", "10.0.0.0/8", "::1"]);
      const agent = entryOf(identity(id, address, KEY.slice(random.below(3))));
      const same = known?.address.text === address.replace("::1", "0000:0000:0000:0000:0000:0000:0000:0001");
      const unchanged = known !== undefined && same && known.key.equals(agent.key.reveal());
      const retired = table.apply({ kind: "put", agent });
      assert.equal(retired?.id ?? null, unchanged ? null : (known?.id ?? null), `round ${round}`);
      if (!unchanged) list = [...list.filter((other) => other.id !== id), agent];
    }
    assert.equal(table.size, list.length);
    for (const text of ["10.0.0.1", "10.0.0.2", "10.0.0.3", "::1"]) {
      const address = addressOf(text);
      const first = list.find((agent) => agent.address.kind === "single" && sameText(agent, text));
      assert.equal(table.byAddress(address)?.id, first?.id, `round ${round}, ${text}`);
    }
  }
});

function sameText(agent: AgentEntry, text: string): boolean {
  return agent.address.text === text || (text === "::1" && agent.address.text.endsWith(":0001"));
}

test("AgentTable takes 100,000 keys in little time", () => {
  const table = new AgentTable();
  const entries = Array.from({ length: 100_000 }, (_, number) => entryOf(identity(agentIdOf(number))));
  const before = process.cpuUsage();
  for (const agent of entries) table.apply({ kind: "put", agent });
  assert(process.cpuUsage(before).user < 1e6);
  assert.equal(table.byId(agentIdOf(99_999))?.name, "agent99999");
  assert.equal(table.size, 100_000);
});
