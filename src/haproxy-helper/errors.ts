/** What can go wrong between helper and HAProxy: the peer's numbers and texts (wazuh v4.14.7: framework/wazuh/core/exception.py). */
import { CodedError } from "#kernel/errors.ts";
import { MESSAGE_CHARS_MAX } from "./limits.ts";

const TEXTS = {
  3041: "Server status check timed out after adding new servers",
  3042: "User configuration is not valid",
  3043: "Could not initialize Proxy API",
  3044: "Could not connect to the HAProxy dataplane API",
  3045: "Could not connect to HAProxy",
  3046: "Invalid credentials for the Proxy API",
  3047: "Invalid HAProxy Dataplane API specification configured",
  3048: "Could not detect a valid HAProxy process linked to the Dataplane API",
  3049: "Unexpected response from HAProxy Dataplane API",
} as const;

export type HelperErrorNumber = keyof typeof TEXTS;

/** Beyond ASCII a character may be a control byte once it is written. */
const NOT_PRINTABLE = /[^ -~]+/g;

/** `detail` may be another program's words, `cause` what a text of the peer's leaves out. */
export function helperError(number: HelperErrorNumber, detail = "", cause?: unknown): CodedError {
  const words = detail.slice(0, MESSAGE_CHARS_MAX).replace(NOT_PRINTABLE, " ").trim();
  const text = `Error ${number} - ${TEXTS[number]}${words === "" ? "" : `: ${words}`}`;
  return new CodedError(`haproxy_${number}`, text, {}, cause);
}
