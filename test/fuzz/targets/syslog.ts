/** Streams of syslog: the same messages however they are cut, none empty or too long, and lines of RFC 5424 whose fields are JSON. */
import assert from "node:assert/strict";
import { toClassicLine } from "#formats/syslog/classic-line.ts";
import { SyslogFramer } from "#formats/syslog/framing.ts";
import { MESSAGE_BYTES_MAX } from "#formats/syslog/limits.ts";
import { withoutPriority } from "#formats/syslog/message.ts";
import { damagedText } from "../damage.ts";
import type { Target } from "../target.ts";

const STREAMS = [
  "<13>Nov 21 10:00:00 web1 app[1]: text\n<13>more\n",
  '99 <165>1 2003-10-11T22:14:15.003Z h app 7 ID47 [x@1 a="1" b="\\]\\""][y] text of ninety-nine bytes!!!!! <34>1 - - - - - - x\n',
  "7 <13>one\0<13>two\r\n0 <13>\n10000000 <13>x",
];
const WORDS = [
  "<13>",
  "<",
  ">",
  "1 ",
  "- ",
  "[",
  "]",
  '="',
  '"',
  "\\",
  "\n",
  "\0",
  "65535 <",
  "7 <",
  "9999999 <",
  "[ID ",
  "2026-11-21T10:00:00Z",
  "x".repeat(70_000),
];
const PIECE_BYTES = 7;
const LINE = /^([A-Z][a-z]{2} [ \d]\d \S{8}) \S+ (?:[^ [\]:]*(?:\[\d+\])?: )?\[ID (\{[^\]]*\})\] /;
const ORIGIN = { address: "198.51.100.20", receivedMs: 0 };

function messagesOf(chunks: readonly Buffer[]): string[] {
  const framer = new SyslogFramer();
  const messages: string[] = [];
  for (const chunk of chunks) {
    framer.push(chunk);
    for (let framed = framer.next(); framed !== null; framed = framer.next()) {
      messages.push(framed.message.toString("latin1"));
    }
    assert(framer.heldBytes <= MESSAGE_BYTES_MAX);
  }
  const rest = framer.flush();
  return rest === null ? messages : [...messages, rest.message.toString("latin1")];
}

function run(input: string): void {
  const bytes = Buffer.from(input, "latin1");
  const pieces = Array.from({ length: Math.ceil(bytes.length / PIECE_BYTES) }, (_, index) =>
    bytes.subarray(index * PIECE_BYTES, (index + 1) * PIECE_BYTES),
  );
  const messages = messagesOf([bytes]);
  assert.deepEqual(messagesOf(pieces), messages);
  for (const message of [...messages, input]) {
    if (message !== input) assert(message.length > 0 && message.length <= MESSAGE_BYTES_MAX);
    assert(message.endsWith(withoutPriority(Buffer.from(message, "latin1")).toString("latin1")));
    const line = toClassicLine(message, ORIGIN);
    if (line !== null) assert.equal(typeof JSON.parse(LINE.exec(line)?.[2] ?? "").syslog, "object", line);
  }
}

export const syslogTarget: Target = {
  make: (random) => damagedText(random, random.pick(STREAMS), WORDS),
  change: (random, input) => damagedText(random, input, WORDS),
  run,
};
