/** A file integrity event in alerts: the `syscheck` object of documents and the lines of alerts.log, both made of its fields. */
import { parseCJson } from "#analysis/plugins/cjson.ts";
import { printCJson } from "#analysis/plugins/cjson-print.ts";
import type { LocalClock, LocalTime } from "#kernel/local-time.ts";
import type { Event } from "../event.ts";
import { type ChangingFimField, type FimField, type FimValues, fimValuesOf } from "./syscheck-fields.ts";
import { attributesJson, permissionsJson } from "./syscheck-permissions.ts";

/** Years that the peer's date has room for. */
const YEAR_MIN = 1000;
const YEAR_MAX = 9999;
/** ECMAScript's range of dates. */
const TIME_SECONDS_MAX = 8_640_000_000_000;

/** What stands for a digest that was not computed, in agents before 3.11. */
const NO_DIGEST = "xxx";

const WEEKDAYS = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"] as const;

/** Keys of the `syscheck` object in their order, and how the field's value becomes JSON. Null: the key is left out. */
type Changing = {
  readonly field: ChangingFimField;
  readonly key: string;
  readonly json: (value: string, clock: LocalClock) => string | null;
};

const quote = (value: string) => JSON.stringify(value);

const CHANGING: readonly Changing[] = [
  { field: "size", key: "size", json: quote },
  { field: "perm", key: "perm", json: quote },
  { field: "uid", key: "uid", json: quote },
  { field: "gid", key: "gid", json: quote },
  { field: "md5", key: "md5", json: quote },
  { field: "sha1", key: "sha1", json: quote },
  { field: "sha256", key: "sha256", json: quote },
  { field: "win_attributes", key: "attrs", json: attributesJson },
  { field: "uname", key: "uname", json: quote },
  { field: "gname", key: "gname", json: quote },
  { field: "mtime", key: "mtime", json: mtimeJson },
  { field: "inode", key: "inode", json: (value) => int32Text(value) },
];

const AUDIT: readonly (readonly [
  section: string,
  fields: readonly (readonly [key: string, field: FimField])[],
])[] = [
  [
    "user",
    [
      ["id", "user_id"],
      ["name", "user_name"],
    ],
  ],
  [
    "process",
    [
      ["id", "process_id"],
      ["name", "process_name"],
      ["cwd", "cwd"],
      ["parent_name", "parent_name"],
      ["parent_cwd", "parent_cwd"],
      ["ppid", "ppid"],
    ],
  ],
  [
    "group",
    [
      ["id", "group_id"],
      ["name", "group_name"],
    ],
  ],
  [
    "login_user",
    [
      ["id", "audit_uid"],
      ["name", "audit_name"],
    ],
  ],
  [
    "effective_user",
    [
      ["id", "effective_uid"],
      ["name", "effective_name"],
    ],
  ],
];

/** The `syscheck` object as JSON with the peer's keys in the peer's order (wazuh v4.14.7: src/analysisd/format/to_json.c). */
export function syscheckObject(event: Event, clock: LocalClock): string {
  const values = fimValuesOf(event);
  const parts: string[] = [];
  const add = (key: string, json: string | null) => {
    if (json !== null) parts.push(`${quote(key)}:${json}`);
  };
  const addText = (key: string, value: string | undefined) => {
    if (value !== undefined) add(key, quote(value));
  };
  add("path", quote(values.get("file") ?? ""));
  add("hard_links", linksJson(values.get("hard_links")));
  addText("mode", values.get("mode"));
  addText("symbolic_path", notEmpty(values.get("symbolic_path")));
  addText("arch", values.get("arch"));
  addText("value_name", values.get("value_name"));
  addText("value_type", values.get("value_type"));
  for (const changing of CHANGING) addChanging(values, changing, clock, add);
  const diff = values.get("changed_content");
  addText("diff", diff === "0" ? undefined : diff);
  add("tags", listJson(values.get("tag")));
  add("changed_attributes", listJson(values.get("changed_fields")));
  addText("event", values.get("event_type"));
  add("audit", auditJson(values));
  return `{${parts.join(",")}}`;
}

function addChanging(
  values: FimValues,
  { field, key, json }: Changing,
  clock: LocalClock,
  add: (key: string, json: string | null) => void,
): void {
  const before = notEmpty(values.get(`${field}_before`));
  const now = notEmpty(values.get(field));
  const show = (when: "before" | "after", value: string) => {
    // Windows permissions: a mark that those of Unix never have.
    if (field === "perm" && value.includes("|")) add(`win_perm_${when}`, permissionsJson(value));
    else add(`${key}_${when}`, json(value, clock));
  };
  if (before !== undefined && before !== values.get(field)) show("before", before);
  if (now !== undefined && !(field === "inode" && int32Text(now) === "0")) show("after", now);
}

function notEmpty(value: string | undefined): string | undefined {
  return value === "" ? undefined : value;
}

function linksJson(list: string | undefined): string | null {
  const parsed = list === undefined ? null : parseCJson(list);
  return parsed === null ? null : printCJson(parsed.value);
}

/** Null for an empty text; parts of a list that are empty are left out. */
function listJson(list: string | undefined): string | null {
  return list === undefined || list === "" ? null : JSON.stringify(tokensOf(list));
}

function tokensOf(list: string): string[] {
  return list.split(",").filter((part) => part !== "");
}

function auditJson(values: FimValues): string | null {
  const sections: string[] = [];
  for (const [section, fields] of AUDIT) {
    const parts: string[] = [];
    for (const [key, field] of fields) {
      const value = notEmpty(values.get(field));
      if (value !== undefined) parts.push(`${quote(key)}:${quote(value)}`);
    }
    if (parts.length > 0) sections.push(`${quote(section)}:{${parts.join(",")}}`);
  }
  return sections.length === 0 ? null : `{${sections.join(",")}}`;
}

/** Null when the peer could not show the date either. */
function timeOf(secondsText: string, clock: LocalClock): LocalTime | null {
  const seconds = Number(secondsText);
  if (!(Math.abs(seconds) <= TIME_SECONDS_MAX)) return null;
  const time = clock.at(seconds * 1000);
  return time.year >= YEAR_MIN && time.year <= YEAR_MAX ? time : null;
}

function mtimeJson(secondsText: string, clock: LocalClock): string | null {
  const time = timeOf(secondsText, clock);
  return time === null ? null : quote(time.isoSeconds);
}

/** `Sat Nov  1 08:22:00 2025` of seconds; what cannot be a date stays as it is. */
export function shownTime(secondsText: string, clock: LocalClock): string {
  const time = timeOf(secondsText, clock);
  if (time === null) return secondsText;
  const day = String(time.day).padStart(2, " ");
  return `${WEEKDAYS[time.weekday]} ${time.month} ${day} ${time.clock} ${time.year}`;
}

const DIGITS = /^-?\d{1,19}/;

/** Documents show the lower 32 bits of an inode, with their sign (the peer's atoi). */
function int32Text(value: string): string {
  const found = DIGITS.exec(value);
  return found === null ? "0" : String(BigInt.asIntN(32, BigInt(found[0])));
}

const LINES: readonly (readonly [label: string, field: FimField])[] = [
  ["(Audit) User name", "user_name"],
  ["(Audit) Audit name", "audit_name"],
  ["(Audit) Effective name", "effective_name"],
  ["(Audit) Group name", "group_name"],
  ["(Audit) Process id", "process_id"],
  ["(Audit) Process name", "process_name"],
  ["(Audit) Process cwd", "cwd"],
  ["(Audit) Parent process name", "parent_name"],
  ["(Audit) Parent process id", "ppid"],
  ["(Audit) Parent process cwd", "parent_cwd"],
];

/**
 * What alerts.log shows of the event behind its text (wazuh v4.14.7: src/analysisd/alerts/log.c). Each is a line, only the difference
 * of contents is several; what they hold comes from the agent as it is.
 */
export function syscheckLogLines(event: Event, clock: LocalClock): readonly string[] {
  const values = fimValuesOf(event);
  const lines = ["Attributes:"];
  const add = (label: string, value: string | undefined) => {
    if (value !== undefined && value !== "") lines.push(` - ${label}: ${value}`);
  };
  const digest = (field: FimField) => (values.get(field) === NO_DIGEST ? undefined : values.get(field));
  add("Size", values.get("size"));
  add("Permissions", values.get("perm"));
  const mtime = notEmpty(values.get("mtime"));
  add("Date", mtime === undefined ? undefined : shownTime(mtime, clock));
  add("Inode", values.get("inode"));
  add("User", ownerText(values.get("uname"), values.get("uid")));
  add("Group", ownerText(values.get("gname"), values.get("gid")));
  add("MD5", digest("md5"));
  add("SHA1", digest("sha1"));
  add("SHA256", digest("sha256"));
  add("File attributes", values.get("win_attributes"));
  for (const [label, field] of LINES) add(label, values.get(field));

  const diff = values.get("changed_content");
  if (diff !== undefined) lines.push("", "What changed:", diff);
  const tags = notEmpty(values.get("tag"));
  if (tags !== undefined) lines.push("", "Tags:", ...tokensOf(tags).map((tag) => ` - ${tag}`));
  return lines;
}

function ownerText(name: string | undefined, id: string | undefined): string | undefined {
  return name === undefined || name === "" || id === undefined ? undefined : `${name} (${id})`;
}
