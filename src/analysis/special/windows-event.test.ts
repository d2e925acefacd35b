/**
 * Goal: the document and the fields that the peer makes of a Windows event, and no harm from a hostile one. Method: what the peer
 * answered to recorded events; cases by hand; the fields against those that JSON_Decoder, a second way, finds in the document;
 * random events, whole and damaged.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { dataJson } from "#analysis/alert/data-object.ts";
import { decodeJson } from "#analysis/plugins/json.ts";
import { SeededRandom } from "#testing/random.ts";
import { DYNAMIC_FIELDS_MAX, type Event } from "../event.ts";
import type { SpecialResult } from "./special.ts";
import { damaged, eventOf, fieldsOf } from "./special-message.fixture.ts";
import { WindowsEventDecoder } from "./windows-event.ts";

type Vector = {
  readonly category: string;
  readonly datagram: string;
  readonly archive: readonly {
    readonly full_log: string;
    readonly decoder: unknown;
    readonly data: unknown;
  }[];
  readonly log: readonly string[];
};

const VECTORS: Vector[] = readFileSync(
  new URL("../../../test/vectors/analysis/queue.jsonl", import.meta.url),
  "utf8",
)
  .split("\n")
  .filter((line) => line !== "")
  .map((line) => JSON.parse(line))
  .filter(({ category }: Vector) => category.startsWith("eventchannel"));

const SYSTEM = "<System><EventID>1</EventID><Level>0</Level><Keywords>0x8020000000000000</Keywords></System>";

const decoder = new WindowsEventDecoder();

function decode(message: unknown): { event: Event; result: SpecialResult } {
  return decodeText(JSON.stringify(message));
}

function decodeText(message: string): { event: Event; result: SpecialResult } {
  const event = eventOf(`f:[001] (agent1) any->EventChannel:${message}`);
  return { event, result: decoder.decode(event) };
}

/** The `win` object of an event with this XML. */
function winOf(xml: string, message?: unknown) {
  const { event, result } = decode({ Message: message, Event: xml });
  assert.deepEqual(result, { kind: "event", decoderName: "windows_eventchannel" });
  assertConsistent(event);
  return JSON.parse(Buffer.from(event.fullLog, "latin1").toString("utf8")).win;
}

function eventDataOf(children: string) {
  return winOf(`<Event>${SYSTEM}<EventData>${children}</EventData></Event>`).eventdata;
}

/** The fields are the leaves of the document. */
function assertConsistent(event: Event): void {
  assert.equal(event.log, event.fullLog);
  const again = eventOf("f:x:y");
  decodeJson(event.log, again);
  if (!event.truncated) assert.deepEqual(fieldsOf(event), fieldsOf(again));
  assert(event.dynamicNames.length <= DYNAMIC_FIELDS_MAX);
}

test("WindowsEventDecoder agrees with the peer on recorded events", () => {
  assert.equal(VECTORS.length, 14);
  for (const { datagram, archive, log } of VECTORS) {
    const event = eventOf(datagram);
    const result = decoder.decode(event);
    const [expected] = archive;
    if (expected === undefined) {
      assert(result.kind === "nothing" && result.error !== null);
      assert.equal(log[0]?.endsWith(`wazuh-analysisd: ERROR: ${result.error}`), true);
      continue;
    }
    assert.equal(event.fullLog, expected.full_log);
    assert.equal(dataJson(event), JSON.stringify(expected.data));
    assert.deepEqual(result, { kind: "event", decoderName: "windows_eventchannel" });
    assert.deepEqual(expected.decoder, { name: "windows_eventchannel" });
  }
});

test("WindowsEventDecoder takes attributes and contents of System", () => {
  const xml = `<Event><System><Provider Name='P' Guid='{1}' EventSourceName='S' Other='x'/><EventID Qualifiers='0'>7</EventID>
    <TimeCreated SystemTime='2024-01-01T00:00:00Z'/><Execution ThreadID='2' ProcessID='1'/><Correlation ActivityID='{2}'/>
    <Channel/><Level></Level><Task/><Computer>H</Computer><Security UserID='S-1-5-18'>x</Security></System></Event>`;
  assert.deepEqual(winOf(xml), {
    system: {
      providerName: "P",
      providerGuid: "{1}",
      eventSourceName: "S",
      eventID: "7",
      systemTime: "2024-01-01T00:00:00Z",
      threadID: "2",
      processID: "1",
      channel: "",
      level: "",
      computer: "H",
    },
  });
});

test("WindowsEventDecoder takes elements without their attributes as other elements", () => {
  const { system } = winOf("<Event><System><Provider>p</Provider><Execution/></System></Event>");
  assert.deepEqual(system, { provider: "p" });
});

test("WindowsEventDecoder leaves out values that are none, and blanks at their end", () => {
  const children = `<Data Name='A'>(NULL)</Data><Data Name='B'>-</Data><Data Name='C'></Data><Data Name='D'> x \t</Data>
    <Data Name='E'>  </Data><Data Name='ÄA'>ä </Data><Data Name=''>n</Data><Binary>00FF</Binary><Data Other='Key'>v</Data><Data Other='O' Name='N'>n</Data>`;
  assert.deepEqual(eventDataOf(children), {
    // A tab is two bytes in the JSON text, `\\t`, and no blank.
    d: " x \\t",
    e: " ",
    ÄA: "ä",
    "": "n",
    binary: "00FF",
    key: "v",
    n: "n",
  });
});

test("WindowsEventDecoder joins data without a name, behind all other", () => {
  assert.deepEqual(eventDataOf("<Data>one</Data><Data>-</Data><Data>two </Data><Data Name='B'>b</Data>"), {
    b: "b",
    data: "one, two",
  });
});

test("WindowsEventDecoder names audit categories and changes of the audit policy", () => {
  const children = `<Data Name='CategoryId'>%%8277</Data><Data Name='SubcategoryId'>%%13568</Data>
    <Data Name='AuditPolicyChanges'>%%8449, %%8451</Data><Data>x</Data>`;
  assert.deepEqual(Object.entries(eventDataOf(children)), [
    ["categoryId", "%%8277"],
    ["subcategoryId", "%%13568"],
    ["auditPolicyChangesId", "%%8449, %%8451"],
    ["category", "Policy Change"],
    ["subcategory", "Audit Policy Change"],
    ["auditPolicyChanges", "Success added, Failure added"],
    ["data", "x"],
  ]);
});

test("WindowsEventDecoder shows other parts under the name of the last element", () => {
  const xml = `<Event>${SYSTEM}<UserData><LogFileCleared xmlns='y'><SubjectUserName>knut</SubjectUserName>
    <Empty>-</Empty></LogFileCleared></UserData></Event>`;
  const win = winOf(xml);
  assert.deepEqual(win.logFileCleared, { subjectUserName: "knut" });
  assert.equal("eventdata" in win, false);
  assert.deepEqual(winOf("<Event><UserData><Empty/></UserData></Event>"), { system: {}, empty: {} });
});

test("WindowsEventDecoder keeps escapes of the event and undoes those of the message", () => {
  const xml = `<Event><EventData><Data Name='Path'>"C:\\a" &lt;&#10;\n</Data></EventData></Event>`;
  const { system, eventdata } = winOf(xml, 'line\r\n\t"C:\\a"\u0001\b/ä');
  assert.deepEqual(eventdata, { path: '\\"C:\\\\a\\" &lt;&#10;\\n' });
  assert.equal(system.message, '"line\r\n\t"C:\\a"\\u0001\b/ä"');
  assert.equal(winOf("<Event/>", null).system.message, "null");
  assert.equal(winOf("<Event/>", ["a\n", 1]).system.message, '["a\n",1]');
});

test("WindowsEventDecoder keeps the message of an event whose XML cannot be read", () => {
  const { event, result } = decode({ Message: "m", Event: "<Event><System></Event>" });
  const warning = `Could not read XML string: '"<Event><System></Event>"'`;
  assert.deepEqual(result, { kind: "event", decoderName: "windows_eventchannel", warning });
  assert.equal(event.fullLog, '{"win":{"system":{"message":"\\"m\\""}}}');
});

test("WindowsEventDecoder makes nothing of a message without an event", () => {
  assert.deepEqual(decode({ Message: "m" }).result, { kind: "nothing", reason: "no_event", error: null });
  assert.equal(decode([]).result.kind, "nothing");
  assert.equal(decodeText('{"Event":').result.kind, "nothing");
  assert.equal(decode({ EVENT: "<Event/>" }).result.kind, "event", "names compare without case");
});

test("WindowsEventDecoder survives each member missing or of a wrong kind", () => {
  for (const message of damaged({ Message: "m", Event: `<Event>${SYSTEM}</Event>` })) {
    const { event, result } = decode(message);
    if (result.kind === "event") assertConsistent(event);
  }
});

test("WindowsEventDecoder survives events made to break it", () => {
  const many = (count: number, text: (index: number) => string) =>
    Array.from({ length: count }, (_, i) => text(i)).join("");
  const data = (content: string) => `<Event>${SYSTEM}<EventData>${content}</EventData></Event>`;
  const long = "x".repeat(65_536);
  const hostile = [
    data(`<Data Name='a'>${"\u{1f4a9}".repeat(16_384)}</Data>`),
    data(many(5000, () => "<Data>x</Data>")),
    data(many(5000, (i) => `<Data Name='N${i}'>x</Data>`)),
    data(`<Data ${many(10_000, (i) => `a${i}='x' `)}>x</Data>`),
    data(`<${long}>x</${long}>`),
    data(`<Data Name='${long}'>x</Data>`),
    data("\\".repeat(30_000)),
    many(10_000, () => "<a>") + many(10_000, () => "</a>"),
    many(10_000, () => "<a>"),
    `<Event>${SYSTEM}<EventData><Data Name='a'>`,
    `<Event><U><${long.slice(0, 20_000)}>${many(300, (i) => `<n${i}>x</n${i}>`)}</${long.slice(0, 20_000)}></U></Event>`,
    "<",
    "",
  ];
  for (const xml of hostile) {
    const { event, result } = decode({ Message: long, Event: xml });
    assert.equal(result.kind, "event");
    assertConsistent(event);
    const nameBytes = event.dynamicNames.reduce((sum, name) => sum + name.length, 0);
    assert(nameBytes <= 65_536, `${nameBytes} bytes of names`);
  }
  for (const loneSurrogate of ["\\ud83d", "\\udca9", "\\ud83dx"]) {
    const { result } = decodeText(`{"Message":"","Event":"<Event>${loneSurrogate}</Event>"}`);
    assert.equal(result.kind, "nothing");
  }
});

test("WindowsEventDecoder keeps fields and document together for random events, whole and damaged", () => {
  const random = new SeededRandom(8);
  const name = () =>
    random.pick(["Data", "Level", "Keywords", "Channel", "Provider", "System", "a.b", "É", "EventXML"]);
  const value = () =>
    random.pick(["", "-", "x ", 'C:\\"q"', "%%8272", "0", "0x8010000000000000", "ä\u{1f4a9}", "\u0002"]);
  const attribute = () =>
    random.pick(["", ` Name='${random.pick(["A", "CategoryId", "b c", ""])}'`, " Guid='{1}' Name='z'"]);
  const element = (depth: number): string => {
    const tag = name();
    const inner =
      depth === 0 ? value() : Array.from({ length: random.below(5) }, () => element(depth - 1)).join("");
    return `<${tag}${attribute()}>${inner}</${tag}>`;
  };
  for (let round = 0; round < 1500; round++) {
    const parts = Array.from({ length: random.below(4) }, () => {
      const tag = random.pick(["System", "EventData", "UserData"]);
      return `<${tag}>${element(random.below(3))}${element(0)}</${tag}>`;
    });
    const text = JSON.stringify({ Message: value(), Event: `<Event>${parts.join("")}</Event>` });
    const { event, result } = decodeText(text);
    assert.equal(result.kind, "event");
    assertConsistent(event);
    const broken = decodeText(random.mutate(Buffer.from(text)).toString("latin1"));
    if (broken.result.kind === "event") assertConsistent(broken.event);
  }
});
