/**
 * What the syslog input keeps of a message of RFC 5424 beside its text: JSON between the header and the text, written by
 * `src/formats/syslog/classic-line.ts` in the form of a Solaris message id, `[ID {"syslog":{…}}] `.
 *
 * Behind a program name the header's own rules have taken it off already. Without one no 4.x engine looks for it, so it is taken
 * off here. It can set fields that begin with `syslog.` and nothing else, whoever wrote it.
 */
import { decodeJson } from "../plugins/json.ts";
import type { FieldSink } from "../plugins/sink.ts";
import type { Predecoded } from "../predecode/predecode.ts";

const MARK = '[ID {"syslog":{';
const JSON_AT = "[ID ".length;
const FIELD_PREFIX = "syslog.";
const CLOSE = 0x5d;

export type SyslogFields = {
  /** The log without them. */
  readonly log: string;
  readonly json: string;
};

/** Null when the message has none. */
export function syslogFields(message: string, header: Predecoded): SyslogFields | null {
  const { log, logStart, programName } = header;
  if (programName !== null) {
    if (message.charCodeAt(logStart - 2) !== CLOSE) return null;
    const at = message.lastIndexOf(MARK, logStart - 1);
    return at === -1 ? null : { log, json: message.slice(at + JSON_AT, logStart - 2) };
  }
  const end = log.startsWith(MARK) ? log.indexOf("] ") : -1;
  return end === -1 ? null : { log: log.slice(end + 2), json: log.slice(JSON_AT, end) };
}

/** Adds them to an event; none when the text is no JSON. */
export function addSyslogFields({ json }: SyslogFields, event: FieldSink): void {
  decodeJson(json, {
    setStatic: () => {},
    has: (name) => event.has(name),
    addDynamic: (name, value) => !name.startsWith(FIELD_PREFIX) || event.addDynamic(name, value),
  });
}
