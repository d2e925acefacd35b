/** Goal: a host's ports are an event when they are new or changed. Method: messages by hand, the memory at its limit, damaged ones. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { SeededRandom } from "#testing/random.ts";
import { HOST_INFO_BYTES_MAX, HostInfoDecoder } from "./host-info.ts";
import type { SpecialResult } from "./special.ts";
import { eventOf } from "./special-message.fixture.ts";

function decode(decoder: HostInfoDecoder, message: string): string {
  const event = eventOf(`3:[001] (agent1) any->nmap:${message}`);
  return kindOf(decoder.decode(event));
}

function kindOf(result: SpecialResult): string {
  return result.kind === "event" ? result.decoderName : result.reason;
}

test("HostInfoDecoder tells new, unchanged and changed hosts apart", () => {
  const decoder = new HostInfoDecoder();
  const kinds = [
    "Host: 10.0.0.1 (gate), open ports: 22 (tcp)",
    "Host: 10.0.0.1 (gate), open ports: 22 (tcp)",
    "Host: 10.0.0.1 (), open ports: 22 (tcp)",
    "Host: 10.0.0.1 (gate), open ports: 22 (tcp) 80 (tcp)",
    "Host: 10.0.0.1 (gate), open ports: 22 (tcp)",
    "Host: 10.0.0.10 (), open ports: 22 (tcp)",
    "Host: 10.0.0.1,",
  ].map((message) => decode(decoder, message));
  const [first, ...others] = kinds;
  assert.equal(first, "hostinfo_new");
  assert.deepEqual(others, [
    "unchanged",
    "unchanged",
    "hostinfo_modified",
    "hostinfo_modified",
    "hostinfo_new",
    "hostinfo_modified",
  ]);
});

test("HostInfoDecoder shows one name for both kinds of event", () => {
  const event = eventOf("3:nmap:Host: 10.0.0.1 (), open ports: 22 (tcp)");
  assert.deepEqual(new HostInfoDecoder().decode(event), {
    kind: "event",
    decoderName: "hostinfo_new",
    shownName: "hostinfo_modified",
  });
  assert.equal(event.dynamicNames.length, 0);
});

test("HostInfoDecoder refuses other messages", () => {
  const decoder = new HostInfoDecoder();
  for (const message of [
    "",
    "Host",
    "Host: ",
    "Host: 10.0.0.1",
    "Host: , x",
    "Host:  a, x",
    "host: 10.0.0.1, x",
  ]) {
    const result = decoder.decode(eventOf(`3:nmap:${message} `.trimEnd()));
    assert.deepEqual(result, {
      kind: "nothing",
      reason: "malformed",
      error: "Error handling host information database.",
    });
  }
});

test("HostInfoDecoder goes on from a snapshot", () => {
  const decoder = new HostInfoDecoder();
  decode(decoder, "Host: a (), open ports: 1");
  decode(decoder, "Host: b (), open ports: 2");
  const restored = new HostInfoDecoder();
  restored.restore(JSON.parse(JSON.stringify(decoder.snapshot())));
  assert.equal(decode(restored, "Host: a (), open ports: 1"), "unchanged");
  assert.equal(decode(restored, "Host: b (), open ports: 3"), "hostinfo_modified");
});

test("HostInfoDecoder forgets the oldest hosts at its limit", () => {
  const decoder = new HostInfoDecoder();
  const ports = "x".repeat(60_000);
  const hosts = Math.ceil(HOST_INFO_BYTES_MAX / ports.length) + 5;
  for (let host = 0; host < hosts; host++) decode(decoder, `Host: h${host} (),${ports}`);
  const bytes = decoder.snapshot().reduce((sum, [address, text]) => sum + address.length + text.length, 0);
  assert(bytes <= HOST_INFO_BYTES_MAX && bytes > HOST_INFO_BYTES_MAX - 2 * ports.length);
  assert.equal(decode(decoder, `Host: h${hosts - 1} (),${ports}`), "unchanged");
  assert.equal(decode(decoder, `Host: h0 (),${ports}`), "hostinfo_new");
  for (let host = 0; host < hosts; host++) decode(decoder, `Host: h${host} (),1`);
  assert.equal(decoder.snapshot().length, hosts, "bytes that are freed count");
});

test("HostInfoDecoder survives damaged messages", () => {
  const decoder = new HostInfoDecoder();
  const random = new SeededRandom(3);
  const bytes = Buffer.from("Host: 10.0.0.1 (gate), open ports: 22 (tcp)");
  for (let round = 0; round < 1000; round++) decode(decoder, random.mutate(bytes).toString("latin1"));
});
