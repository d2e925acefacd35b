/**
 * Messages of RFC 5424: header, structured data, text.
 *
 * Pure, on latin1 text (one char a byte). Only the header decides whether a message is one; lengths are not the RFC's, since container
 * engines and others write longer names. Damaged structured data is the beginning of the text.
 */

/** Params of one element by their names, in their order; a name may have several values. */
export type StructuredData = ReadonlyMap<string, ReadonlyMap<string, readonly string[]>>;

/** What is `-` in the message is null. */
export type Rfc5424Message = {
  readonly facility: string;
  readonly severity: string;
  /** As it is written: `2003-10-11T22:14:15.003Z`. */
  readonly timestamp: string | null;
  readonly hostname: string | null;
  readonly appName: string | null;
  readonly processId: string | null;
  readonly messageId: string | null;
  readonly structuredData: StructuredData;
  readonly text: string;
};

/** RFC 5424, table 1, in the words that syslog daemons use. */
const FACILITIES = [
  ...["kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv", "ftp"],
  ...["ntp", "audit", "alert", "clock", "local0", "local1", "local2", "local3", "local4", "local5"],
  ...["local6", "local7"],
] as const;
/** Table 2. */
const SEVERITIES = ["emerg", "alert", "crit", "err", "warning", "notice", "info", "debug"] as const;

const HEADER =
  /^<(0|[1-9]\d{0,2})>1 (-|[0-9T:.+Z-]{20,40}) ([!-~]{1,255}) ([!-~]{1,255}) ([!-~]{1,255}) ([!-~]{1,255}) (?=[-[])/;
const TIMESTAMP =
  /^\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])T\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)$/;
const ELEMENT_START = /\[([^\s="\]\x00-\x1f]{1,255})/y;
/** A bare `]` in a value is against the RFC, and senders write it. */
const PARAM = / ([^\s="\]\x00-\x1f]{1,255})="((?:[^"\\]|\\[\s\S])*)"/y;
/** A backslash in front of another char is itself. */
const ESCAPED = /\\(["\\\]])/g;
const BYTE_ORDER_MARK = "\xef\xbb\xbf";

/** Null when it is none. */
export function parseRfc5424(message: string): Rfc5424Message | null {
  const header = HEADER.exec(message);
  if (header === null) return null;
  const [whole, priorityDigits, time = "", hostname = "", appName = "", processId = "", messageId = ""] =
    header;
  const priority = Number(priorityDigits);
  const facility = FACILITIES[priority >> 3];
  const severity = SEVERITIES[priority & 7];
  const timestamp = fieldOf(time);
  if (facility === undefined || severity === undefined) return null;
  if (timestamp !== null && !TIMESTAMP.test(timestamp)) return null;
  const { structuredData, text } = readBody(message, whole.length);
  return {
    facility,
    severity,
    timestamp,
    hostname: fieldOf(hostname),
    appName: fieldOf(appName),
    processId: fieldOf(processId),
    messageId: fieldOf(messageId),
    structuredData,
    text,
  };
}

function fieldOf(field: string): string | null {
  return field === "-" ? null : field;
}

function readBody(message: string, start: number): { structuredData: StructuredData; text: string } {
  const data =
    message[start] === "-" ? { elements: new Map(), end: start + 1 } : readElements(message, start);
  if (data !== null && (data.end === message.length || message[data.end] === " ")) {
    const text = message.slice(data.end + 1);
    const marked = text.startsWith(BYTE_ORDER_MARK);
    return { structuredData: data.elements, text: marked ? text.slice(BYTE_ORDER_MARK.length) : text };
  }
  return { structuredData: new Map(), text: message.slice(start) };
}

type Elements = { readonly elements: StructuredData; readonly end: number };

function readElements(message: string, start: number): Elements | null {
  const elements = new Map<string, Map<string, string[]>>();
  let at = start;
  while (message[at] === "[") {
    const name = matchAt(ELEMENT_START, message, at);
    if (name === null) return null;
    at += name[0].length;
    const params = elements.get(name[1] ?? "") ?? new Map<string, string[]>();
    elements.set(name[1] ?? "", params);
    for (let param = matchAt(PARAM, message, at); param !== null; param = matchAt(PARAM, message, at)) {
      at += param[0].length;
      const [, key = "", value = ""] = param;
      const values = params.get(key) ?? [];
      values.push(value.replace(ESCAPED, "$1"));
      params.set(key, values);
    }
    if (message[at] !== "]") return null;
    at++;
  }
  return { elements, end: at };
}

function matchAt(pattern: RegExp, text: string, at: number): RegExpExecArray | null {
  pattern.lastIndex = at;
  return pattern.exec(text);
}
