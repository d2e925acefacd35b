/** How agent-info and agent-groups are written: nodes of one cluster have one version, and it decides. wazuh v4.13.0: the change. */

/** `chunks`: agents in texts of a database's answers. `lists`: agents in three lists, and names beside the groups. */
export type WireForm = "chunks" | "lists";

/** The first version with lists. */
const LISTS_SINCE = { major: 4, minor: 13 };

export function wireFormOf(version: string): WireForm {
  const [, major = "", minor = ""] = /^v?([0-9]{1,6})\.([0-9]{1,6})/.exec(version) ?? [];
  if (Number(major) !== LISTS_SINCE.major) return Number(major) < LISTS_SINCE.major ? "chunks" : "lists";
  return Number(minor) < LISTS_SINCE.minor ? "chunks" : "lists";
}
