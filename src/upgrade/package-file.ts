/** Takes a package into the manager's keeping: checked whole, and copied under the name of its sum, so that nobody changes it while it is sent. */
import { createHash } from "node:crypto";
import {
  parseCertificates,
  splitWpk,
  unpackWpk,
  verifyWpk,
  WPK_BYTES_MAX,
  WPK_FAILURE_TEXTS,
} from "#formats/wpk/wpk.ts";
import { CodedError } from "#kernel/errors.ts";
import type { Files } from "#kernel/ports/files.ts";

/** As agents name the file; they refuse paths, and old ones split at blanks. */
const FILE_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/;

export type UpgradePackage = {
  readonly name: string;
  readonly sha1: string;
  readonly bytes: number;
  /** Names in it that have no folder: one of them is run on the agent. */
  readonly scripts: readonly string[];
};

/** `code` and `text` tell the user. */
export type PackageOutcome =
  | { readonly ok: true; readonly package: UpgradePackage }
  | { readonly ok: false; readonly code: string; readonly text: string };

export type PackageRequest = {
  readonly path: string;
  /** PEM with the roots that sign packages. */
  readonly authorities: string;
  readonly directory: string;
  readonly nowMs: number;
};

/** Scripts are few; the files behind them are in folders or have other names. */
const SCRIPTS_MAX = 64;

export function packagePath(directory: string, sha1: string): string {
  return `${directory}/${sha1}.wpk`;
}

export function takePackage(files: Files, request: PackageRequest): PackageOutcome {
  try {
    return take(files, request);
  } catch (error) {
    if (!(error instanceof CodedError)) throw error;
    return refused(error.code, error.message);
  }
}

function take(files: Files, { path, authorities, directory, nowMs }: PackageRequest): PackageOutcome {
  const name = path.slice(path.lastIndexOf("/") + 1);
  if (!FILE_NAME.test(name)) {
    return refused("name_refused", `Agents take no file named '${name}': letters, digits, '.', '_' and '-'`);
  }
  const info = files.info(path);
  if (info?.kind !== "file") return refused("file_missing", `The WPK file does not exist: ${path}`);
  if (info.bytes > WPK_BYTES_MAX) {
    return refused("file_too_large", `${path} is larger than ${WPK_BYTES_MAX} bytes`);
  }
  if (files.info(authorities) === null) {
    const text = `No root certificate of packages at ${authorities}; put the one there that your agents have as etc/wpk_root.pem`;
    return refused("authority_missing", text);
  }
  const trusted = parseCertificates(files.read(authorities).toString("latin1"));
  if (trusted === null) return refused("authority_unreadable", `No certificate in ${authorities}`);
  const bytes = files.read(path);
  const split = splitWpk(bytes);
  if (!split.ok) return refused(split.code, WPK_FAILURE_TEXTS[split.code]);
  const failure = verifyWpk(split.parts, { authorities: trusted, nowMs });
  if (failure !== null) return refused(failure, WPK_FAILURE_TEXTS[failure]);
  const content = unpackWpk(split.parts.content);
  if (!content.ok) return refused(content.code, WPK_FAILURE_TEXTS[content.code]);
  const sha1 = createHash("sha1").update(bytes).digest("hex");
  files.makeDirectory(directory);
  files.replace(packagePath(directory, sha1), bytes);
  const scripts = content.entries.map(({ path: entry }) => entry).filter((entry) => !entry.includes("/"));
  return { ok: true, package: { name, sha1, bytes: bytes.length, scripts: scripts.slice(0, SCRIPTS_MAX) } };
}

function refused(code: string, text: string): PackageOutcome {
  return { ok: false, code, text };
}
