/**
 * Goal: the answers, log lines and keys of the peer. Method: every case of the recorded vectors against the whole service, with a real
 * registry that holds the agents of the case.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type RecordedAgent, recordedCases } from "#formats/wire/enrollment/recorded-cases.fixture.ts";
import { agentIdOf, parseConnectionStatus } from "#model/agent.ts";
import { EnrollmentBench } from "./fixture.ts";

const vectors = recordedCases();
assert.equal(vectors.length, 41);

function prepare(bench: EnrollmentBench, registered: readonly RecordedAgent[]): void {
  for (const { id, connection_status, date_add, disconnection_time } of registered) {
    const agentId = agentIdOf(Number(id));
    const row = bench.registry.agents.find(agentId);
    const status = parseConnectionStatus(connection_status);
    assert(row !== null && status !== null);
    bench.registry.agents.upsert({ ...row, registeredSeconds: date_add });
    if (status === "disconnected") {
      const at = { atSeconds: disconnection_time, statusCode: 3 } as const;
      bench.registry.agents.setStatus(agentId, { status, ...at });
    } else if (status !== "never_connected") {
      bench.registry.agents.setStatus(agentId, { status, atSeconds: date_add });
    }
  }
}

for (const [index, vector] of vectors.entries()) {
  test(`EnrollmentService answers vector ${index + 1} as the peer: ${vector.name}`, async (t) => {
    const { config, registered } = vector;
    const keys = registered.map(({ id, name, ip, key }) => `${id} ${name} ${ip} ${key}\n`).join("");
    const bench = new EnrollmentBench(
      {
        usePassword: config.use_password,
        useSourceIp: config.use_source_ip,
        allowHigherVersions: config.allow_higher_versions,
        managerVersion: config.manager_version,
        managerHostName: config.manager_hostname,
        force: {
          enabled: config.force.enabled,
          keyMismatch: config.force.key_mismatch,
          disconnectedTime: {
            enabled: config.force.disconnected_time.enabled,
            seconds: config.force.disconnected_time.value,
          },
          afterRegistrationSeconds: config.force.after_registration_time,
        },
      },
      { keys, wallMs: vector.now * 1000 },
    );
    t.after(() => bench.stop());
    if (config.password !== null) bench.files.write("/home/etc/authd.pass", `${config.password}\n`);
    await bench.start();
    prepare(bench, registered);

    const answer = await bench.ask(vector.request, vector.source_ip);
    const { exact, pattern } = vector.response;
    if (exact !== undefined) assert.equal(answer, exact);
    else assert.match(answer, new RegExp(pattern ?? "(?!)"));
    for (const line of vector.log ?? []) {
      assert(bench.log.texts().includes(line), `${line}\nmissing in\n${bench.log.texts().join("\n")}`);
    }
    const given = /^OSSEC K:'(.*)'$/.exec(answer)?.[1];
    if (given !== undefined) assert(bench.keys.includes(`${given}\n`), "answered, so it is in client.keys");
    else assert.equal(bench.keys, keys, "refused, so nothing was created");
  });
}

test("EnrollmentService sets the groups of the request, and marks the line of a replaced agent", async (t) => {
  const bench = await EnrollmentBench.start(t);
  await bench.ask("OSSEC A:'node-1' V:'v4.14.7' G:'web,db' IP:'10.1.2.3'\n");
  assert.deepEqual(bench.groups(agentIdOf(1)), ["web", "db"]);
  const key = "0".repeat(64);
  const replaced = await EnrollmentBench.start(t, {}, { keys: `001 node-1 any ${key}\n` });
  assert.match(await replaced.ask("OSSEC A:'node-1'\n"), /^OSSEC K:'002 node-1 any/);
  assert.match(replaced.keys, new RegExp(`^002 node-1 any [0-9a-f]{64}\n001 !node-1 any ${key}\n$`));
  const purged = await EnrollmentBench.start(t, { purge: true }, { keys: `001 node-1 any ${key}\n` });
  assert.match(await purged.ask("OSSEC A:'node-1'\n"), /^OSSEC K:'002 node-1 any/);
  assert.match(purged.keys, /^002 node-1 any [0-9a-f]{64}\n$/);
});
