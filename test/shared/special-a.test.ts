/**
 * Goal: Windows events reach the rules that they reach in the peer, and real ones are read. Method: the recorded events of the peer
 * through decoder and rules, their archive and alert documents compared whole; 1,718 events of real machines through the decoder.
 */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { decodeJson } from "#analysis/plugins/json.ts";
import { eventOf, fieldsOf } from "#analysis/special/special-message.fixture.ts";
import { WindowsEventDecoder } from "#analysis/special/windows-event.ts";
import { TOKEN_BYTES_MAX } from "#formats/xml/parse.ts";
import { systemFiles } from "#kernel/platform/files.ts";
import { comparable, type Document, RecordedEngine } from "./recorded-engine.ts";
import { SHARED_DIRECTORY, skipWithoutShared } from "./shared-data.ts";

const VECTORS = new URL("../vectors/analysis/queue.jsonl", import.meta.url);
const REAL_EVENTS = `${SHARED_DIRECTORY}/data/logs/windows-eventchannel-xml`;

type Vector = {
  readonly category: string;
  readonly datagram: string;
  readonly archive: Document[];
  readonly alerts: Document[];
};

const decoder = new WindowsEventDecoder();

test("Windows events have the documents that the peer made of them", { skip: skipWithoutShared() }, () => {
  const engine = new RecordedEngine(systemFiles);
  const vectors: Vector[] = readFileSync(VECTORS, "utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line))
    .filter(({ category }: Vector) => category === "eventchannel");
  assert.equal(vectors.length, 13);
  for (const { datagram, archive, alerts } of vectors) {
    // The failed logons with even ports came between the recorded ones.
    const port = /<Data Name='IpPort'>(500\d\d)</.exec(datagram)?.[1];
    if (port !== undefined) engine.process(datagram.replace(port, String(Number(port) - 1)));
    const result = engine.process(datagram);
    assert(result !== null);
    assert.deepEqual([result.archive], archive.map(comparable), datagram);
    assert.deepEqual(result.alert === null ? [] : [result.alert], alerts.map(comparable), datagram);
  }
});

/** Windows puts attributes in single quotes; the library that made the files, in double ones. */
function asWindowsWrites(xml: string): string {
  return xml.replace(/<[A-Za-z][^<>]*>/g, (tag) =>
    tag.replace(/="([^"]*)"/g, (_, value: string) => `='${value.replaceAll("'", "&apos;")}'`),
  );
}

/** The named values of the event data, found without a parser. */
function namedValues(xml: string): [name: string, value: string][] {
  const eventData = /<EventData[^>]*>(.*)<\/EventData>/s.exec(xml)?.[1] ?? "";
  return [...eventData.matchAll(/<Data Name="([^"]*)">([^<]*)<\/Data>/g)]
    .map(([, name = "", value = ""]) => [name, latin1(JSON.stringify(value).slice(1, -1))] as const)
    .filter(([, value]) => !["", "-", "(NULL)"].includes(value))
    .map(([name, value]) => [
      `win.eventdata.${latin1(name.charAt(0).toLowerCase() + name.slice(1))}`,
      value.slice(0, TOKEN_BYTES_MAX - 1).replace(/(?<=.) +$/, ""),
    ]);
}

function latin1(text: string): string {
  return Buffer.from(text, "utf8").toString("latin1");
}

test("WindowsEventDecoder reads real events", { skip: skipWithoutShared() }, () => {
  let count = 0;
  for (const name of readdirSync(REAL_EVENTS).filter((file) => file.endsWith(".jsonl"))) {
    for (const line of readFileSync(`${REAL_EVENTS}/${name}`, "utf8").trimEnd().split("\n")) {
      const { event: xml } = JSON.parse(line);
      const event = eventOf(
        `f:[001] (w) any->EventChannel:${JSON.stringify({ Message: "", Event: asWindowsWrites(xml) })}`,
      );
      assert.deepEqual(decoder.decode(event), { kind: "event", decoderName: "windows_eventchannel" }, line);
      const again = eventOf("f:x:y");
      decodeJson(event.fullLog, again);
      assert.deepEqual(fieldsOf(event), fieldsOf(again), line);

      const fields = fieldsOf(event);
      const system = new Map(fields);
      assert.equal(system.get("win.system.eventRecordID"), /<EventRecordID>(\d+)</.exec(xml)?.[1], line);
      for (const field of ["providerName", "eventID", "systemTime", "computer"]) {
        assert.notEqual(system.get(`win.system.${field}`) ?? "", "", `${field} of ${line}`);
      }
      const values = namedValues(xml);
      const eventData = fields.filter(([name]) => name.startsWith("win.eventdata."));
      assert.deepEqual(eventData.slice(0, values.length), values, line);

      decoder.decode(eventOf(`f:x:${JSON.stringify({ Message: "", Event: xml })}`));
      count++;
    }
  }
  assert.equal(count, 1718);
});
