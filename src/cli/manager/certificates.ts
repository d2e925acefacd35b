/** `cyb3rhq agents certificate …`: an authority of the manager's own for the certificates that agents enrol with. */
import type { X509Certificate } from "node:crypto";
import {
  type CertificateDetails,
  keyPem,
  makeKeys,
  makeSelfSigned,
  makeSigned,
  publicKeyDer,
  readSigningRequest,
} from "#kernel/certificates/maker.ts";
import { type AlternativeName, alternativeNamesOf, commonNamesOf } from "#kernel/certificates/names.ts";
import { CodedError } from "#kernel/errors.ts";
import { systemRandom } from "#kernel/platform/random.ts";
import { parseIpAddress } from "#model/address.ts";
import { type AgentName, parseAgentName } from "#model/agent.ts";
import { utf8Bytes } from "../bytes.ts";
import { type Environment, EXIT_OK } from "../environment.ts";
import { existingHome } from "./agent-files.ts";
import { CertificateFolder, type StoredCertificate } from "./certificate-folder.ts";

const DAY_MS = 86_400_000;
/** Agents whose clocks are behind must not find it in their future. */
const VALID_BEFORE_DAYS = 1;
const ROOT_NAME = "Cyb3rhq agents root";
/** A request has one key and one name; what is longer is something else. */
const REQUEST_BYTES_MAX = 65_536;
const DNS_NAME = /^(?:\*\.)?[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*$/;
/** From here on `list` says that a certificate expires soon, and `renew --all` renews it. */
export const EXPIRES_SOON_DAYS = 30;

type Common = { readonly home?: string };

function folderOf(environment: Environment, { home }: Common): CertificateFolder {
  return new CertificateFolder(environment.files, existingHome(environment, home).home);
}

function print(environment: Environment, ...lines: readonly string[]): number {
  environment.stdout.write(utf8Bytes(`${lines.join("\n")}\n`));
  return EXIT_OK;
}

function agentName(text: string): AgentName {
  const name = parseAgentName(text);
  if (name !== null && name !== "rootCA") return name;
  throw new CodedError("argument_invalid", `'${text}' is no agent name: 2 to 128 of A-Z a-z 0-9 . _ -`);
}

type Names = { readonly ip: readonly string[]; readonly dns: readonly string[] };

function alternativeNames({ ip, dns }: Names): readonly AlternativeName[] {
  for (const value of ip) {
    if (parseIpAddress(value) === null)
      throw new CodedError("argument_invalid", `'${value}' is no IP address`);
  }
  for (const value of dns) {
    if (!DNS_NAME.test(value)) throw new CodedError("argument_invalid", `'${value}' is no host name`);
  }
  return [
    ...ip.map((value): AlternativeName => ({ type: "ip", value })),
    ...dns.map((value): AlternativeName => ({ type: "dns", value })),
  ];
}

function validity(nowMs: number, days: number): Pick<CertificateDetails, "notBeforeMs" | "notAfterMs"> {
  return { notBeforeMs: nowMs - VALID_BEFORE_DAYS * DAY_MS, notAfterMs: nowMs + days * DAY_MS };
}

function dateOf(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}

export async function makeRoot(
  environment: Environment,
  options: Common & { readonly days: number },
): Promise<number> {
  const folder = folderOf(environment, options);
  folder.requireFree(folder.rootPath, folder.rootKeyPath);
  const keys = await makeKeys({ kind: "ec" });
  const details = {
    role: "authority",
    name: [["CN", ROOT_NAME]],
    alternativeNames: [],
    ...validity(environment.clock.wallMs(), options.days),
  } as const;
  const certificate = await makeSelfSigned(details, keys, systemRandom);
  folder.writePair(
    { certificate: folder.rootPath, key: folder.rootKeyPath },
    { certificate, key: keyPem(keys) },
  );
  return print(
    environment,
    `Root certificate: ${folder.rootPath}, until ${dateOf(details.notAfterMs)}`,
    `Its key, to be kept secret: ${folder.rootKeyPath}`,
    "Enrollment asks agents for certificates of it with this line in <auth> of ossec.conf, after a restart:",
    `  <ssl_agent_ca>${folder.rootPath}</ssl_agent_ca>`,
  );
}

type Signed = { readonly certificate: string; readonly until: string };

/** Never longer than the root itself is valid. */
async function signByRoot(
  environment: Environment,
  folder: CertificateFolder,
  asked: {
    readonly name: string;
    readonly alternativeNames: readonly AlternativeName[];
    readonly days: number;
  },
  publicKey: Buffer,
): Promise<Signed> {
  const { issuer, certificate: root } = folder.root();
  const nowMs = environment.clock.wallMs();
  const { notBeforeMs, notAfterMs } = validity(nowMs, asked.days);
  const rootUntilMs = root.validToDate.getTime();
  if (rootUntilMs <= nowMs) throw new CodedError("root_expired", `${folder.rootPath} has expired`);
  const details = {
    role: "client",
    name: [["CN", asked.name]],
    alternativeNames: asked.alternativeNames,
    notBeforeMs,
    notAfterMs: Math.min(notAfterMs, rootUntilMs),
  } as const;
  const certificate = await makeSigned(details, publicKey, issuer, systemRandom);
  return { certificate, until: dateOf(details.notAfterMs) };
}

type IssueOptions = Common & Names & { readonly days: number };

export async function issueCertificate(
  environment: Environment,
  nameText: string,
  options: IssueOptions,
): Promise<number> {
  const name = agentName(nameText);
  const folder = folderOf(environment, options);
  const paths = { certificate: folder.certificatePath(name), key: folder.keyPath(name) };
  folder.requireFree(paths.certificate, paths.key);
  const asked = { name, alternativeNames: alternativeNames(options), days: options.days };
  const keys = await makeKeys({ kind: "ec" });
  const { certificate, until } = await signByRoot(environment, folder, asked, publicKeyDer(keys));
  folder.writePair(paths, { certificate, key: keyPem(keys) });
  return print(
    environment,
    `Certificate of ${name}: ${paths.certificate}, until ${until}`,
    `Its key, to be kept secret: ${paths.key}`,
    `On the agent, with both files: agent-auth -m MANAGER -A ${name} -x ${name}.cert -k ${name}.key`,
  );
}

export async function signRequest(
  environment: Environment,
  options: IssueOptions & { readonly csr: string; readonly name?: string },
): Promise<number> {
  const folder = folderOf(environment, options);
  const info = environment.files.info(options.csr);
  if (info !== null && info.bytes > REQUEST_BYTES_MAX) throw unusableRequest(options.csr);
  const request = await readSigningRequest(environment.files.read(options.csr).toString("latin1"));
  if (request === null) throw unusableRequest(options.csr);
  const name = agentName(options.name ?? request.commonName ?? "");
  const path = folder.certificatePath(name);
  folder.requireFree(path);
  // Names are the operator's to give: what a request asks for is not taken over.
  const asked = { name, alternativeNames: alternativeNames(options), days: options.days };
  const { certificate, until } = await signByRoot(environment, folder, asked, request.publicKey);
  folder.writeCertificate(path, certificate);
  return print(environment, `Certificate of ${name}: ${path}, until ${until}`);
}

function unusableRequest(path: string): CodedError {
  return new CodedError(
    "request_unusable",
    `${path} is no certificate signing request, or its signature is wrong`,
  );
}

function isOfRoot(certificate: X509Certificate, root: X509Certificate): boolean {
  return certificate.checkIssued(root) && certificate.verify(root.publicKey);
}

async function renew(
  environment: Environment,
  folder: CertificateFolder,
  { certificate: old, path, name }: StoredCertificate,
  days: number,
): Promise<string> {
  if (!isOfRoot(old, folder.root().certificate)) {
    throw new CodedError("certificate_foreign", `${path} is not of ${folder.rootPath}: it is not renewed`);
  }
  const asked = { name: commonNamesOf(old)[0] ?? "", alternativeNames: alternativeNamesOf(old), days };
  const publicKey = old.publicKey.export({ type: "spki", format: "der" });
  const { certificate, until } = await signByRoot(environment, folder, asked, publicKey);
  folder.replaceCertificate(path, certificate);
  return `Certificate of ${name}: ${path}, until ${until}; its key is the old one`;
}

export async function renewCertificate(
  environment: Environment,
  nameText: string,
  options: Common & { readonly days: number },
): Promise<number> {
  const folder = folderOf(environment, options);
  const stored = folder.find(agentName(nameText));
  return print(environment, await renew(environment, folder, stored, options.days));
}

export async function renewExpiring(
  environment: Environment,
  options: Common & { readonly days: number; readonly within: number },
): Promise<number> {
  const folder = folderOf(environment, options);
  const untilMs = environment.clock.wallMs() + options.within * DAY_MS;
  const due = folder
    .all()
    .filter(({ name, certificate }) => name !== null && certificate.validToDate.getTime() <= untilMs);
  const lines: string[] = [];
  for (const stored of due) lines.push(await renew(environment, folder, stored, options.days));
  return print(environment, ...(lines.length === 0 ? ["No certificate is to be renewed yet"] : lines));
}

type Listed = {
  readonly name: string;
  readonly path: string;
  readonly serial: string;
  readonly expires: string;
  readonly daysLeft: number;
  readonly state: "valid" | "expires soon" | "expired" | "not of the root";
};

function listed(
  { name, path, certificate }: StoredCertificate,
  root: X509Certificate | null,
  nowMs: number,
): Listed {
  const leftMs = certificate.validToDate.getTime() - nowMs;
  const daysLeft = Math.floor(leftMs / DAY_MS);
  const foreign = root !== null && !isOfRoot(certificate, root);
  const lasting = daysLeft < EXPIRES_SOON_DAYS ? "expires soon" : "valid";
  return {
    name: name ?? "(root)",
    path,
    serial: certificate.serialNumber.toLowerCase(),
    expires: certificate.validToDate.toISOString(),
    daysLeft,
    state: leftMs <= 0 ? "expired" : foreign ? "not of the root" : lasting,
  };
}

export function listCertificates(
  environment: Environment,
  options: Common & { readonly json: boolean },
): number {
  const stored = folderOf(environment, options).all();
  const nowMs = environment.clock.wallMs();
  const root = stored.find(({ name }) => name === null)?.certificate ?? null;
  const rows = stored.map((one) => listed(one, root, nowMs));
  if (options.json) return print(environment, JSON.stringify(rows));
  if (rows.length === 0)
    return print(environment, "No certificates yet; 'cyb3rhq agents certificate root' begins");
  const head = `${"NAME".padEnd(28)} ${"EXPIRES".padEnd(10)} ${"DAYS".padStart(6)} STATE`;
  return print(
    environment,
    head,
    ...rows.map(
      ({ name, expires, daysLeft, state }) =>
        `${name.padEnd(28)} ${expires.slice(0, 10)} ${String(daysLeft).padStart(6)} ${state}`,
    ),
  );
}
