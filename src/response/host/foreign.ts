/** The peer's responses that this host cannot run: they speak to parts of other systems. A file of such a name in `active-response/bin` is run all the same. */

const NEEDS: ReadonlyMap<string, string> = new Map([
  ["pf", "the packet filter of OpenBSD, FreeBSD and macOS"],
  ["ipfw", "the packet filter of FreeBSD"],
  ["npf", "the packet filter of NetBSD"],
  ["netsh", "the firewall of Windows"],
  ["netsh.exe", "the firewall of Windows"],
  ["route-null.exe", "Windows"],
  ["restart-wazuh.exe", "Windows"],
  ["kaspersky", "Kaspersky Endpoint Security"],
]);

/** Null for names of none of them. */
export function whyNotHere(executable: string): string | null {
  const needed = NEEDS.get(executable);
  return needed === undefined
    ? null
    : `'${executable}' needs ${needed}, which is not available on this system`;
}
