/** Makes and checks packages that agents upgrade themselves from: `wpk pack|verify|show`. No manager is needed. */
import { hash } from "node:crypto";
import { compareMergedPaths, type MergedEntry } from "#formats/merged-mg/merged-mg.ts";
import {
  packWpk,
  parseCertificates,
  splitWpk,
  unpackWpk,
  verifyWpk,
  WPK_CONTENT_BYTES_MAX,
  WPK_FAILURE_TEXTS,
  type WpkFailureCode,
  type WpkParts,
} from "#formats/wpk/wpk.ts";
import { CodedError } from "#kernel/errors.ts";
import type { Files } from "#kernel/ports/files.ts";
import { utf8Bytes } from "../bytes.ts";
import { type Environment, EXIT_FAILURE, EXIT_OK } from "../environment.ts";

/** Files of one package; a folder that has more is not meant to be one. */
const FILES_MAX = 10_000;

function refusal(code: WpkFailureCode): CodedError {
  return new CodedError(code, WPK_FAILURE_TEXTS[code]);
}

function readParts(files: Files, path: string): { readonly bytes: Buffer; readonly parts: WpkParts } {
  const bytes = files.read(path);
  const split = splitWpk(bytes);
  if (!split.ok) throw refusal(split.code);
  return { bytes, parts: split.parts };
}

export type PackOptions = {
  readonly directory: string;
  readonly certificate: string;
  readonly key: string;
  readonly out: string;
};

export function packPackage({ files, stdout }: Environment, options: PackOptions): number {
  const paths = pathsBelow(files, options.directory, "").sort(compareMergedPaths);
  if (paths.length === 0) throw new CodedError("package_empty", `There is no file in ${options.directory}`);
  const entries = paths.map(
    (path): MergedEntry => ({ path, bytes: files.read(`${options.directory}/${path}`) }),
  );
  const bytes = entries.reduce((sum, entry) => sum + entry.bytes.length, 0);
  if (bytes > WPK_CONTENT_BYTES_MAX) throw refusal("content_too_large");
  const certificate = files.read(options.certificate).toString("latin1");
  const wpk = packWpk(entries, { certificate, key: files.read(options.key).toString("latin1") });
  if (wpk === null) {
    const text = "The key must be an RSA key of 2,048 bits in PEM, and the certificate the one of that key";
    throw new CodedError("signer_invalid", text);
  }
  files.replace(options.out, wpk);
  stdout.write(
    utf8Bytes(`${options.out}: ${entries.length} files, ${wpk.length} bytes, SHA-1 ${hash("sha1", wpk)}\n`),
  );
  return EXIT_OK;
}

function pathsBelow(files: Files, directory: string, prefix: string): string[] {
  const found: string[] = [];
  for (const { name, kind } of files.list(directory)) {
    if (kind === "directory") found.push(...pathsBelow(files, `${directory}/${name}`, `${prefix}${name}/`));
    else if (kind === "file") found.push(prefix + name);
    if (found.length > FILES_MAX)
      throw new CodedError("package_large", `More than ${FILES_MAX} files in ${directory}`);
  }
  return found;
}

export type VerifyOptions = { readonly path: string; readonly authorities: string; readonly json?: boolean };

export function verifyPackage({ clock, files, stdout, stderr }: Environment, options: VerifyOptions): number {
  const authorities = parseCertificates(files.read(options.authorities).toString("latin1"));
  if (authorities === null)
    throw new CodedError("authority_unreadable", `No certificate in ${options.authorities}`);
  const split = splitWpk(files.read(options.path));
  const code = split.ok ? verifyWpk(split.parts, { authorities, nowMs: clock.wallMs() }) : split.code;
  if (options.json) stdout.write(`${JSON.stringify({ verified: code === null, code })}\n`);
  else if (code === null) stdout.write(utf8Bytes(`${options.path}: signed by a trusted signer\n`));
  else stderr.write(`cyb3rhq: ${WPK_FAILURE_TEXTS[code]}\n`);
  return code === null ? EXIT_OK : EXIT_FAILURE;
}

export function showPackage(
  { files, stdout }: Environment,
  { path, json }: { readonly path: string; readonly json?: boolean },
): number {
  const { bytes, parts } = readParts(files, path);
  const [signer] = parseCertificates(parts.certificate) ?? [];
  if (signer === undefined) throw refusal("certificate_unreadable");
  const content = unpackWpk(parts.content);
  if (!content.ok) throw refusal(content.code);
  const entries = content.entries.map((entry) => ({ path: entry.path, bytes: entry.bytes.length }));
  const { subject, issuer, validFrom, validTo } = signer;
  const about = { sha1: hash("sha1", bytes), bytes: bytes.length, subject, issuer, validFrom, validTo };
  if (json) {
    stdout.write(utf8Bytes(`${JSON.stringify({ ...about, files: entries })}\n`));
    return EXIT_OK;
  }
  const oneLine = (text: string) => text.replaceAll("\n", ", ");
  stdout.write(utf8Bytes(`SHA-1 ${about.sha1}, ${about.bytes} bytes\n`));
  stdout.write(
    utf8Bytes(`signer ${oneLine(subject)}; issuer ${oneLine(issuer)}; ${validFrom} to ${validTo}\n`),
  );
  for (const entry of entries) stdout.write(`${String(entry.bytes).padStart(10)} ${entry.path}\n`);
  stdout.write("The signature was not checked: 'cyb3rhq wpk verify' does that\n");
  return EXIT_OK;
}
