/** Settings that are read and that nothing acts on yet: whoever relies on them must be told at the start. */
import type { ManagerConfig } from "#config/manager-config.ts";

type Unused = { readonly applies: (config: ManagerConfig) => boolean; readonly text: string };

const UNUSED: readonly Unused[] = [
  {
    applies: ({ remote }) => remote.secure === null,
    text: "There is no <remote> block for agents (connection secure): no agent can report",
  },
  {
    applies: ({ auth }) => auth.disabled,
    text: "Enrollment is disabled by <auth>: no new agent can get a key",
  },
  {
    applies: ({ remote }) => remote.secure?.protocols.udp === true,
    text: "Agents are served over TCP only: UDP of <remote> is not supported",
  },
  {
    applies: ({ remote }) => remote.syslog.length > 0,
    text: "Syslog input of <remote> is not supported: nothing listens for it",
  },
  {
    applies: ({ cluster }) => cluster !== null && !cluster.disabled,
    text: "The cluster is not supported: this manager works alone",
  },
  {
    applies: ({ activeResponse }) => activeResponse.responses.length > 0,
    text: "Active responses are not supported: none is started",
  },
  { applies: ({ global }) => global.emailNotification, text: "Mail is not supported: no alert is mailed" },
  {
    applies: ({ global }) => global.limits.eps.maximum > 0,
    text: "The limit of events per second of <global> is not supported",
  },
  {
    applies: ({ labels }) => labels.length > 0,
    text: "Labels of this host are not supported: alerts do not carry them",
  },
  {
    applies: ({ localFiles }) =>
      localFiles.some(({ source }) => source.kind === "command" || source.kind === "foreign"),
    text: "Commands and formats of other systems in <localfile> are not supported: these entries are left out",
  },
];

export function unusedSettings(config: ManagerConfig): readonly string[] {
  return UNUSED.filter(({ applies }) => applies(config)).map(({ text }) => text);
}
