/** Versions as agents announce them (`v4.14.7`, `Wazuh v4.14.7` without its product name): what is newer than the manager. */

/** Nine digits are more than any version has and still exact numbers; further ones change nothing. */
const MAJOR_MINOR = /^v?([0-9]{1,9})(?:\.([0-9]{1,9}))?/;

/** Compares major and minor; the patch is ignored. A text that is no version counts as 0.0, as with the peer. */
export function isHigherVersion(agentVersion: string, managerVersion: string): boolean {
  const [agentMajor, agentMinor] = majorMinor(agentVersion);
  const [managerMajor, managerMinor] = majorMinor(managerVersion);
  return agentMajor === managerMajor ? agentMinor > managerMinor : agentMajor > managerMajor;
}

function majorMinor(text: string): readonly [number, number] {
  const [, major = "0", minor = "0"] = MAJOR_MINOR.exec(text) ?? [];
  return [Number(major), Number(minor)];
}
