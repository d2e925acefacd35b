/**
 * Goal: benchmarks are fed what they say. Method: what the generators make, looked at; the same seed twice; copied rules compared
 * with their originals.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { RuleCopier } from "../../bench/copied-rules.ts";
import { eventOf } from "../../bench/corpora.ts";
import { messageOf } from "../../bench/windows-corpus.ts";
import { worstMessages } from "../../bench/worst-corpus.ts";

test("worstMessages() gives the same events for the same seed", () => {
  assert.deepEqual(worstMessages(40, 7), worstMessages(40, 7));
  assert.notDeepEqual(worstMessages(40, 7), worstMessages(40, 8));
});

test("worstMessages() gives messages that an agent can send, many of them long and no place twice", () => {
  const events = worstMessages(200, 1).map(eventOf);
  const lengths = events.map(({ message }) => message.length);
  assert(Math.max(...lengths) < 65_536);
  assert(lengths.filter((length) => length > 16_000).length > 50);
  assert.equal(new Set(events.map(({ location }) => String(location))).size, events.length);
  const json = events.filter(({ message }) => String(message).startsWith("{"));
  assert(json.length > 20);
  for (const { message } of json) JSON.parse(Buffer.from(String(message), "latin1").toString("utf8"));
});

test("messageOf() lists the data of an event", () => {
  const xml = '<Event><EventData><Data Name="A">1</Data><Data Name="B">x y</Data></EventData></Event>';
  assert.equal(messageOf(xml), "An event was recorded.\r\n\r\nDetails:\r\n\tA:\t\t1\r\n\tB:\t\tx y");
});

const RULES = `<group name="syslog,sshd,">
  <rule id="121000" level="5">
    <if_sid>5700</if_sid>
    <match>^Failed password|\\swrong</match>
    <regex type="pcre2">(?i)user \\w+ $VARIABLE [A-Za-z]+ &lt;session</regex>
    <field name="win.system.eventID">^4625$</field>
    <description>failed password</description>
    <group>authentication_failed,</group>
  </rule>
</group>`;

test("RuleCopier gives free ids, other words and other groups, and leaves the rest", () => {
  const copier = new RuleCopier([RULES]);
  const copy = copier.copyOf(RULES, 1);
  assert.match(copy, /<rule id="121001" level="5">/);
  assert.match(copy, /<if_sid>5700<\/if_sid>/);
  assert.match(copy, /<regex type="pcre2">\(\?i\)\w+ \\w\+ \$VARIABLE \[A-Za-z\]\+ &lt;/);
  assert.match(copy, /<field name="win.system.eventID">\^4625\$<\/field>/);
  assert.match(copy, /<description>failed password<\/description>/);
  for (const word of ["Failed", "password|", "session", "syslog", "sshd", "authentication_failed"])
    assert(!copy.includes(word), word);
  assert.match(copier.copyOf(RULES, 2), /<rule id="121002"/);
  assert.notEqual(copier.copyOf(RULES, 2).match(/<match>.*/)?.[0], copy.match(/<match>.*/)?.[0]);
});
