/** Goal: the last word of each agent arrives, and no more than four messages of it at a time. Method: a clock that the test moves. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { AgentUpdate } from "#connection/needs.ts";
import { parseKeepalive } from "#formats/wire/agent/keepalive.ts";
import { parseAgentId } from "#model/agent.ts";
import { FakeClock } from "#testing/clock.ts";
import { AgentReportBuffer } from "./agent-report-buffer.ts";

const ID = parseAgentId("001");
const OTHER = parseAgentId("002");
assert.ok(ID !== null && OTHER !== null);

test("AgentReportBuffer sends the news and the last state of a flooding agent once", () => {
  const clock = new FakeClock();
  const sent: (readonly AgentUpdate[])[] = [];
  const buffer = new AgentReportBuffer(clock, (updates) => sent.push(updates));
  const news: AgentUpdate = { kind: "keepalive", agentId: ID, atMs: 1, keepalive: parseKeepalive("x") };
  buffer.report(news);
  for (let atMs = 2; atMs < 10_000; atMs++)
    buffer.report({ kind: "keepalive", agentId: ID, atMs, keepalive: null });
  buffer.report({ kind: "shutdown", agentId: OTHER, atMs: 5 });
  clock.advance(200);
  assert.deepEqual(sent, [
    [
      news,
      { kind: "keepalive", agentId: ID, atMs: 9999, keepalive: null },
      { kind: "shutdown", agentId: OTHER, atMs: 5 },
    ],
  ]);
  clock.advance(1000);
  assert.equal(sent.length, 1);
  assert.equal(clock.pendingTimers, 0);
});

test("AgentReportBuffer tells that an agent connected also when its keepalive follows at once, and both in their order", () => {
  const sent: (readonly AgentUpdate[])[] = [];
  const buffer = new AgentReportBuffer(new FakeClock(), (updates) => sent.push(updates));
  const startup: AgentUpdate = { kind: "startup", agentId: ID, atMs: 1, version: null, peerAddress: "" };
  const news: AgentUpdate = { kind: "keepalive", agentId: ID, atMs: 2, keepalive: parseKeepalive("x") };
  const same: AgentUpdate = { kind: "keepalive", agentId: ID, atMs: 3, keepalive: null };
  for (const update of [startup, news, same]) buffer.report(update);
  buffer.flush();
  for (const update of [news, startup]) buffer.report(update);
  buffer.flush();
  assert.deepEqual(sent, [
    [startup, news, same],
    [news, startup],
  ]);
});

test("AgentReportBuffer keeps an agent's word on its upgrade beside its state", () => {
  const clock = new FakeClock();
  const sent: (readonly AgentUpdate[])[] = [];
  const buffer = new AgentReportBuffer(clock, (updates) => sent.push(updates));
  const keepalive: AgentUpdate = { kind: "keepalive", agentId: ID, atMs: 1, keepalive: null };
  const report = (atMs: number): AgentUpdate => ({
    kind: "upgrade_reported",
    agentId: ID,
    atMs,
    result: "done",
  });
  buffer.report(keepalive);
  for (let atMs = 2; atMs < 100; atMs++) buffer.report(report(atMs));
  buffer.report({ kind: "upgrade_reported", agentId: OTHER, atMs: 5, result: "failed" });
  buffer.flush();
  const [updates] = sent;
  assert.deepEqual(updates, [
    keepalive,
    report(99),
    { kind: "upgrade_reported", agentId: OTHER, atMs: 5, result: "failed" },
  ]);
});
