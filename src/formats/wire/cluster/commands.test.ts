/** Goal: requests are read as the peer reads them. Method: recorded frames and errors, on TCP and on the local socket; damage. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { SeededRandom } from "#testing/random.ts";
import { type CommandName, isCommandName, NAME_BYTES_MAX, readRequest, writePayload } from "./commands.ts";
import { encodeMessage, MessageReader } from "./frame.ts";
import { hex, recorded } from "./recorded.fixture.ts";

type TranscriptFrame = { command_field: string; payload?: string; payload_hex?: string };
const TRANSCRIPTS = [
  "transcript_hello_integrity_4_14_7",
  "transcript_agent_info_4_14_7",
  "transcript_agent_groups_4_14_7",
  "transcript_keepalive_4_14_7",
  "transcript_dapi_4_14_7",
].flatMap((name) => recorded<{ frames: TranscriptFrame[] }>(name).frames);
const LOCAL = recorded<{
  nodes: Record<string, { request_frame_hex: string; request: string; payload: string }[]>;
}>("local_socket");

const NAMES = new Map<CommandName, Buffer>();
for (const { command_field, payload, payload_hex } of TRANSCRIPTS) {
  const name = command_field.slice(0, 11).split(" ")[0] ?? "";
  const bytes = payload === undefined ? hex(payload_hex ?? "") : Buffer.from(payload);
  if (isCommandName(name)) NAMES.set(name, bytes);
}

test("readRequest() and writePayload() keep every recorded request", () => {
  assert(NAMES.size > 15, `${NAMES.size} kinds of requests`);
  for (const [name, bytes] of NAMES) {
    const request = readRequest(name, bytes);
    assert(!("code" in request), name);
    assert.deepEqual(writePayload(request), bytes, name);
  }
});

test("readRequest() splits at the first space only", () => {
  const request = readRequest("file_upd", Buffer.from("/queue/cluster/tst/x.bin abc def"));
  assert.deepEqual(request, {
    command: "file_upd",
    name: "/queue/cluster/tst/x.bin",
    bytes: Buffer.from("abc def"),
  });
});

test("readRequest() says of a malformed request what the peer says", () => {
  const textOf = (command: CommandName, payload: string) => {
    const request = readRequest(command, Buffer.from(payload));
    return "code" in request ? request.text : null;
  };
  assert.equal(textOf("hello", "tst wazuh 4.14.7"), "not enough values to unpack (expected 4, got 3)");
  assert.equal(textOf("hello", "tst my cluster worker 4.14.7"), "too many values to unpack (expected 4)");
  assert.equal(textOf("new_str", "abc"), "invalid literal for int() with base 10: b'abc'");
  assert.equal(textOf("new_str", "12"), null);
});

test("isCommandName() knows no inherited names", () => {
  for (const name of ["toString", "constructor", "__proto__", "nonsense"])
    assert.equal(isCommandName(name), false);
});

test("the local socket has the same frames, not sealed", () => {
  for (const { request_frame_hex, request, payload } of Object.values(LOCAL.nodes).flat()) {
    const reader = new MessageReader({ isAdmitted: true });
    reader.push(hex(request_frame_hex));
    const next = reader.next();
    const expected = { counter: 100, command: request, payload: Buffer.from(payload) };
    assert.deepEqual(next, { kind: "message", message: expected });
    const [frame] = encodeMessage(expected, expected.payload, expected.payload.length);
    assert.equal(frame?.toString("hex"), request_frame_hex);
  }
});

test("readRequest() survives damage", () => {
  const random = new SeededRandom(25);
  for (const [name, bytes] of NAMES) {
    for (let round = 0; round < 50; round++) readRequest(name, random.mutate(bytes));
  }
});

test("readRequest() looks for the end of a name only so far as names go", () => {
  const long = Buffer.alloc(2_000_000, "x");
  const request = readRequest("str_upd", Buffer.concat([long, Buffer.from(" y")]));
  assert(!("code" in request) && request.name.length === NAME_BYTES_MAX && request.bytes.length === 0);
  const path = "p".repeat(NAME_BYTES_MAX - 1);
  const whole = readRequest("file_upd", Buffer.from(`${path} y`));
  assert(!("code" in whole) && whole.name === path && whole.bytes.toString() === "y");
});

test("readRequest() refuses a hello of megabytes before it takes it apart", () => {
  const hello = readRequest("hello", Buffer.alloc(2_000_000, " "));
  assert("code" in hello && hello.text === "hello of 2000000 bytes");
});
