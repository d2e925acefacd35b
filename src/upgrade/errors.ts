/** Why an agent is not upgraded: the peer's numbers and texts (wazuh v4.14.7: src/wazuh_modules/agent_upgrade/manager). */

export const UPGRADE_ERRORS = {
  agent_unknown: [6, "Agent information not found in database"],
  manager_itself: [7, "Action not available for Manager (agent 000)"],
  not_active: [8, "Agent is not active"],
  wrong_platform: [9, "The WPK for this platform is not available"],
  already_upgrading: [10, "Upgrade procedure could not start. Agent already upgrading"],
  version_too_old: [11, "Remote upgrade is not available for this agent version"],
  already_new: [12, "Current agent version is greater or equal"],
  above_manager: [13, "Upgrading an agent to a version higher than the manager requires the force flag"],
  repository_unreachable: [14, "The repository is not reachable"],
  version_not_in_repository: [15, "The version of the WPK does not exist in the repository"],
  package_missing: [16, "The WPK file does not exist"],
  package_sum_wrong: [17, "The WPK sha1 of the file is not valid"],
  lock_restart: [18, "Send lock restart error"],
  open_file: [19, "Send open file error"],
  write_file: [20, "Send write file error"],
  close_file: [21, "Send close file error"],
  verify_sha1: [22, "Send verify sha1 error"],
  upgrade_command: [23, "Send upgrade command error"],
  failed: [24, "Upgrade procedure exited with error code"],
  missing_dependency: [25, "Upgrade procedure exited with error code, missing dependency in agent"],
} as const satisfies Readonly<Record<string, readonly [number, string]>>;

export type UpgradeErrorCode = keyof typeof UPGRADE_ERRORS;

export function isUpgradeErrorCode(value: unknown): value is UpgradeErrorCode {
  return typeof value === "string" && Object.hasOwn(UPGRADE_ERRORS, value);
}
