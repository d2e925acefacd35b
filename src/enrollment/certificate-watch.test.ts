/** Goal: who runs the manager hears of an expiry at each threshold, once. Method: a certificate made for a known time, a clock that goes on by days. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { systemRandom } from "#kernel/platform/random.ts";
import { FakeClock } from "#testing/clock.ts";
import { FakeFiles } from "#testing/files.ts";
import { RecordingLog, RecordingMetrics } from "#testing/log.ts";
import { makeCertificate } from "./certificate.ts";
import { CertificateWatch, expiryOf } from "./certificate-watch.ts";

const DAY_MS = 86_400_000;
const MADE_MS = Date.UTC(2026, 0, 1);
const PATH = "/etc/sslmanager.cert";

async function pemOf(nowMs: number): Promise<string> {
  const subject = { hostName: "manager01", addresses: ["127.0.0.1"], nowMs };
  return (await makeCertificate(subject, systemRandom)).certificate;
}

const FIRST = await pemOf(MADE_MS);
const EXPIRES_MS = expiryOf(FIRST) ?? 0;

function watchAt(nowMs: number, files = new FakeFiles()) {
  files.write(PATH, FIRST);
  const clock = new FakeClock(nowMs);
  const log = new RecordingLog();
  const metrics = new RecordingMetrics();
  const told: string[] = [];
  const needs = {
    files,
    clock,
    log,
    metrics,
    tell: (at: string, text: string) => told.push(`${at}:${text}`),
  };
  const watched = [
    { role: "manager", path: PATH },
    { role: "agent_authority", path: "/absent.pem" },
  ] as const;
  const watch = new CertificateWatch(watched, needs);
  return { clock, files, log, metrics, told, watch };
}

test("expiryOf() takes the earliest of several certificates, and none where none can be read", async () => {
  const later = await pemOf(MADE_MS + 100 * DAY_MS);
  assert.equal(EXPIRES_MS, MADE_MS + 3650 * DAY_MS);
  assert.equal(expiryOf(`${later}\n# comment\n${FIRST}`), EXPIRES_MS);
  assert.equal(expiryOf(FIRST.replace("MII", "AAA")), null);
  assert.equal(expiryOf(""), null);
});

test("CertificateWatch tells at 30, 7 and 1 days and at the end, once each, and again of the next certificate", async () => {
  const { clock, files, log, metrics, told, watch } = watchAt(EXPIRES_MS - 31 * DAY_MS);
  assert.deepEqual(told, []);
  assert.deepEqual(watch.states, [{ role: "manager", path: PATH, expiresMs: EXPIRES_MS }]);
  assert.equal(metrics.get("certificate_days_left_manager"), 31);
  for (let day = 0; day < 33; day++) clock.advance(DAY_MS);
  const text = (days: string) =>
    `wazuh-authd:ossec: Certificate expiring: '${PATH}' (manager): ${days} days left.`;
  const expired = `wazuh-authd:ossec: Certificate expired: '${PATH}' (manager).`;
  assert.deepEqual(told, [text("30"), text("7"), text("1"), expired]);
  assert.deepEqual(
    log.lines.map(({ level }) => level),
    ["warning", "warning", "error", "error"],
  );
  assert.equal(metrics.get("certificate_days_left_manager"), -2);
  files.write(PATH, await pemOf(clock.wallMs()));
  clock.advance(3_600_000);
  assert.equal(told.length, 4);
  watch.stop();
  assert.equal(clock.pendingTimers, 0);
});

test("CertificateWatch tells at the start only what is most urgent", () => {
  assert.deepEqual(watchAt(EXPIRES_MS - 3 * DAY_MS).told, [
    `wazuh-authd:ossec: Certificate expiring: '${PATH}' (manager): 3 days left.`,
  ]);
});
