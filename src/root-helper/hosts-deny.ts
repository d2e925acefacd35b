/** Lines of /etc/hosts.deny for TCP wrappers (hosts_access(5)), which take IPv6 addresses in brackets. Pure. */

function lineOf(address: string): string {
  return `ALL:${address.includes(":") ? `[${address}]` : address}`;
}

/** The same text when the line is there already. */
export function withHost(text: string, address: string): string {
  const line = lineOf(address);
  if (text.split("\n").includes(line)) return text;
  return `${text}${text === "" || text.endsWith("\n") ? "" : "\n"}${line}\n`;
}

/** Only the line that `withHost()` writes goes: an address can be the beginning of another one. */
export function withoutHost(text: string, address: string): string {
  const line = lineOf(address);
  return text
    .split("\n")
    .filter((candidate) => candidate !== line)
    .join("\n");
}
