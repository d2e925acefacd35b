/** Whether an agent may be upgraded with a package, before anything is sent. Pure. */
import type { UpgradeErrorCode } from "./errors.ts";
import type { UpgradableAgent } from "./needs.ts";
import type { UpgradePackage } from "./package-file.ts";
import { compareVersions, parseVersion, type Version } from "./versions.ts";

const MINIMUM: Version = [3, 0, 0];
const MINIMUM_MACOS: Version = [4, 3, 0];
const MANAGER_ID = /^0+$/;
const UNIX_INSTALLER = "upgrade.sh";
const WINDOWS_INSTALLER = "upgrade.bat";

export type UpgradeAim = {
  readonly package: UpgradePackage;
  /** What agents must be then; null when nobody said. */
  readonly version: string | null;
  /** Null for the usual one of the agent's platform. */
  readonly installer: string | null;
  /** Also to a version that is not newer, or newer than the manager. */
  readonly force: boolean;
};

export function installerFor(platform: string, { installer }: UpgradeAim): string {
  return installer ?? (platform === "windows" ? WINDOWS_INSTALLER : UNIX_INSTALLER);
}

/** What agents are to become, and whether to a version that is not newer, or newer than the manager. */
export type VersionAim = Pick<UpgradeAim, "version" | "force">;

/** Null when it may. `agent` null: the registry has none of that id. */
export function refusalOf(
  id: string,
  agent: UpgradableAgent | null,
  aim: UpgradeAim,
  managerVersion: string,
): UpgradeErrorCode | null {
  const refusal = refusalWithout(id, agent, aim, managerVersion);
  if (refusal !== null || agent === null) return refusal;
  return aim.package.scripts.includes(installerFor(agent.platform, aim)) ? null : "wrong_platform";
}

/** The same, before there is a package. */
export function refusalWithout(
  id: string,
  agent: UpgradableAgent | null,
  aim: VersionAim,
  managerVersion: string,
): UpgradeErrorCode | null {
  if (MANAGER_ID.test(id)) return "manager_itself";
  if (agent === null) return "agent_unknown";
  const current = parseVersion(agent.version ?? "");
  if (!agent.active || current === null) return "not_active";
  if (compareVersions(current, agent.platform === "darwin" ? MINIMUM_MACOS : MINIMUM) < 0) {
    return "version_too_old";
  }
  const wanted = parseVersion(aim.version ?? "");
  if (aim.force || wanted === null) return null;
  if (compareVersions(current, wanted) >= 0) return "already_new";
  const manager = parseVersion(managerVersion);
  return manager !== null && compareVersions(wanted, manager) > 0 ? "above_manager" : null;
}
