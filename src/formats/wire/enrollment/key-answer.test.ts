/** Goal: an agent comes out of an answer only when all of it is one. Method: the format's own example, one part wrong at a time, cut and flipped bytes. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { SeededRandom } from "#testing/random.ts";
import { parseKeyAnswer } from "./key-answer.ts";

const DATA = { id: "007", name: "web-7", ip: "10.0.0.7", key: "f".repeat(64) };

function answerWith(changes: object): ReturnType<typeof parseKeyAnswer> {
  return parseKeyAnswer(JSON.stringify({ error: 0, data: { ...DATA, ...changes } }));
}

test("parseKeyAnswer() reads an agent", () => {
  const answer = answerWith({});
  assert(answer?.kind === "agent");
  const { id, name, address, key } = answer.agent;
  assert.deepEqual([id, name, address.text, key.reveal()], [DATA.id, DATA.name, DATA.ip, DATA.key]);
});

test("parseKeyAnswer() reads that nobody knows the agent, with a message fit for a log line", () => {
  const answer = parseKeyAnswer('{"error":1,"message":"not\\nhere"}');
  assert.deepEqual(answer, { kind: "unknown", message: "not?here" });
  assert.deepEqual(parseKeyAnswer('{"error":2}'), { kind: "unknown", message: "" });
});

test("parseKeyAnswer() takes no agent of which a part is wrong", () => {
  const wrong: object[] = [{ id: "000" }, { id: 7 }, { id: "123456789" }, { name: ".." }, { name: "a b" }];
  wrong.push({ ip: "10.0.0" }, { ip: "" }, { key: "" }, { key: "a b" }, { key: undefined });
  for (const changes of wrong) assert.equal(answerWith(changes)?.kind, "invalid", JSON.stringify(changes));
  for (const text of [
    "null",
    "[]",
    "7",
    '"x"',
    "{}",
    '{"error":"0"}',
    '{"error":0}',
    '{"error":0,"data":[]}',
  ])
    assert.equal(parseKeyAnswer(text)?.kind, "invalid", text);
});

test("parseKeyAnswer() does not throw, and waits for the rest of a text that was cut", () => {
  const text = JSON.stringify({ error: 0, data: DATA });
  for (let cut = 0; cut < text.length; cut++)
    assert.equal(parseKeyAnswer(text.slice(0, cut)), null, `${cut}`);
  const random = new SeededRandom(3);
  for (let round = 0; round < 500; round++) {
    const bytes = Buffer.from(text);
    bytes[random.below(bytes.length)] = random.below(256);
    parseKeyAnswer(bytes.toString("latin1"));
  }
});
