/**
 * Windows events as agents send them: event channels (queue `f`, XML in JSON) and lines of forwarders that write JSON.
 *
 * Made from recorded events when a benchmark runs; an event channel's record has no text of its own in the recordings, so its
 * message is made of its data, in the form that Windows gives such texts.
 */
import { readdirSync, readFileSync } from "node:fs";
import { SeededRandom } from "#testing/random.ts";

const XML_FOLDER = "logs/windows-eventchannel-xml";
const JSON_FOLDER = "logs/windows-json";
export const WINDOWS_FOLDERS = [XML_FOLDER, JSON_FOLDER];

const EVENTS = 10_000;
const AGENTS = 50;
/** A longer one is cut by the agent. */
const MESSAGE_BYTES_MAX = 60_000;

type Recorded = { readonly queue: string; readonly location: string; readonly message: string };

const DATA = /<Data Name="([^"]*)">([^<]*)<\/Data>/g;

/** `\r\n` lines of `Name:` and value, as the texts of security events. */
export function messageOf(xml: string): string {
  const lines = [...xml.matchAll(DATA)].map(([, name = "", value = ""]) => `\t${name}:\t\t${value}`);
  return ["An event was recorded.", "", "Details:", ...lines].join("\r\n");
}

function linesOf(folder: string): readonly string[] {
  const names = readdirSync(folder).filter((name) => name.endsWith(".jsonl"));
  return names.sort().flatMap((name) => readFileSync(`${folder}/${name}`, "latin1").trimEnd().split("\n"));
}

/** Windows writes attributes in single quotes; decoders rely on it. */
function inSingleQuotes(xml: string): string {
  return xml.replaceAll(/<[^>]*>/g, (tag) => tag.replaceAll('"', "'"));
}

function fromXml(line: string): Recorded {
  const { event }: { readonly event: string } = JSON.parse(line);
  const message = JSON.stringify({ Message: messageOf(event), Event: inSingleQuotes(event) });
  return { queue: "f", location: "EventChannel", message };
}

/** Queue messages in an order that the seed gives. */
export function windowsMessages(dataDirectory: string, seed: number): readonly string[] {
  const recorded: readonly Recorded[] = [
    ...linesOf(`${dataDirectory}/${XML_FOLDER}`).map(fromXml),
    ...linesOf(`${dataDirectory}/${JSON_FOLDER}`).map((message) => ({
      queue: "1",
      location: "C|:\\logs\\forwarded.json",
      message,
    })),
  ].filter(({ message }) => message.length <= MESSAGE_BYTES_MAX);
  const random = new SeededRandom(seed);
  return Array.from({ length: EVENTS }, () => {
    const { queue, location, message } = random.pick(recorded);
    const agent = String(1 + random.below(AGENTS)).padStart(3, "0");
    return `${queue}:[${agent}] (windows${agent}) 10.0.0.${Number(agent)}->${location}:${message}`;
  });
}
