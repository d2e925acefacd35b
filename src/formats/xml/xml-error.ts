import type { SourcePosition } from "#formats/source-position.ts";

/** The peer keeps an error in a fixed buffer (wazuh v4.14.7: src/os_xml/os_xml.h). */
const REASON_BYTES_MAX = 127;

/** How the parser and the variables give up; caught by the one function that starts them, never seen by a caller. */
export class XmlError extends Error {
  readonly reason: string;
  readonly line: number;
  readonly position: SourcePosition;
  readonly expected: string;

  constructor(reason: string, line: number, position: SourcePosition, expected: string) {
    super(reason);
    this.reason = `XMLERR: ${reason}`.slice(0, REASON_BYTES_MAX);
    this.line = line;
    this.position = position;
    this.expected = expected;
  }
}
