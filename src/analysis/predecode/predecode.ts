/**
 * Cuts the header off a log line: timestamp, host name and program name in the formats that the peer knows, by single
 * bytes at fixed places. It is no date parser: a day 99 is as good as a day 9, and no logic uses the timestamp.
 *
 * Pure. Works on latin1 text (one char a byte) without NUL: `splitQueueMessage()` ends a message there.
 * Holds nothing; the result shares the memory of the message.
 *
 * The positions and their order are those of wazuh v4.14.7: src/analysisd/cleanevent.c.
 */

export interface Predecoded {
  /** What decoders and rules see. Always `message.substr(logStart, log.length)`, and nearly always all that follows. */
  readonly log: string;
  readonly logStart: number;
  readonly timestamp: string | null;
  /** Null where the header names none. An empty text is possible, as for the program name. */
  readonly hostname: string | null;
  readonly programName: string | null;
}

const SPACE = 0x20;
const PLUS = 0x2b;
const COMMA = 0x2c;
const MINUS = 0x2d;
const DOT = 0x2e;
const SLASH = 0x2f;
const ZERO = 0x30;
const ONE = 0x31;
const NINE = 0x39;
const COLON = 0x3a;
const UPPER_T = 0x54;
const OPEN = 0x5b;
const CLOSE = 0x5d;
const PIPE = 0x7c;

/** The bytes of a host or program name. */
const NAME_BYTES = new Uint8Array(256);
for (const char of "()-./0123456789@ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz") {
  NAME_BYTES[char.charCodeAt(0)] = 1;
}

export function predecode(message: string): Predecoded {
  // A German March (`Mär`) takes a byte more than the other months: the tests look one byte further on, while the
  // cut stays where it is. The cut is then one byte early, which the optional space after it makes good.
  const shift = message.charCodeAt(1) === 0xc3 && message.charCodeAt(2) === 0xa4 ? 1 : 0;

  const cut = syslogCut(message, shift);
  if (cut > 0) return syslogHeader(message, cut);
  if (isXferlog(message, shift)) return result(message, 25, message.slice(0, 24), null, null);
  if (isSnort(message, shift)) return result(message, 23, message.slice(0, 21), null, null);
  if (isSuricata(message, shift)) return result(message, 28, message.slice(0, 26), null, null);
  if (isApacheError(message, shift)) return result(message, 27, message.slice(1, 25), null, null);
  if (isAppleSystemLog(message, shift)) return appleSystemLog(message);
  if (isSquid(message, shift)) return squidHeader(message);
  return result(message, 0, null, null, null);
}

function result(
  message: string,
  logStart: number,
  timestamp: string | null,
  hostname: string | null,
  programName: string | null,
): Predecoded {
  return { log: message.slice(logStart), logStart, timestamp, hostname, programName };
}

function isDigit(code: number): boolean {
  return code >= ZERO && code <= NINE;
}

function isLower(code: number): boolean {
  return code >= 0x61 && code <= 0x7a;
}

function isAlphanumeric(code: number): boolean {
  return isDigit(code) || isLower(code) || (code >= 0x41 && code <= 0x5a);
}

function nameEnd(text: string, start: number): number {
  let end = start;
  while (end < text.length && NAME_BYTES[text.charCodeAt(end)] === 1) end++;
  return end;
}

/** Where the text after a syslog-like timestamp starts, or 0 when the message has none. */
function syslogCut(m: string, s: number): number {
  if (
    m.length >= 17 &&
    m.charCodeAt(s + 3) === SPACE &&
    m.charCodeAt(s + 6) === SPACE &&
    m.charCodeAt(s + 9) === COLON &&
    m.charCodeAt(s + 12) === COLON &&
    m.charCodeAt(s + 15) === SPACE
  ) {
    return 16; // Dec 29 10:00:01
  }
  if (m.charCodeAt(s + 4) === MINUS && m.charCodeAt(s + 7) === MINUS) return isoCut(m, s);
  if (
    m.length >= 21 &&
    isDigit(m.charCodeAt(s)) &&
    m.charCodeAt(s + 4) === SPACE &&
    m.charCodeAt(s + 8) === SPACE &&
    m.charCodeAt(s + 11) === SPACE &&
    m.charCodeAt(s + 14) === COLON &&
    m.charCodeAt(s + 17) === COLON &&
    m.charCodeAt(s + 20) === SPACE
  ) {
    return 21; // 2015 Dec 29 10:00:01
  }
  return 0;
}

/** The four kinds with `YYYY-MM-DD`, whose dashes are already seen. */
function isoCut(m: string, s: number): number {
  if (m.charCodeAt(s + 13) !== COLON || m.charCodeAt(s + 16) !== COLON) return 0;
  const separator = m.charCodeAt(s + 10);
  const afterSeconds = m.charCodeAt(s + 19);
  if (separator === SPACE) {
    if (m.length >= 24 && afterSeconds === COMMA) return 24; // 2015-04-16 21:51:02,805
    const zoneSign = m.charCodeAt(s + 26);
    const isUnifiedLog =
      m.length >= 33 &&
      isDigit(m.charCodeAt(s)) &&
      afterSeconds === DOT &&
      (zoneSign === MINUS || zoneSign === PLUS) &&
      m.charCodeAt(s + 31) === SPACE;
    return isUnifiedLog ? 32 : 0; // 2021-04-21 10:16:09.404756-0700
  }
  if (separator !== UPPER_T || m.length < 33) return 0;
  if (m.charCodeAt(s + 22) === COLON && m.charCodeAt(s + 25) === SPACE) return 26; // 2007-06-14T15:48:55-04:00
  if (afterSeconds !== DOT) return 0;
  if (m.charCodeAt(s + 26) === COLON) return 30; // 2022-12-19T15:02:53.288+00:00
  if (m.charCodeAt(s + 29) === COLON) return 33; // 2009-05-22T09:36:46.214994-07:00
  return 32;
}

/** Host name and program name after a timestamp that ends one byte before `cut`. */
function syslogHeader(message: string, cut: number): Predecoded {
  const timestamp = message.slice(0, cut - 1);
  const start = message.charCodeAt(cut) === SPACE ? cut + 1 : cut;
  const hostEnd = nameEnd(message, start);
  const afterHost = message.charCodeAt(hostEnd);
  if (afterHost === COLON && message.charCodeAt(hostEnd + 1) === SPACE) {
    // Solaris writes the program without a host.
    return result(
      message,
      afterMessageId(message, hostEnd + 2),
      timestamp,
      null,
      message.slice(start, hostEnd),
    );
  }
  if (afterHost !== SPACE) return result(message, start, timestamp, null, null);

  const hostname = message.slice(start, hostEnd);
  const body = hostEnd + 1;
  const programEnd = nameEnd(message, body);
  let next = -1;
  switch (message.charCodeAt(programEnd)) {
    case COLON:
      next = programEnd + (message.charCodeAt(programEnd + 1) === SPACE ? 2 : 1);
      break;
    case OPEN:
      next = afterProcessId(message, programEnd);
      break;
    case PIPE:
      return aixHeader(message, timestamp, hostname, body, programEnd);
  }
  if (next < 0) return result(message, body, timestamp, hostname, null);
  const programName = message.slice(body, programEnd);
  return result(message, afterMessageId(message, next), timestamp, hostname, programName);
}

/** The end of the digits after an opening bracket; `open + 1` when there is none. */
function processIdEnd(message: string, open: number): number {
  let end = open + 1;
  while (isDigit(message.charCodeAt(end))) end++;
  return end;
}

/** Where the text after `[123]: `, `[123]:` or `[123] ` starts, or -1 when the bracket is something else. */
function afterProcessId(message: string, open: number): number {
  const end = processIdEnd(message, open);
  if (end === open + 1 || message.charCodeAt(end) !== CLOSE) return -1;
  const after = message.charCodeAt(end + 1);
  if (after === SPACE) return end + 2;
  if (after !== COLON) return -1;
  return message.charCodeAt(end + 2) === SPACE ? end + 3 : end + 2;
}

/** AIX: `facility|severity:level program: text`. */
function aixHeader(
  message: string,
  timestamp: string,
  hostname: string,
  body: number,
  pipe: number,
): Predecoded {
  const none = result(message, body, timestamp, hostname, null);
  if (!isLower(message.charCodeAt(pipe + 1))) return none;
  let at = pipe + 2;
  while (isAlphanumeric(message.charCodeAt(at))) at++;
  if (message.charCodeAt(at) !== COLON) return none;
  at++;
  while (isAlphanumeric(message.charCodeAt(at))) at++;
  if (message.charCodeAt(at) !== SPACE) return none;

  const start = at + 1;
  const end = nameEnd(message, start);
  if (message.charCodeAt(end) === COLON && message.charCodeAt(end + 1) === SPACE) {
    return result(message, afterMessageId(message, end + 2), timestamp, hostname, message.slice(start, end));
  }
  if (message.charCodeAt(end) === OPEN && isDigit(message.charCodeAt(end + 1))) {
    const idEnd = processIdEnd(message, end);
    const programName = message.slice(start, end);
    if (message.startsWith("]: ", idEnd)) {
      return result(message, afterMessageId(message, idEnd + 3), timestamp, hostname, programName);
    }
    // The peer has ended its copy at the bracket before it sees that this is no process id.
    return { log: message.slice(body, end), logStart: body, timestamp, hostname, programName };
  }
  // The peer never ends this name: all that is left of the line is the program.
  return result(message, afterMessageId(message, end), timestamp, hostname, message.slice(start));
}

/** Skips Solaris' `[ID 197553 auth.notice] `. The two bytes after the number are skipped unseen. */
function afterMessageId(message: string, start: number): number {
  if (message.charCodeAt(start) !== OPEN || !message.startsWith("ID ", start + 1)) return start;
  const close = message.indexOf("]", start + 4);
  return close < 0 ? start : Math.min(close + 2, message.length);
}

/** `Mon Apr 17 18:27:14 2006 1 64.160.42.130` */
function isXferlog(m: string, s: number): boolean {
  return (
    m.length >= 28 &&
    m.charCodeAt(s + 3) === SPACE &&
    m.charCodeAt(s + 7) === SPACE &&
    m.charCodeAt(s + 10) === SPACE &&
    m.charCodeAt(s + 13) === COLON &&
    m.charCodeAt(s + 16) === COLON &&
    m.charCodeAt(s + 19) === SPACE &&
    m.charCodeAt(s + 24) === SPACE &&
    m.charCodeAt(s + 26) === SPACE
  );
}

/** `01/28-09:13:16.240702  [**]` */
function isSnort(m: string, s: number): boolean {
  return (
    m.length >= 24 &&
    m.charCodeAt(s + 2) === SLASH &&
    m.charCodeAt(s + 5) === MINUS &&
    m.charCodeAt(s + 8) === COLON &&
    m.charCodeAt(s + 11) === COLON &&
    m.charCodeAt(s + 14) === DOT &&
    m.charCodeAt(s + 21) === SPACE
  );
}

/** `01/28/1979-09:13:16.240702  [**]` */
function isSuricata(m: string, s: number): boolean {
  return (
    m.length >= 28 &&
    m.charCodeAt(s + 2) === SLASH &&
    m.charCodeAt(s + 5) === SLASH &&
    m.charCodeAt(s + 10) === MINUS &&
    m.charCodeAt(s + 13) === COLON &&
    m.charCodeAt(s + 16) === COLON &&
    m.charCodeAt(s + 19) === DOT &&
    m.charCodeAt(s + 26) === SPACE
  );
}

/** `[Fri Feb 11 18:06:35 2004] [warn]` */
function isApacheError(m: string, s: number): boolean {
  return (
    m.length >= 27 &&
    m.charCodeAt(s) === OPEN &&
    m.charCodeAt(s + 4) === SPACE &&
    m.charCodeAt(s + 8) === SPACE &&
    m.charCodeAt(s + 11) === SPACE &&
    m.charCodeAt(s + 14) === COLON &&
    m.charCodeAt(s + 17) === COLON &&
    m.charCodeAt(s + 20) === SPACE &&
    m.charCodeAt(s + 25) === CLOSE
  );
}

/** `[Time 2006.12.28 15:53:55 UTC] [Facility auth] [Sender sshd] [PID 483] [Message text] [Host name]` */
function isAppleSystemLog(m: string, s: number): boolean {
  return (
    m.length >= 26 &&
    m.charCodeAt(s) === OPEN &&
    m.charCodeAt(s + 1) === UPPER_T &&
    m.charCodeAt(s + 5) === SPACE &&
    m.charCodeAt(s + 10) === DOT &&
    m.charCodeAt(s + 13) === DOT &&
    m.charCodeAt(s + 16) === SPACE &&
    m.charCodeAt(s + 19) === COLON
  );
}

function appleSystemLog(message: string): Predecoded {
  let logStart = 25;
  let logEnd = message.length;
  let hasMessage = false;
  let hostname: string | null = null;
  let programName: string | null = null;

  for (let open = message.indexOf("[", logStart); open >= 0; ) {
    let at = open + 1;
    const isSender = programName === null && message.startsWith("Sender ", at);
    // Only the first message counts, or a line inside the text could pose as another.
    const isMessage = !hasMessage && message.startsWith("Message ", at);
    const isHost = message.startsWith("Host ", at);
    if (isSender || isMessage || isHost) {
      const start = message.indexOf(" ", at) + 1;
      const close = message.indexOf("]", start);
      if (isMessage) {
        hasMessage = true;
        logStart = start;
        logEnd = message.length;
      }
      if (close < 0) break;
      // The peer ends each text at its bracket, and with it a log that started before.
      logEnd = Math.min(logEnd, close);
      if (isSender) programName = message.slice(start, close);
      if (isHost) {
        hostname = message.slice(start, close);
        break;
      }
      at = close + 1;
    }
    open = message.indexOf("[", at);
  }
  return { log: message.slice(logStart, logEnd), logStart, timestamp: null, hostname, programName };
}

/** `1140804070.368  11623 10.0.0.1 TCP_MISS/200 …` */
function isSquid(m: string, s: number): boolean {
  return (
    m.length >= 32 &&
    m.charCodeAt(s) === ONE &&
    isDigit(m.charCodeAt(s + 1)) &&
    isDigit(m.charCodeAt(s + 2)) &&
    isDigit(m.charCodeAt(s + 3)) &&
    m.charCodeAt(s + 10) === DOT &&
    isDigit(m.charCodeAt(s + 13)) &&
    m.charCodeAt(s + 14) === SPACE &&
    (m.charCodeAt(s + 21) === SPACE || m.charCodeAt(s + 22) === SPACE)
  );
}

/** The timestamp keeps all but the last of the spaces that pad the duration. */
function squidHeader(message: string): Predecoded {
  let logStart = 14;
  while (message.charCodeAt(logStart) === SPACE) logStart++;
  return result(message, logStart, message.slice(0, logStart - 1), null, null);
}

const SHOWN_HOSTNAME = /^[A-Z][a-z][a-z] [ 0123][0-9] [0-9][0-9]:[0-9][0-9]:[0-9][0-9] ([^ ]+)/;

/**
 * The host name that an alert document shows: the word after a classic syslog date in the whole line. It is not the
 * host name that rules see: `host:` is shown with its colon, and that of any other format is not shown.
 */
export function shownHostname(fullLog: string): string | null {
  return SHOWN_HOSTNAME.exec(fullLog)?.[1] ?? null;
}
