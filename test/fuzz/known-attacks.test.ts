/**
 * Goal: attacks that once worked on the peer's engine fail here. Method: each as it was described, through the whole analysis with
 * everything that holds of any event (engine-run.ts): no dead letter, whole documents, no forged record, bounded time, the same again.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { loadTexts } from "#analysis/ruleset/load-texts.fixture.ts";
import { damaged } from "#analysis/special/special-message.fixture.ts";
import { compilePattern } from "#formats/patterns/pattern.ts";
import { splitQueueMessage } from "#formats/wire/agent/queue-message.ts";
import "./v8-flags.ts";
import { checkEvents, type Output } from "./engine-run.ts";
import type { FuzzEvent } from "./event-lines.ts";
import { ruleSet } from "./rule-sets.ts";
import { SPECIAL_MESSAGES } from "./special-documents.ts";

const MEMORY_EVENTS = 100;
/** The longest message of an agent. */
const LONG = 65_000;

function attack(queue: string, module: string, messages: readonly string[]): readonly Output[] {
  const set = ruleSet("everything");
  assert(set !== null);
  const events = messages.map((message): FuzzEvent => {
    return { queue, agent: "001", location: `(web1) any->${module}`, message, after: 10 };
  });
  return checkEvents(set, events, MEMORY_EVENTS);
}

test("rootcheck findings with over-long titles and tags (CVE-2020-8442)", () => {
  const tags = "{PCI_DSS: 1.1} ".repeat(LONG / 15);
  attack("9", "rootcheck", [
    "x".repeat(LONG),
    `System Audit: ${"x".repeat(LONG)} {CIS: 1} {PCI_DSS: 2}.`,
    `Title. ${tags}`,
    `{${"a".repeat(LONG)}: 1}`,
    `Title {${"PCI_DSS: 1, ".repeat(5000)}}`,
    `File '${"/x".repeat(LONG / 2)}' is hidden.`,
    " {",
    "{}",
  ]);
});

test("messages that end inside their header (CVE-2020-8443)", () => {
  const headers = [
    "<134>Nov 21 06:44:25 h app[1]: x",
    "2026-11-21T06:44:10.123456+00:00 h app: x",
    "2026-11-21 06:44:10,705 x",
    "Mon Apr 17 18:27:14 2006 x",
    "01/28-09:13:16.240702  x",
    "11/21/2026-06:44:10.123456  x",
    "[Sat Nov 21 06:44:16 2026] x",
    "[Time 2006.12.28 15:53:55 UTC] [Facility auth] [Sender sshd] [Message x] [Host h] ",
    "1763707456.220    117 10.0.0.4 TCP",
    "Nov 21 06:44:25 h [ID 197553 auth.notice] x",
  ];
  for (const header of headers) {
    attack(
      "1",
      "/var/log/x",
      Array.from({ length: header.length + 1 }, (_, end) => header.slice(0, end)),
    );
  }
});

test("lines in the form of alerts and of checksums with empty and doubled fields (CVE-2020-8444, CVE-2020-8447)", () => {
  const alerts = [
    "ossec: Alert Level: 3; Rule: 5715 - x; Location: a->b; srcip: 1.1.1.1; user: joe;  log",
    "ossec: Alert Level: 3; Rule: 5715 - ; Location: ; srcip: ; user: ;  ",
    "ossec: Alert Level: ; Rule: ; Location: ;",
    "ossec: Alert Level: 3; Rule: 5715",
    "ossec: Alert Level: 3; Rule: 99999999999999999999 - x; Location: a;",
    "ossec: Alert Level: 3; Rule: 5715 - x; Location: a; Location: b; srcip: 1; srcip: 2; user: a; user: b; l",
    `ossec: Alert Level: 3; Rule: 5715 - x; Location: ${"a".repeat(LONG)}; l`,
  ];
  attack("1", "/var/log/x", alerts);
  const sum = "120:33188:0:0:aa:bb:root:root:1732070400:4242:cc";
  const fields = sum.split(":");
  attack("8", "syscheck", [
    ...fields.map((_, at) => `${fields.toSpliced(at, 1, "").join(":")} /etc/x`),
    ...fields.map((_, at) => `${fields.toSpliced(at, 1).join(":")} /etc/x`),
    ...fields.map((field, at) => `${fields.toSpliced(at, 0, field).join(":")} /etc/x`),
    `${sum}!0:root:0:root:/bin/sh:::::::: /etc/x`,
    `${sum}! /etc/x`,
    ` ${sum}`,
    sum,
    ":::::::::: ",
    "-1",
    "-1 ",
  ]);
});

test("control characters and newlines forge no record (CVE-2020-8445)", () => {
  const forged = "** Alert 1.1: mail  - forged,\n2026 Nov 21 06:44:10 a->b\nRule: 1 (level 15) -> 'forged'\n";
  const messages = [
    `x\n\n${forged}`,
    forged,
    `\r\n${forged}`,
    "\x1b[2J\x1b]0;x\x07",
    `x\0\n\n${forged}`,
    "a\u0085b\x9bc",
  ];
  attack("1", `/var/log/x\n\n${forged}`, messages);
  for (const { queue, module, message } of SPECIAL_MESSAGES) {
    attack(queue, module, [message.replaceAll('":"', `":"\\n\\n${JSON.stringify(forged).slice(1, -1)}`)]);
  }
});

test("paths that lead out of their folder are texts (CVE-2020-8446)", () => {
  const path = "../../../../etc/cron.d/x";
  const outputs = attack("8", `syscheck->${path}`, [
    `1:2:3:4:aa:bb:a:b:5:6:cc ${path}\n1c1\n< a\n> b`,
    JSON.stringify({
      type: "event",
      data: { path, type: "added", mode: "realtime", attributes: { type: "file" } },
    }),
  ]);
  assert(outputs.some(({ kind, text }) => kind === "alert_json" && text.includes(`"path":"${path}"`)));
});

test("malformed messages of the event queue are refused (CVE-2020-8448)", () => {
  const datagrams = [
    "",
    "9",
    "9:",
    "9::",
    "9:x",
    "1:no second colon",
    "\0\0\0\0",
    "1:[001 x:y",
    "1:[",
    "1:|:|:|",
    "::::",
  ];
  for (const datagram of datagrams) {
    const parts = splitQueueMessage(datagram);
    if (!("error" in parts)) attack(parts.queue, parts.location, [parts.message]);
  }
  assert("error" in splitQueueMessage("9:") && "error" in splitQueueMessage(""));
});

test("JSON messages with each member missing, null, of a wrong kind or huge (CVE-2023-49275, CVE-2025-62785 to 62792)", () => {
  const forms = new Map<string, (typeof SPECIAL_MESSAGES)[number]>();
  for (const known of SPECIAL_MESSAGES) {
    const type = /"type":"(\w+)"/.exec(known.message)?.[1] ?? "";
    if (known.message.startsWith("{") && !known.message.includes("<Event")) {
      forms.set(`${known.queue} ${type}`, known);
    }
  }
  assert(forms.size >= 18, `${forms.size} kinds of messages`);
  for (const { queue, module, message } of forms.values()) {
    const messages = [...damaged(JSON.parse(message))].map((document) => JSON.stringify(document));
    // Huge texts are one kind of damage of twelve; a part of them is enough.
    const chosen = messages.filter((text, index) => text.length < LONG || index % 5 === 0);
    attack(
      queue,
      module,
      chosen.map((text) => Buffer.from(text, "utf8").toString("latin1")),
    );
  }
});

const windowsEvent = (data: string): string =>
  JSON.stringify({
    Message: "m",
    Event: `<Event><System><EventID>1</EventID></System><EventData>${data}</EventData></Event>`,
  });

test("Windows events full of Unicode and entities (CVE-2024-32038)", () => {
  const utf8 = "\xf0\x9f\x92\xa9".repeat(LONG / 4);
  const message =
    '{"Message":"TEXT","Event":"<Event><System><EventID>1</EventID></System><EventData><Data Name=\'TEXT\'>TEXT</Data></EventData></Event>"}';
  const pieces = [
    utf8,
    utf8.slice(0, -1),
    "\\ud83d",
    "\\udca9\\ud83d",
    "\\u0000",
    "&lt;&amp;&#10;&bogus;",
    "\xed\xa0\x80",
    "\xff\xfe",
  ];
  attack(
    "f",
    "EventChannel",
    pieces.map((piece) => message.replaceAll("TEXT", piece)),
  );
});

test("Windows events with too many, too long and too deep elements (CVE-2025-59938)", () => {
  attack("f", "EventChannel", [
    windowsEvent("<Data Name='a'>x</Data>".repeat(5000)),
    windowsEvent(`<Data ${"a='1' ".repeat(10_000)}>x</Data>`),
    windowsEvent(`<Data Name='${"n".repeat(LONG)}'>x</Data>`),
    windowsEvent(`<${"n".repeat(LONG)}>x</a>`),
    windowsEvent("<a>".repeat(10_000)),
    windowsEvent("<a>".repeat(900) + "</a>".repeat(900)),
    windowsEvent("<Data"),
    windowsEvent("<Data Name="),
    windowsEvent("</Data></Data></EventData></Event></a>"),
    windowsEvent("<!--"),
    '{"Message":null,"Event":null}',
    '{"Event":"<Event>"}',
    '{"Event":""}',
  ]);
});

test("rules and patterns that overflow (fixed without a number)", () => {
  const alternatives = Array.from({ length: 500 }, (_, index) => `a${index}\\d+`).join("|");
  for (const kind of ["osregex", "osmatch", "pcre2"] as const) {
    for (const text of [
      alternatives,
      "(".repeat(300),
      "\\".repeat(20_000),
      "a|".repeat(10_000),
      "$".repeat(20_480),
    ]) {
      const result = compilePattern(kind, text, { mode: "capturing" });
      if (result.ok) result.pattern.match("a499123 ".repeat(1000));
    }
  }
  const { ruleset, problems } = loadTexts({ rules: "<group name='a'>".repeat(1100) });
  assert.equal(ruleset, null);
  assert.match(problems.map(({ message }) => message).join("\n"), /Max recursion level reached/);
});
