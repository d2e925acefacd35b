/**
 * The group list of an enrollment request: its syntax, and whether each group may be joined.
 *
 * Two checks, because a worker of a cluster makes only the first: which groups exist is the master's knowledge.
 */

import { printable } from "#kernel/printable.ts";
import { type GroupName, parseGroupName } from "#model/agent.ts";
import { errorLine, type Refusal, refusal } from "./outcome.ts";

/** The peer's limits; a list is longer than a name but shorter than a message. */
export const GROUPS_PER_AGENT_MAX = 128;
const GROUP_NAME_CHARS_MAX = 255;
const GROUP_LIST_CHARS_MAX = 65_535;
const LIST_CHARS = /^[a-zA-Z0-9.:;_\-=+!@(),]*$/;
const SHOWN_CHARS = 255;

export type GroupSyntax = { readonly ok: true; readonly groups: readonly string[] } | Refusal;

/** The names in order, a repeated one at its first place only. */
export function parseGroupList(list: string): GroupSyntax {
  const reason = list === "" ? "Empty Group" : groupListFault(list);
  if (reason !== null) {
    const shown = list.slice(0, SHOWN_CHARS);
    const text = list === "" ? reason : `${shown}... ${reason}`;
    return refusal(
      "group",
      `ERROR: Invalid group name: ${text}`,
      errorLine(`Invalid group name: ${printable(shown)}... ,`),
    );
  }
  return { ok: true, groups: [...new Set(list.split(","))] };
}

export type GroupCheck = { readonly ok: true; readonly groups: readonly GroupName[] } | Refusal;

/** The master's check; `exists` says whether a group has its folder. */
export function checkGroups(names: readonly string[], exists: (group: GroupName) => boolean): GroupCheck {
  if (names.length > GROUPS_PER_AGENT_MAX) {
    const text = `Maximum multigroup reached: Limit is ${GROUPS_PER_AGENT_MAX}`;
    return refusal("group", `ERROR: ${text}`, errorLine(text));
  }
  const groups: GroupName[] = [];
  for (const name of names) {
    const group = parseGroupName(name);
    if (group === null) {
      const log = errorLine(`Invalid group name: ${printable(name)}`);
      return refusal("group", `ERROR: Invalid group name: ${name}`, log);
    }
    if (!exists(group)) {
      return refusal("group", `ERROR: Invalid group: ${group}`, errorLine(`Invalid group: ${group}`));
    }
    groups.push(group);
  }
  return { ok: true, groups };
}

/** Why a list is none, in the peer's words. Some reasons apply to lists of several names only. */
function groupListFault(list: string): string | null {
  const names = list.split(",");
  const several = names.length > 1;
  if (several && list.length > GROUP_LIST_CHARS_MAX) return "multigroup is too large";
  if (several && list.includes(" ")) return "white spaces are not allowed";
  if (names.some((name) => name.length > GROUP_NAME_CHARS_MAX)) return "group is too large";
  if (several && list.includes(",,")) return "consecutive ',' are not allowed";
  if (several && (list.startsWith(",") || list.endsWith(","))) return "cannot start or end with ','";
  return LIST_CHARS.test(list) ? null : "characters '\\/:*?\"<>|,' are prohibited";
}
