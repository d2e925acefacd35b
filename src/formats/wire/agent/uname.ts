/**
 * The system that an agent describes in its keepalive, as the columns of the agent table.
 *
 * Unix: `<sys> |<node> |<release> |<version> |<machine> [<os name>|<platform>: <os version> (<codename>)]`;
 * Windows: `<os name> [Ver: <a.b.c.d>] |<node> |<arch>`. Any part may be missing or empty: what cannot be read is null.
 */

export type AgentSystem = {
  readonly osName: string | null;
  readonly osPlatform: string | null;
  readonly osVersion: string | null;
  readonly osMajor: string | null;
  readonly osMinor: string | null;
  readonly osCodename: string | null;
  readonly osBuild: string | null;
  readonly osArch: string | null;
  /** The text before the bracket. */
  readonly osUname: string | null;
};

/** Real ones stay under 300; the rest of a hostile one is not looked at. */
const UNAME_CHARS_MAX = 2048;
const WINDOWS_VERSION = " [Ver: ";
const UNIX_SYSTEM = " [";
const FIELD = " |";

export function parseUname(text: string): AgentSystem {
  const uname = text.slice(0, UNAME_CHARS_MAX);
  const [windowsName, windowsRest] = splitAt(uname, WINDOWS_VERSION);
  if (windowsRest !== null) return windowsSystem(windowsName, windowsRest);
  const [header, bracket] = splitAt(uname, UNIX_SYSTEM);
  return { ...unixSystem(withoutBracket(bracket ?? "")), osArch: lastField(header), osUname: filled(header) };
}

function windowsSystem(name: string, rest: string): AgentSystem {
  const [version, fields] = splitAt(rest, "]");
  const [major = "", minor = "", ...build] = version.split(".");
  return {
    osName: filled(name),
    osPlatform: "windows",
    osVersion: filled(version),
    osMajor: filled(major),
    osMinor: filled(minor),
    osCodename: null,
    osBuild: filled(build.join(".")),
    osArch: lastField(fields ?? ""),
    osUname: filled(name),
  };
}

/** `<os name>|<platform>: <os version> (<codename>)`. */
function unixSystem(description: string): Omit<AgentSystem, "osArch" | "osUname"> {
  const [name, afterName] = splitAt(description, "|");
  const [platform, afterPlatform] = splitAt(afterName ?? "", ": ");
  const [version, codename] = splitAt(afterPlatform ?? "", " (");
  // A service pack stands where others have a minor version: `15-SP3`.
  const [, major = "", minor = ""] = /^([0-9]+)(?:(?:\.|-SP)([0-9]+))?/.exec(version) ?? [];
  return {
    osName: filled(name),
    osPlatform: filled(platform),
    osVersion: filled(version),
    osMajor: filled(major),
    osMinor: filled(minor),
    osCodename: filled(splitAt(codename ?? "", ")")[0]),
    osBuild: null,
  };
}

/** The machine is the last field; a text without fields names none. */
function lastField(text: string): string | null {
  const at = text.lastIndexOf(FIELD);
  return at === -1 ? null : filled(text.slice(at + FIELD.length));
}

function withoutBracket(text: string): string {
  return text.endsWith("]") ? text.slice(0, -1) : text;
}

/** What stands before the first separator, and after it: null when there is none. */
function splitAt(text: string, separator: string): readonly [string, string | null] {
  const at = text.indexOf(separator);
  return at === -1 ? [text, null] : [text.slice(0, at), text.slice(at + separator.length)];
}

function filled(text: string): string | null {
  return text === "" ? null : text;
}
