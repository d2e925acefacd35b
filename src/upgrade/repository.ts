/**
 * Where a repository has the package for an agent, and what its file `versions` says of it. Pure. The form is the peer's
 * (wazuh v4.14.7: src/wazuh_modules/agent_upgrade/manager/wm_agent_upgrade_validate.c).
 */
import type { UpgradeErrorCode } from "./errors.ts";
import { compareVersions, parseVersion, type Version } from "./versions.ts";

/** Before it packages for Linux stood in a folder for each distribution; none of those is offered any more. */
const FOLDER_BY_ARCHITECTURE: Version = [3, 4, 0];
/** From then on there are packages for deb and for rpm. */
const FOLDER_BY_PACKAGE_TYPE: Version = [4, 9, 0];

const WITHOUT_PACKAGE = new Set(["solaris", "sunos", "aix", "hp-ux", "bsd"]);
const DEB_PLATFORMS = new Set(["debian", "ubuntu"]);
const RPM_PLATFORMS = new Set([
  ...["almalinux", "amzn", "centos", "fedora", "ol", "opensuse", "opensuse-leap", "opensuse-tumbleweed"],
  ...["rhel", "rocky", "sles", "suse"],
]);
const DEB_ARCHITECTURES: ReadonlyMap<string, string> = new Map([
  ["x86_64", "amd64"],
  ["aarch64", "arm64"],
]);
const MACOS_ARCHITECTURES: ReadonlyMap<string, string> = new Map([
  ["x86_64", "intel64"],
  ["aarch64", "arm64"],
]);
/** It is the agent's word and becomes a part of an address. */
const ARCHITECTURE = /^[A-Za-z0-9_]{1,16}$/;
/** As it stands in the names of packages. */
const WRITTEN_VERSION = /^v[0-9]{1,6}\.[0-9]{1,6}\.[0-9]{1,6}$/;
const SHA1 = /^[0-9a-f]{40}$/i;

export type PackageType = "deb" | "rpm";

/** Below the repository's address. `folder` ends in a slash and holds `versions`. */
export type PackagePlace = { readonly folder: string; readonly name: string };

export type PackageWish = {
  /** `v4.14.7`. */
  readonly version: string;
  /** For Linux of a kind that is not known; with `force` for every Linux. */
  readonly packageType: PackageType | null;
  readonly force: boolean;
};

export type PackagedAgent = { readonly platform: string; readonly architecture: string };

export type PlaceOutcome =
  | { readonly ok: true; readonly place: PackagePlace }
  | { readonly ok: false; readonly code: UpgradeErrorCode };

/** `4.14.7` and `v4.14.7` alike become `v4.14.7`; null for anything else. */
export function writtenVersion(text: string): string | null {
  const version = text.startsWith("v") ? text : `v${text}`;
  return WRITTEN_VERSION.test(version) ? version : null;
}

export function placeFor(agent: PackagedAgent, wish: PackageWish): PlaceOutcome {
  const { platform, architecture } = agent;
  const { version } = wish;
  if (platform === "windows") return placeOf("windows/", `wazuh_agent_${version}_windows.wpk`);
  if (WITHOUT_PACKAGE.has(platform) || !ARCHITECTURE.test(architecture)) return none("wrong_platform");
  const numbers = parseVersion(version);
  if (numbers === null || compareVersions(numbers, FOLDER_BY_ARCHITECTURE) < 0) {
    return none("version_not_in_repository");
  }
  const isOld = compareVersions(numbers, FOLDER_BY_PACKAGE_TYPE) < 0;
  if (platform === "darwin") {
    const named = isOld ? architecture : (MACOS_ARCHITECTURES.get(architecture) ?? architecture);
    const folder = isOld ? `macos/${named}/pkg/` : `macos/pkg/${named}/`;
    return placeOf(folder, `wazuh_agent_${version}_macos_${named}${isOld ? "" : ".pkg"}.wpk`);
  }
  if (isOld) return placeOf(`linux/${architecture}/`, `wazuh_agent_${version}_linux_${architecture}.wpk`);
  const type = packageTypeOf(platform, wish);
  if (type === null) return none("wrong_platform");
  const named = type === "deb" ? (DEB_ARCHITECTURES.get(architecture) ?? architecture) : architecture;
  return placeOf(`linux/${type}/${named}/`, `wazuh_agent_${version}_linux_${named}.${type}.wpk`);
}

function placeOf(folder: string, name: string): PlaceOutcome {
  return { ok: true, place: { folder, name } };
}

function none(code: UpgradeErrorCode): PlaceOutcome {
  return { ok: false, code };
}

function packageTypeOf(platform: string, { packageType, force }: PackageWish): PackageType | null {
  if (force && packageType !== null) return packageType;
  if (DEB_PLATFORMS.has(platform)) return "deb";
  return RPM_PLATFORMS.has(platform) ? "rpm" : packageType;
}

/**
 * The address that packages' places follow, with its slash. Without a scheme it is https, or http where that is asked for; null for another
 * scheme, or what is no address.
 */
export function repositoryAddress(text: string, useHttp: boolean): string | null {
  const whole = /^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `${useHttp ? "http" : "https"}://${text}`;
  const url = URL.parse(whole);
  if (url === null || (url.protocol !== "https:" && url.protocol !== "http:")) return null;
  if (url.search !== "" || url.hash !== "") return null;
  return url.href.endsWith("/") ? url.href : `${url.href}/`;
}

/** The peer's, of the version's generation. */
export function usualRepository(version: string): string {
  return `packages.wazuh.com/${parseVersion(version)?.[0] ?? 4}.x/wpk/`;
}

/** Lines of `<version> <sha1>`; null when it has none of `version`. */
export function sha1InVersions(text: string, version: string): string | null {
  const wanted = parseVersion(version);
  for (const line of text.split("\n")) {
    const [name = "", sha1 = ""] = line.trim().split(/\s+/);
    const found = parseVersion(name);
    if (wanted === null || found === null || compareVersions(found, wanted) !== 0) continue;
    if (SHA1.test(sha1)) return sha1.toLowerCase();
  }
  return null;
}
