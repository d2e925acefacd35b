/** Goal: what is asked of a node and not answered is bounded, also when another node wants it asked. Method: a session whose other side says nothing. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { FakeConnection } from "#testing/network.ts";
import { fakeNeeds, HOME, testCipher } from "./fixture.ts";
import { LaterAnswers } from "./later-answers.ts";
import { ASKED_BYTES_MAX, REQUEST_TIMEOUT_MS } from "./limits.ts";
import { Session } from "./session.ts";

test("LaterAnswers asks for no more bytes than a node may owe answers to", async () => {
  const needs = fakeNeeds();
  const link = new FakeConnection({ address: "192.0.2.2", port: 40_000 });
  const options = { link, cipher: testCipher(needs), log: needs.log, home: HOME, closed: () => {} };
  const answers = new LaterAnswers(new Session(options, needs), needs, 1000);
  const part = Buffer.alloc(ASKED_BYTES_MAX / 4);
  const owed = Array.from({ length: 4 }, () => answers.ask("dapi", part, 1000));
  const refused = await answers.ask("dapi", Buffer.from("x"), 1000);
  assert(refused.kind === "failed");
  assert.match(refused.error.text, /too many requests without an answer/);
  needs.clock.advance(REQUEST_TIMEOUT_MS);
  await Promise.all(owed);
  const later = answers.ask("dapi", Buffer.from("x"), 1000);
  needs.clock.advance(REQUEST_TIMEOUT_MS);
  const answer = await later;
  assert(answer.kind === "failed");
  assert.match(answer.error.text, /Timeout/, "it is asked again");
});
