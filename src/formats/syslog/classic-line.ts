/**
 * A message of RFC 5424 as a line that rule sets of the 4.x generation know: timestamp, host, `program[pid]: `, text.
 *
 * The rest of it travels as JSON in `[ID {…}] ` in front of the text. That is where Solaris puts the id of a message, and where every
 * 4.x engine takes it away before a decoder sees the text. So decoders and rules find what they find in the same message from
 * a file, nothing is lost, and our engine makes fields of the JSON (`src/analysis/predecode/syslog-fields.ts`).
 */
import { STRUCTURED_CHARS_MAX } from "./limits.ts";
import { parseRfc5424, type Rfc5424Message, type StructuredData } from "./rfc5424.ts";

export type Origin = {
  /** Numeric. Stands for a host name that the message lacks. */
  readonly address: string;
  /** Stands for a time that the message lacks. */
  readonly receivedMs: number;
};

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"] as const;
/** What the engine takes for host and program names. */
const NO_NAME_BYTE = /[^()./0-9@A-Z_a-z-]/g;
const PROCESS_ID = /^\d{1,10}$/;
/** Container engines write the tag twice, and by default it ends in the short id of the container. */
const CONTAINER_ID = /(?:^|[^0-9A-Za-z])([0-9a-f]{12}|[0-9a-f]{64})$/;

/** Null when the message is not of RFC 5424. */
export function toClassicLine(message: string, origin: Origin): string | null {
  const parsed = parseRfc5424(message);
  if (parsed === null) return null;
  const timestamp = classicTime(parsed.timestamp ?? new Date(origin.receivedMs).toISOString());
  const host = nameText(parsed.hostname ?? origin.address);
  // What rsyslog forwards begins with the space that stood behind the program.
  const text = parsed.text.startsWith(" ") ? parsed.text.slice(1) : parsed.text;
  return `${timestamp} ${host} ${programText(parsed)}[ID ${fieldsJson(parsed)}] ${text}`;
}

/** By the sender's clock: alerts show the host of a line only behind a time of this form. */
function classicTime(timestamp: string): string {
  const month = MONTHS[Number(timestamp.slice(5, 7)) - 1];
  return `${month} ${timestamp.slice(8, 10).replace(/^0/, " ")} ${timestamp.slice(11, 19)}`;
}

function nameText(name: string): string {
  return name.replace(NO_NAME_BYTE, "_");
}

/** Without a program the engine looks for decoders of lines without one, as it should. */
function programText({ appName, processId }: Rfc5424Message): string {
  if (appName === null) return "";
  const isNumber = processId !== null && PROCESS_ID.test(processId);
  return `${nameText(appName)}${isNumber ? `[${processId}]` : ""}: `;
}

function fieldsJson(message: Rfc5424Message): string {
  const { facility, severity, timestamp, appName, processId, messageId, structuredData } = message;
  const members: string[] = [member("facility", facility), member("severity", severity)];
  if (timestamp !== null) members.push(member("timestamp", timestamp));
  if (appName !== null) members.push(member("appname", appName));
  if (processId !== null) members.push(member("procid", processId));
  if (messageId !== null) members.push(member("msgid", messageId));
  const containerId = appName === messageId ? CONTAINER_ID.exec(appName ?? "")?.[1] : undefined;
  if (containerId !== undefined) members.push(member("container_id", containerId));
  if (structuredData.size > 0) members.push(...structuredMembers(structuredData));
  return `{"syslog":{${members.join(",")}}}`;
}

function structuredMembers(data: StructuredData): readonly string[] {
  let roomChars = STRUCTURED_CHARS_MAX;
  let truncated = false;
  const fits = (text: string): boolean => {
    const fitting = text.length <= roomChars;
    if (fitting) roomChars -= text.length;
    else truncated = true;
    return fitting;
  };
  const elements: string[] = [];
  for (const [id, params] of data) {
    const name = jsonText(id);
    if (!fits(name)) continue;
    // Several values of one name become one text: an array's bracket would end the whole.
    const members = [...params].map(([key, values]) => member(key, values.join(","))).filter(fits);
    elements.push(`${name}:{${members.join(",")}}`);
  }
  const structured = `"structured_data":{${elements.join(",")}}`;
  return truncated ? [structured, member("truncated", "true")] : [structured];
}

function member(name: string, value: string): string {
  return `${jsonText(name)}:${jsonText(value)}`;
}

/** The engine ends the whole at the first `]` and a text at a NUL. */
function jsonText(text: string): string {
  return JSON.stringify(text.replaceAll("\0", "")).replaceAll("]", "\\u005d");
}
