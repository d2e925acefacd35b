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
  { applies: ({ global }) => global.emailNotification, text: "Mail is not supported: no alert is mailed" },
  {
    applies: ({ localFiles }) =>
      localFiles.some(({ source }) => source.kind === "command" || source.kind === "foreign"),
    text: "Commands and formats of other systems in <localfile> are not supported: these entries are left out",
  },
];

export function unusedSettings(config: ManagerConfig): readonly string[] {
  return UNUSED.filter(({ applies }) => applies(config)).map(({ text }) => text);
}
