/**
 * `etc/shared/ar.conf`: what agents and this host may be told to run, by name. Every agent gets it with the shared configuration
 * (wazuh v4.14.7: src/analysisd/active-response.c).
 */
import type { ActiveResponse } from "#config/sections/response.ts";
import type { Files } from "#kernel/ports/files.ts";

export const AR_CONF_PATH = "etc/shared/ar.conf";
const AR_CONF_MODE = 0o640;

/** Always there: restarting the agent. */
const RESTARTS: readonly string[] = [
  "restart-ossec0 - restart-ossec.sh - 0",
  "restart-ossec0 - restart-ossec.cmd - 0",
  "restart-wazuh0 - restart-ossec.sh - 0",
  "restart-wazuh0 - restart-ossec.cmd - 0",
  "restart-wazuh0 - restart-wazuh - 0",
  "restart-wazuh0 - restart-wazuh.exe - 0",
];

export function arConf(responses: readonly ActiveResponse[]): string {
  const lines = responses.map(
    ({ command, timeoutSeconds }) =>
      `${command.name}${timeoutSeconds} - ${command.executable} - ${timeoutSeconds}`,
  );
  return `${[...RESTARTS, ...lines].join("\n")}\n`;
}

/** Replaces the file whole. Throws `CodedError`. */
export function writeArConf(files: Files, home: string, responses: readonly ActiveResponse[]): void {
  files.replace(`${home}/${AR_CONF_PATH}`, Buffer.from(arConf(responses), "latin1"), AR_CONF_MODE);
}
