/**
 * agent.conf of a group: is it fit to be sent to agents? Pure; the sections are read by the agents, so only what they have in common
 * with this manager, and what would harm them, is looked at inside.
 */
import type { Problem } from "#formats/source-position.ts";
import type { XmlElement } from "#formats/xml/elements.ts";
import { readXml } from "#formats/xml/xml.ts";
import { Report } from "./report.ts";
import { labelsSection } from "./sections/labels.ts";
import { localFileSection } from "./sections/localfile.ts";

/** More than any fleet needs; reading it takes a second. */
export const AGENT_CONF_BYTES_MAX = 8 * 1024 * 1024;

const ROOT = "agent_config";
/** Who a block is for; `overwrite` is read by no agent. */
const ATTRIBUTES: readonly string[] = ["name", "os", "profile", "overwrite"];
/** The peer's agents do not apply a block with a longer one. */
const PATTERN_BYTES_MAX = 2048;
const CLIENT_OPTIONS: readonly string[] = ["force_reconnect_interval"];
const SECTIONS: readonly string[] = [
  ...["syscheck", "rootcheck", "localfile", "client", "client_buffer", "wodle", "labels", "sca"],
  ...["github", "office365", "ms-graph", "gcp-pubsub", "gcp-bucket", "agent-upgrade", "anti_tampering"],
];

/** Elements whose text is compared or shown and never opened. */
const NOT_OPENED: ReadonlySet<string> = new Set([
  ...["label", "ignore", "restrict", "nodiff", "filter", "query", "multiline_regex", "out_format"],
  ...["description", "tag", "alias"],
]);
/** `\\host\…`, also behind a blank of a command; not `\\.\pipe\…` and `\\?\C:\…`, which stay on the machine. */
const UNC_PATH = /(?:^|[\s"'=,;])\\\\(?:[?.]\\(?:UNC|GLOBALROOT)\\|(?![?.]\\)[^\\\s])/i;
/** Windows takes slashes of either kind for the same, and `\??\` for `\\?\`. */
const UNC_SLASHES = /^["']?[\\/]{2}(?:[?.][\\/](?:UNC|GLOBALROOT)[\\/]|(?![?.][\\/])[^\\/])/i;
const UNC_OBJECT = /^["']?\\\?\?\\(?:UNC|GLOBALROOT)\\/i;

/** What is wrong with it, in the order of the file. */
export function checkAgentConf(text: string, file: string): readonly Problem[] {
  if (text.length > AGENT_CONF_BYTES_MAX) {
    const report = new Report();
    report.error({ file, line: 1, column: 1 }, `agent.conf has more than ${AGENT_CONF_BYTES_MAX} bytes`);
    return report.problems();
  }
  const outcome = readXml(text, file);
  if (!outcome.ok) return [outcome.problem];
  const report = new Report();
  for (const root of outcome.elements) checkRoot(root, report);
  return report
    .problems()
    .toSorted(({ position: a }, { position: b }) => a.line - b.line || a.column - b.column);
}

function checkRoot(root: XmlElement, report: Report): void {
  if (root.name !== ROOT) {
    invalidElement(root, `expected <${ROOT}>`, report);
    return;
  }
  for (const { name, value, position } of root.attributes) {
    if (!ATTRIBUTES.includes(name)) {
      const message = `(1233): Invalid attribute '${name}' in the configuration: '${value}'.`;
      report.error(position, message, "expected name, os or profile");
    } else if (value.length > PATTERN_BYTES_MAX) {
      const message = `The pattern of '${name}' has more than ${PATTERN_BYTES_MAX} bytes: no agent applies the block`;
      report.warning(position, message);
    }
  }
  for (const section of root.children) checkSection(section, report);
}

function checkSection(section: XmlElement, report: Report): void {
  const expected = `expected one of ${SECTIONS.join(", ")}`;
  if (!SECTIONS.includes(section.name)) invalidElement(section, expected, report);
  if (section.name === "client") {
    for (const child of section.children) {
      if (CLIENT_OPTIONS.includes(child.name)) continue;
      invalidElement(child, `<client> of agent.conf has only ${CLIENT_OPTIONS.join(", ")}`, report);
    }
  }
  if (section.name === "localfile") localFileSection.begin(report).take(section);
  if (section.name === "labels") checkLabels(section, report);
  refuseUncPaths(section, report);
}

function checkLabels(section: XmlElement, report: Report): void {
  const reading = labelsSection.begin(report);
  reading.take(section);
  reading.value();
}

/** A Windows agent that opens such a path gives its account's password hash to that host (CVE-2024-1243, CVE-2025-30201). */
function refuseUncPaths(element: XmlElement, report: Report): void {
  const message = (text: string) => `A path of another host is not sent to agents: '${text.trim()}'`;
  if (!NOT_OPENED.has(element.name) && isUncText(element.content))
    report.error(element.contentPosition, message(element.content), "expected a path of the agent's own");
  for (const { value, position } of element.attributes) {
    if (isUncText(value)) report.error(position, message(value), "expected a path of the agent's own");
  }
  for (const child of element.children) refuseUncPaths(child, report);
}

function isUncText(text: string): boolean {
  const parts = text.split(",").map((part) => part.trim());
  return UNC_PATH.test(text) || parts.some((part) => UNC_SLASHES.test(part) || UNC_OBJECT.test(part));
}

function invalidElement({ name, position }: XmlElement, expected: string, report: Report): void {
  report.error(position, `(1230): Invalid element in the configuration: '${name}'.`, expected);
}
