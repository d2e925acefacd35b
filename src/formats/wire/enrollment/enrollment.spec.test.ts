/**
 * Goal: the answers of a real enrollment daemon. Method: all its vectors through request, groups, duplicates and reply, with
 * a registry of a few lines between them. Not covered: TLS, the files written.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { nextId } from "#formats/client-keys/client-keys.ts";
import { parseIpAddress } from "#model/address.ts";
import {
  parseAgentAddress,
  parseAgentId,
  parseAgentKey,
  parseAgentName,
  parseConnectionStatus,
} from "#model/agent.ts";
import { Secret } from "#model/secret.ts";
import { admit, type RegisteredAgent } from "./duplicates.ts";
import { checkGroups } from "./groups.ts";
import { type RecordedAgent, type RecordedCase, recordedCases } from "./recorded-cases.fixture.ts";
import { refusalReply, successLog, successReply } from "./reply.ts";
import { parseRequest } from "./request.ts";
import { RequestLineReader } from "./request-line.ts";

const vectors = recordedCases();
const NEW_KEY = parseAgentKey("0123456789abcdef".repeat(4));

function registeredAgent(row: RecordedAgent): RegisteredAgent {
  const id = parseAgentId(row.id);
  const name = parseAgentName(row.name);
  const address = parseAgentAddress(row.ip);
  const key = parseAgentKey(row.key);
  const status = parseConnectionStatus(row.connection_status);
  assert.ok(id !== null && name !== null && address !== null && key !== null && status !== null);
  const state = { status, registeredAtSeconds: row.date_add, disconnectedAtSeconds: row.disconnection_time };
  return { id, name, address, key, state };
}

/** What the enrollment service does with a request, in the smallest form: the answer and the log lines. */
function enroll({ config, ...given }: RecordedCase): { reply: string; logs: string[] } {
  const peer = parseIpAddress(given.source_ip);
  const received = new RequestLineReader().push(Buffer.from(given.request));
  assert.ok(peer !== null && received.code === "line" && NEW_KEY !== null);
  const settings = {
    password: config.use_password ? new Secret(config.password ?? "") : null,
    managerVersion: config.manager_version,
    allowHigherVersions: config.allow_higher_versions,
    useSourceIp: config.use_source_ip,
  };
  const request = parseRequest(received.line, settings, peer);
  const logs = request.logs.map(({ text }) => text);
  if (!request.ok) return { reply: refusalReply(request).toString("latin1"), logs };

  const groups = checkGroups(request.groups, (group) => config.groups_present.includes(group));
  if (!groups.ok) {
    logs.push(...groups.logs.map(({ text }) => text));
    return { reply: refusalReply(groups).toString("latin1"), logs };
  }
  const agents = given.registered.map(registeredAgent);
  const incumbents = {
    byAddress: agents.find(({ address }) => address.text === request.address.text) ?? null,
    byName: agents.find(({ name }) => name === request.name) ?? null,
    managerHostName: config.manager_hostname,
  };
  const force = {
    enabled: config.force.enabled,
    keyMismatch: config.force.key_mismatch,
    disconnectedTime: {
      enabled: config.force.disconnected_time.enabled,
      seconds: config.force.disconnected_time.value,
    },
    afterRegistrationSeconds: config.force.after_registration_time,
  };
  const admission = admit(request, incumbents, force, given.now);
  logs.push(...[...admission.logs, ...(admission.refusal?.logs ?? [])].map(({ text }) => text));
  if (admission.refusal !== null) return { reply: refusalReply(admission.refusal).toString("latin1"), logs };

  const id = nextId({ highestId: Math.max(0, ...agents.map((agent) => Number(agent.id))) });
  assert.ok(id !== null);
  const enrolled = { ...request, id, key: NEW_KEY };
  logs.push(successLog(enrolled).text);
  return { reply: successReply(enrolled).toString("latin1"), logs };
}

test("every enrollment case gets the peer's answer and log lines", () => {
  assert.equal(vectors.length, 41);
  for (const [index, row] of vectors.entries()) {
    const { reply, logs } = enroll(row);
    const label = `case ${index} (${row.name})`;
    if (row.response.exact === undefined)
      assert.match(reply, new RegExp(row.response.pattern ?? "^$"), label);
    else assert.equal(reply, row.response.exact, label);
    for (const line of row.log ?? [])
      assert.ok(logs.includes(line), `${label}: ${line} in ${logs.join("; ")}`);
  }
});
