/**
 * `etc/shared/ar.conf`: what agents and this host may be told to run, by name. Every agent gets it with the shared configuration
 * (wazuh v4.14.7: src/analysisd/active-response.c).
 */
import type { ActiveResponse } from "#config/sections/response.ts";
import type { Files } from "#kernel/ports/files.ts";

export const AR_CONF_PATH = "etc/shared/ar.conf";
const AR_CONF_MODE = 0o640;

export type ArCommand = {
  readonly name: string;
  readonly executable: string;
  readonly timeoutSeconds: number;
};

/** Always there: restarting the agent. */
const RESTARTS: readonly ArCommand[] = [
  ["restart-ossec0", "restart-ossec.sh"],
  ["restart-ossec0", "restart-ossec.cmd"],
  ["restart-wazuh0", "restart-ossec.sh"],
  ["restart-wazuh0", "restart-ossec.cmd"],
  ["restart-wazuh0", "restart-wazuh"],
  ["restart-wazuh0", "restart-wazuh.exe"],
].map(([name = "", executable = ""]) => ({ name, executable, timeoutSeconds: 0 }));

/** All that may be run by name; of lines with one name the first with a file counts. */
export function arCommands(responses: readonly ActiveResponse[]): readonly ArCommand[] {
  const configured = responses.map(({ command: { name, executable }, timeoutSeconds }) => ({
    name: `${name}${timeoutSeconds}`,
    executable,
    timeoutSeconds,
  }));
  return [...RESTARTS, ...configured];
}

export function arConf(responses: readonly ActiveResponse[]): string {
  const lines = arCommands(responses).map(
    ({ name, executable, timeoutSeconds }) => `${name} - ${executable} - ${timeoutSeconds}`,
  );
  return `${lines.join("\n")}\n`;
}

/** Replaces the file whole. Throws `CodedError`. */
export function writeArConf(files: Files, home: string, responses: readonly ActiveResponse[]): void {
  files.replace(`${home}/${AR_CONF_PATH}`, Buffer.from(arConf(responses), "latin1"), AR_CONF_MODE);
}
