/** What an answer says beside its result, with the peer's numbers and texts (wazuh v4.14.7: src/analysisd/logtest.h). Latin1 strings. */
import type { Problem } from "#formats/source-position.ts";

export type Message = { readonly level: "INFO" | "WARNING" | "ERROR"; readonly text: string };

export function info(text: string): Message {
  return { level: "INFO", text };
}

export function warning(text: string): Message {
  return { level: "WARNING", text };
}

export function error(text: string): Message {
  return { level: "ERROR", text };
}

export function problemMessage({ severity, message }: Problem): Message {
  return severity === "error" ? error(message) : warning(message);
}

export const SESSION_FAILED = error("(7311): Failure to initializing session");
export const EVENT_FAILED = error("(7312): Failed to process the event");
export const LOCATION_UNFORMATTED = error("(1106): String not correctly formatted.");

export function invalidToken(token: string): string {
  return `(7309): '${token}' is not a valid token`;
}

export function tokenExpired(token: string): Message {
  return warning(`(7003): '${token}' token expires`);
}

export function sessionNotFound(token: string): Message {
  return error(`(7004): No session found for token '${token}'`);
}

export function notAnObject(field: string): Message {
  return warning(`(7005): '${field}' field must be a JSON object. The parameter will be ignored`);
}

export function notABoolean(field: string): Message {
  return warning(`(7006): '${field}' field must be a boolean. The parameter will be ignored`);
}

export function sessionOpened(token: string): Message {
  return info(`(7202): Session initialized with token '${token}'`);
}

export function sessionClosed(token: string): Message {
  return info(`(7206): The session '${token}' was closed successfully`);
}
