/** Versions with their patch, as agents, packages and the manager name them: `v4.14.7`, `Wazuh v4.14.7`. Pure. */

const VERSION = /(?:^|\s)v?([0-9]{1,6})\.([0-9]{1,6})\.([0-9]{1,6})/;
/** The peer names its packages so: `wazuh_agent_v4.14.7_linux_x86_64.deb.wpk`. */
const NAMED_VERSION = /_v?([0-9]{1,6}\.[0-9]{1,6}\.[0-9]{1,6})_/;

export type Version = readonly [major: number, minor: number, patch: number];

/** Null for a text without a whole version. */
export function parseVersion(text: string): Version | null {
  const [, major, minor, patch] = VERSION.exec(text) ?? [];
  return major === undefined ? null : [Number(major), Number(minor), Number(patch)];
}

export function versionInName(fileName: string): string | null {
  const version = NAMED_VERSION.exec(fileName)?.[1];
  return version === undefined ? null : `v${version}`;
}

/** Negative when `a` is the older one. */
export function compareVersions(a: Version, b: Version): number {
  return a[0] - b[0] || a[1] - b[1] || a[2] - b[2];
}
