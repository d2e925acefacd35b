/**
 * ossec.conf of the manager: a text becomes one typed value and all that is wrong with it. Pure; the file's owner reads it.
 *
 * What the sections mean together is looked at when all are read, so the order of elements decides nothing but which of two
 * equal options counts: the later one.
 */
import type { Problem } from "#formats/source-position.ts";
import { readXml } from "#formats/xml/xml.ts";
import { checkedGroup, type OptionDescription, type ValueOf } from "./option.ts";
import { Report } from "./report.ts";
import { agentUpgradeSection } from "./sections/agent-upgrade.ts";
import { authSection } from "./sections/auth.ts";
import { clusterSection } from "./sections/cluster.ts";
import { alertsSection, globalSection, loggingSection } from "./sections/global.ts";
import { labelsSection } from "./sections/labels.ts";
import { localFileSection } from "./sections/localfile.ts";
import { readRemotes, remoteSection } from "./sections/remote.ts";
import { commandSection, resolveResponses, responseSection } from "./sections/response.ts";
import { rulesetSection, ruleTestSection } from "./sections/ruleset.ts";

/** Sections that the peer knows and this version does nothing with: the file loads, and its user is told. */
const UNUSED_SECTIONS = [
  ...[
    "syscheck",
    "rootcheck",
    "wodle",
    "sca",
    "vulnerability-detection",
    "vulnerability-detector",
    "indexer",
  ],
  ...["integration", "syslog_output", "email_alerts", "reports", "agentless", "socket", "database_output"],
  ...["client", "client_buffer", "anti_tampering", "task-manager", "wdb"],
  ...["fluent-forward", "gcp-pubsub", "gcp-bucket", "github", "office365", "ms-graph"],
];

const managerOptions = checkedGroup(
  {
    element: "",
    doc: "Configuration of the manager.",
    fields: {
      global: globalSection,
      alerts: alertsSection,
      logging: loggingSection,
      ruleset: rulesetSection,
      ruleTest: ruleTestSection,
      auth: authSection,
      remotes: remoteSection,
      cluster: clusterSection,
      agentUpgrade: agentUpgradeSection,
      localFiles: localFileSection,
      labels: labelsSection,
      commands: commandSection,
      responses: responseSection,
    },
    unused: Object.fromEntries(
      UNUSED_SECTIONS.map((name) => [name, `section <${name}> is not used by this version`]),
    ),
    aliases: { rules: "ruleset" },
  },
  ({ remotes, responses, ...sections }, _at, report) => ({
    ...sections,
    remote: readRemotes(remotes, report),
    activeResponse: resolveResponses(responses, sections.commands, report),
  }),
);

export type ManagerConfig = ValueOf<typeof managerOptions>;

export type ManagerConfigOutcome = {
  /** To be used only when no problem is an error. */
  readonly config: ManagerConfig;
  readonly problems: readonly Problem[];
};

const ROOT = "ossec_config";

export function readManagerConfig(text: string, file: string): ManagerConfigOutcome {
  const report = new Report();
  const reading = managerOptions.begin(report);
  const outcome = readXml(text, file);
  if (!outcome.ok) return { config: reading.value(), problems: [outcome.problem] };
  for (const root of outcome.elements) {
    if (root.name === ROOT) reading.take(root);
    else
      report.error(
        root.position,
        `(1230): Invalid element in the configuration: '${root.name}'.`,
        `expected <${ROOT}>`,
      );
  }
  const config = reading.value();
  return { config, problems: report.problems().toSorted(byPosition) };
}

function byPosition({ position: a }: Problem, { position: b }: Problem): number {
  return a.line - b.line || a.column - b.column;
}

/** What counts when the file says nothing. */
export function defaultManagerConfig(): ManagerConfig {
  return managerOptions.begin(new Report()).value();
}

/** Every section and option in the order of the definitions, for documentation and the API. */
export function describeOptions(): readonly OptionDescription[] {
  return managerOptions.describe("").filter(({ path }) => path !== "");
}
