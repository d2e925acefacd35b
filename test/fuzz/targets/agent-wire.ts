/**
 * What agents send once it is decrypted, and the frames around it: cut anywhere the stream gives the same frames, an event comes
 * through the queue's form and back unchanged, keepalives stay within their bounds.
 */
import assert from "node:assert/strict";
import { isControlMessage, parseControlMessage } from "#formats/wire/agent/control.ts";
import { splitEnvelope } from "#formats/wire/agent/envelope.ts";
import {
  agentSource,
  formatQueueMessage,
  parseEvent,
  QUEUE_MESSAGE_BYTES_MAX,
} from "#formats/wire/agent/event.ts";
import { FrameDecoder } from "#formats/wire/agent/frame.ts";
import { LABELS_BYTES_MAX, LABELS_MAX, parseKeepalive } from "#formats/wire/agent/keepalive.ts";
import { splitQueueMessage } from "#formats/wire/agent/queue-message.ts";
import { damagedText } from "../damage.ts";
import type { Target } from "../target.ts";

const SUM = "0123456789abcdef0123456789abcdef";
const MESSAGES = [
  `#!-Linux |vm |6.1 |#1 SMP |x86_64 [Debian GNU/Linux|debian: 12 (bookworm)] - Wazuh v4.14.7 / ${SUM}\n"site":paris\n!"owner":bob\n#"_agent_ip":10.0.0.1\n${SUM} merged.mg\n`,
  `#!-Microsoft Windows 11 [Ver: 10.0.22000.1] |pc1 |x86_64 - Wazuh v4.14.7 / ${SUM}\n`,
  '#!-agent startup {"version":"v4.14.7"}',
  "#!-agent shutdown ",
  "#!-req 0000002a ok {}",
  "1:/var/log/auth|:x||y:Nov 21 06:44:10 web1 sshd[1]: x",
  '8:syscheck:{"type":"event"}',
  "1:keepalive:x",
  "!001!#AES:\x00\xff",
  "#ping",
  "\x05\0\0\0hello\x01\0\0\0x",
];
const WORDS = [
  "#!-",
  "agent startup ",
  "!",
  "\0\0\0\0",
  "\xff\xff\xff\xff",
  "\x01\0\0\0",
  " - ",
  "v4",
  "|",
  ":",
  "\n",
  '"a":b\n',
  "[Ver: ",
  " |",
];
const SOURCE = agentSource({ id: "001", name: "web1", address: "any" });

function checkFrames(bytes: Buffer): void {
  const whole = new FrameDecoder().push(bytes);
  const decoder = new FrameDecoder();
  const frames: Buffer[] = [];
  let violated = false;
  for (const byte of bytes) {
    const pushed = decoder.push(Buffer.of(byte));
    frames.push(...pushed.frames);
    violated = pushed.violation !== null;
    if (violated) break;
  }
  assert.deepEqual(frames, [...whole.frames]);
  assert.equal(violated, whole.violation !== null);
}

function checkEvent(message: Buffer): void {
  const result = parseEvent(message);
  if (!result.ok) return;
  const { queue, location, text } = result.event;
  const datagram = formatQueueMessage(SOURCE, result.event);
  assert(datagram.length <= QUEUE_MESSAGE_BYTES_MAX);
  if (message.includes(0) || datagram.length === QUEUE_MESSAGE_BYTES_MAX) return;
  const parts = splitQueueMessage(datagram.toString("latin1"));
  const expected = { queue, agentId: "001", location: `(web1) any->${location}`, hostname: "web1" };
  assert.deepEqual(parts, { ...expected, message: text.toString("latin1") });
}

function checkKeepalive(text: string): void {
  const { labels } = parseKeepalive(text);
  assert(labels.length <= LABELS_MAX);
  const bytes = labels.reduce((sum, { key, value }) => sum + key.length + value.length, 0);
  assert(bytes <= LABELS_BYTES_MAX);
  for (const { key, value } of labels)
    assert(!/[\x00-\x08\x0a-\x1f\x7f]/.test(key + value), "a control byte");
}

function run(input: string): void {
  const message = Buffer.from(input, "latin1");
  if (message.length < 5000) checkFrames(message);
  splitEnvelope(message, "192.0.2.1");
  if (!isControlMessage(message)) {
    checkEvent(message);
    return;
  }
  const control = parseControlMessage(message);
  if (control.kind === "keepalive") checkKeepalive(control.text);
}

export const agentWireTarget: Target = {
  make: (random) => damagedText(random, random.pick(MESSAGES), WORDS),
  change: (random, input, other) => damagedText(random, input, [...WORDS, other.slice(0, 100)]),
  run,
};
