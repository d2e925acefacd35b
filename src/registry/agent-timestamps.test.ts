/** Goal: the peer's lines, read and written. Method: lines by hand; local time through a round trip, as the zone is the host's. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { agentIdOf } from "#model/agent.ts";
import { FakeFiles } from "#testing/files.ts";
import { AgentTimestamps } from "./agent-timestamps.ts";

const PATH = "/queue/agents-timestamp";

test("AgentTimestamps writes a line an agent in local time", () => {
  const files = new FakeFiles();
  const timestamps = new AgentTimestamps(files, PATH);
  const registeredSeconds = new Date(2026, 2, 4, 5, 6, 7).getTime() / 1000;
  timestamps.append({ id: agentIdOf(1), name: "one", address: "any", registeredSeconds });
  timestamps.append({
    id: agentIdOf(2),
    name: "two",
    address: "10.0.0.0/8",
    registeredSeconds: registeredSeconds + 60,
  });
  assert.equal(files.text(PATH), "001 one any 2026-03-04 05:06:07\n002 two 10.0.0.0/8 2026-03-04 05:07:07\n");
  assert.deepEqual(
    [...timestamps.read()],
    [
      ["001", registeredSeconds],
      ["002", registeredSeconds + 60],
    ],
  );
});

test("AgentTimestamps takes the lines of removed agents out with the next flush", () => {
  const files = new FakeFiles();
  const timestamps = new AgentTimestamps(files, PATH);
  files.write(PATH, "001 one any 2026-03-04 05:06:07\nodd line\n0010 ten any 2026-03-04 05:06:07\n");
  timestamps.remove(agentIdOf(1));
  assert.match(files.text(PATH), /^001/);
  timestamps.flush();
  assert.equal(files.text(PATH), "odd line\n0010 ten any 2026-03-04 05:06:07\n");
  const inode = files.info(PATH)?.inode;
  timestamps.flush();
  assert.equal(files.info(PATH)?.inode, inode, "nothing to do, nothing written");
});

test("AgentTimestamps skips damaged lines, and has nothing to say without a file", () => {
  const files = new FakeFiles();
  const timestamps = new AgentTimestamps(files, PATH);
  assert.equal(timestamps.read().size, 0);
  files.write(
    PATH,
    "\n001 one any\n002 two any 2026-03-04\nx y z 2026-03-04 05:06:07\n\0\xff\n003 a any 2026-03-04 05:06:07",
  );
  assert.deepEqual([...timestamps.read().keys()], ["003"]);
});
