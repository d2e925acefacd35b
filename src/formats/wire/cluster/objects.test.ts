/** Goal: what the peer encodes is read and written alike, and stays data. Method: recorded objects; marks that lie; damaged JSON. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { SeededRandom } from "#testing/random.ts";
import { byteLiteral } from "./byte-literal.ts";
import { ClusterException, clusterError, readErrorReply, writeException } from "./exceptions.ts";
import { isObject, JSON_DEPTH_MAX, JSON_VALUES_MAX, type JsonValue, parseJson } from "./json-value.ts";
import { AffectedItems, Callable, PlainResult, readObjects, writeObjects } from "./objects.ts";
import { pythonJson } from "./python-json.ts";
import { recorded } from "./recorded.fixture.ts";

const VECTOR = recorded<{
  readonly encoded: Readonly<Record<string, JsonValue>>;
  readonly str_of_exceptions: Readonly<Record<string, string>>;
}>("json_objects");
const ERRORS = recorded<{
  peers: Record<string, { exchange?: { reply?: string }[] }[]>;
}>("errors");

function json(text: string): JsonValue | undefined {
  return parseJson(Buffer.from(text));
}

test("readObjects() and writeObjects() keep every recorded object", () => {
  for (const [name, encoded] of Object.entries(VECTOR.encoded)) {
    const value = readObjects(encoded);
    assert(value !== undefined, name);
    assert.notEqual(Object.getPrototypeOf(value), Object.prototype, `${name} is recognised`);
    assert.deepEqual(writeObjects(value), encoded, name);
  }
});

test("readObjects() finds marked objects at any depth", () => {
  const value = readObjects({ f: VECTOR.encoded["callable function"] ?? null, n: [1, { a: "b" }] });
  assert.deepEqual(value, {
    f: new Callable({ module: "wazuh.cluster", qualifiedName: "get_node_wrapper", name: "get_node_wrapper" }),
    n: [1, { a: "b" }],
  });
});

test("readObjects() refuses a marked object that is not what its mark says", () => {
  const lies: JsonValue[] = [
    { __wazuh_exception__: { __class__: "SystemExit", __object__: { code: 1 } } },
    { __wazuh_exception__: { __class__: "WazuhError", __object__: { code: "1" } } },
    { __wazuh_exception__: { __class__: "WazuhError", __object__: { code: 1, command: "x" } } },
    { __callable__: { __name__: 1 } },
    { __callable__: { __name__: "f" }, more: 1 },
    { __unhandled_exc__: { __class__: "os.system", __args__: "x" } },
    { __wazuh_datetime__: "yesterday" },
    { __wazuh_result__: { __class__: "WazuhResult", __object__: { result: [] } } },
    { __wazuh_result__: { __class__: "Other", __object__: {} } },
  ];
  for (const lie of lies) {
    assert.equal(readObjects(lie), undefined, JSON.stringify(lie));
    assert.equal(readObjects([{ deep: lie }]), undefined);
  }
});

test("readObjects() takes no casting but the four known ones", () => {
  const encoded = structuredClone(VECTOR.encoded["AffectedItemsWazuhResult"]);
  const text = JSON.stringify(encoded);
  assert(readObjects(json(text) ?? null) instanceof AffectedItems);
  assert.equal(readObjects(json(text.replace('"str"', '"eval"')) ?? null), undefined);
});

test("parseJson() refuses names that reach a prototype, and depth", () => {
  for (const name of ["__proto__", "constructor", "prototype"]) {
    assert.equal(json(`{"a":[{"${name}":{"polluted":true}}]}`), undefined, name);
  }
  assert.notEqual(json("[".repeat(JSON_DEPTH_MAX) + "]".repeat(JSON_DEPTH_MAX)), undefined);
  assert.equal(json("[".repeat(JSON_DEPTH_MAX + 1) + "]".repeat(JSON_DEPTH_MAX + 1)), undefined);
  assert.equal(json("[".repeat(100_000)), undefined);
  assert.equal(json("{"), undefined);
});

test("ClusterException prints the peer's texts", () => {
  assert.deepEqual(
    {
      1000: new ClusterException({ class: "WazuhInternalError", code: 1000, extraMessage: "boom" }).text,
      3031: clusterError(3031).text,
      "3020 extra": clusterError(3020, "syn_i_w_m").text,
      "3022 extra": clusterError(3022, "x").text,
    },
    VECTOR.str_of_exceptions,
  );
});

test("writeException() repeats every recorded exception to the byte", () => {
  const replies = Object.values(ERRORS.peers).flatMap((cases) =>
    cases.flatMap(({ exchange }) => (exchange ?? []).map(({ reply }) => reply ?? "")),
  );
  const exceptions = replies.filter((reply) => reply.startsWith('{"__wazuh_exception__"'));
  assert(exceptions.length > 10);
  for (const reply of exceptions) {
    assert.equal(writeException(readErrorReply(Buffer.from(reply))).toString(), reply);
  }
});

test("readErrorReply() takes any other text as one of code 3000", () => {
  const { text } = readErrorReply(Buffer.from("unknown command 'b'nonsense''"));
  assert.equal(text, "Error 3000 - Cluster: unknown command 'b'nonsense''");
  assert.equal(readErrorReply(Buffer.from('{"a": 1}')).code, 3000);
});

test("pythonJson() writes as Python does", () => {
  assert.equal(
    pythonJson({ "g\u00e9": ["a\u007f\u2028", 1.5, null, true] }),
    '{"g\\u00e9": ["a\u007f\\u2028", 1.5, null, true]}',
  );
  assert.equal(pythonJson({}), "{}");
});

test("byteLiteral() writes as Python does", () => {
  assert.equal(byteLiteral("nonsense"), "b'nonsense'");
  assert.equal(byteLiteral("it's"), `b"it's"`);
  assert.equal(byteLiteral(`'"`), `b'\\'"'`);
  assert.equal(byteLiteral("\u0000\n\\\u00ff"), "b'\\x00\\n\\\\\\xff'");
});

test("readObjects() and readErrorReply() survive damaged JSON", () => {
  const random = new SeededRandom(22);
  const whole = Buffer.from(JSON.stringify(VECTOR.encoded));
  const single = Buffer.from(JSON.stringify(VECTOR.encoded["WazuhError with ids"]));
  for (let round = 0; round < 500; round++) {
    const value = parseJson(random.mutate(whole));
    if (value === undefined) continue;
    const objects = readObjects(value);
    if (objects !== undefined) assert.deepEqual(readObjects(writeObjects(objects)), objects);
  }
  for (let round = 0; round < 500; round++) readErrorReply(random.mutate(single));
  const result = readObjects(VECTOR.encoded["WazuhResult"] ?? null);
  assert(result instanceof PlainResult && isObject(writeObjects(result.result)));
});

test("parseJson() refuses millions of small values before it makes them", () => {
  const items = (count: number) => parseJson(Buffer.from(`[${"1,".repeat(count)}1]`));
  assert.equal(items(JSON_VALUES_MAX), undefined);
  assert(Array.isArray(items(1000)));
  const text = "x".repeat(JSON_VALUES_MAX + 1);
  assert.equal(parseJson(Buffer.from(JSON.stringify(text))), text, "one large value is one");
});

test("parseJson() refuses numbers that are none", () => {
  assert.equal(parseJson(Buffer.from('{"mod_time": 1e999}')), undefined);
  assert.equal(parseJson(Buffer.from("-1e999")), undefined);
});
