/** The groups of an agent as one text, which names the merged.mg that it gets. */
import assert from "node:assert/strict";
import { hash } from "node:crypto";
import { type GroupName, parseGroupName } from "#model/agent.ts";

/** Comma-joined in the order of the assignment: `default,web` and `web,default` are two. */
export type GroupList = string;

/** Of every agent that is in no other. */
export const DEFAULT_GROUP = validGroup("default");
const FOLDER_DIGITS = 8;

function validGroup(name: string): GroupName {
  const group = parseGroupName(name);
  assert(group !== null, `no group name: ${name}`);
  return group;
}

export function groupListOf(groups: readonly GroupName[]): GroupList {
  return groups.join(",");
}

/** Null when a name in it is none. */
export function groupsOfList(list: GroupList): readonly GroupName[] | null {
  const groups = list.split(",").map(parseGroupName);
  return groups.includes(null) ? null : groups.filter((group) => group !== null);
}

/** The folder below `var/multigroups` of a list with several groups. */
export function multigroupFolder(list: GroupList): string {
  return hash("sha256", list).slice(0, FOLDER_DIGITS);
}
