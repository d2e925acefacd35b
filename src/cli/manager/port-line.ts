/** One listening port as people read it. */

const ENDPOINT_WIDTH = 22;

/** The colons of an IPv6 address stand in brackets. */
export function portLine(host: unknown, port: unknown, purpose: unknown): string {
  const address = String(host);
  const endpoint = `${address.includes(":") ? `[${address}]` : address}:${port}`;
  return `  ${endpoint.padEnd(ENDPOINT_WIDTH)} ${purpose}`;
}
