/** One syslog message, as it came in a datagram or between two line ends: what the engine is given of it. */

const NUL = 0x00;
const NEWLINE = 0x0a;
const RETURN = 0x0d;
const OPEN = 0x3c; // '<'
const CLOSE = 0x3e; // '>'

/** Senders end messages with a newline, with both of Windows' line end, with a NUL, or not at all. */
export function withoutLineEnd(bytes: Buffer): Buffer {
  let end = bytes.length;
  while (end > 0 && bytes[end - 1] === NUL) end--;
  if (end > 0 && bytes[end - 1] === NEWLINE) end--;
  if (end > 0 && bytes[end - 1] === RETURN) end--;
  return end === bytes.length ? bytes : bytes.subarray(0, end);
}

/** From `<` to the first `>`, whatever is between them: so the peer does (wazuh v4.14.7: src/remoted/syslog.c). */
export function withoutPriority(message: Buffer): Buffer {
  if (message[0] !== OPEN) return message;
  return message.subarray(message.indexOf(CLOSE) + 1);
}
