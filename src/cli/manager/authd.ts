/**
 * `cyb3rhq authd`: for who has the peer's `ossec-authd` or `wazuh-authd` in scripts and notes. Enrollment is a part of the manager here and
 * no program to start: this looks at the options as the peer does, says what they are in ossec.conf, and writes them there when asked.
 */
import { X509Certificate } from "node:crypto";
import { readManagerConfig } from "#config/manager-config.ts";
import type { HomePaths } from "#daemons/home.ts";
import { errorLines } from "#daemons/settings.ts";
import { keyPem, makeKeys, makeSelfSigned, type NamePart } from "#kernel/certificates/maker.ts";
import { CodedError, messageOf } from "#kernel/errors.ts";
import { systemRandom } from "#kernel/platform/random.ts";
import { utf8Bytes } from "../bytes.ts";
import { type Environment, EXIT_FAILURE, EXIT_OK } from "../environment.ts";
import { existingHome } from "./agent-files.ts";
import { demandWritable, withBlock, withoutBlock, writeConfig } from "./written-block.ts";

/** Of `<auth>`: the element and the text that the command line wants there. */
export type AuthSetting = readonly [element: string, text: string];

export type AuthdOptions = {
  readonly home?: string;
  readonly settings: readonly AuthSetting[];
  readonly testOnly: boolean;
  readonly write: boolean;
  /** Letters that the peer takes no more, in their order. */
  readonly deprecated: readonly string[];
};

const COMMAND = "cyb3rhq authd --write";

export function configureAuthd(environment: Environment, options: AuthdOptions): number {
  for (const letter of options.deprecated) say(environment, deprecation(letter));
  const paths = existingHome(environment, options.home);
  const text = environment.files.read(paths.config).toString("latin1");
  const errors = errorLines(readManagerConfig(text, paths.config).problems);
  if (errors.length > 0) throw new CodedError("config_invalid", errors.join("\n"));
  checkSettings(environment, options.settings);
  if (options.testOnly) return EXIT_OK;
  const missing = missingSettings(text, paths, options.settings);
  if (missing.length === 0) {
    print(environment, `${paths.config} says all of this; enrollment is a part of the running manager`);
    return EXIT_OK;
  }
  if (options.write) return write(environment, paths, text, options.settings);
  print(
    environment,
    `Enrollment is a part of the manager and reads its options from ${paths.config}. These are not there yet:`,
    ...missing.map(settingLine),
    "Put them into <auth>, or call this again with --write; then stop and start the manager.",
  );
  return EXIT_FAILURE;
}

function say(environment: Environment, text: string): void {
  environment.stderr.write(utf8Bytes(`cyb3rhq: ${text}\n`));
}

function print(environment: Environment, ...lines: readonly string[]): void {
  environment.stdout.write(utf8Bytes(`${lines.join("\n")}\n`));
}

/** wazuh v4.14.7: src/os_auth/main-server.c. */
function deprecation(letter: string): string {
  return letter === "L"
    ? "This option no longer applies. The agent limit has been removed."
    : `Option '-${letter}' is deprecated. Configure it in the file 'etc/ossec.conf'.`;
}

function settingLine([element, text]: AuthSetting): string {
  return `    <${element}>${text}</${element}>`;
}

const CERTIFICATE_FILES = new Set(["ssl_agent_ca", "ssl_manager_cert"]);

/** The manager would not start with them. */
function checkSettings(environment: Environment, settings: readonly AuthSetting[]): void {
  for (const [element, text] of settings) {
    demandWritable(element, text);
    if (!CERTIFICATE_FILES.has(element)) continue;
    const bytes = environment.files.read(text);
    try {
      new X509Certificate(bytes);
    } catch (error) {
      throw new CodedError("certificate_unusable", `${text} is no certificate: ${messageOf(error)}`);
    }
  }
}

/** Those that change what is read: an option that says what holds already is not missing. */
function missingSettings(
  text: string,
  { config: path }: HomePaths,
  settings: readonly AuthSetting[],
): readonly AuthSetting[] {
  const now = JSON.stringify(readManagerConfig(text, path).config.auth);
  return [["disabled", "no"] as const, ...settings].filter((setting) => {
    const { config } = readManagerConfig(withBlock(text, COMMAND, authLines([setting])), path);
    return JSON.stringify(config.auth) !== now;
  });
}

function authLines(settings: readonly AuthSetting[]): readonly string[] {
  return ["  <auth>", ...settings.map(settingLine), "  </auth>"];
}

function write(
  environment: Environment,
  { config: path }: HomePaths,
  text: string,
  settings: readonly AuthSetting[],
): number {
  const block = authLines([["disabled", "no"], ...settings]);
  writeConfig(environment, path, withBlock(withoutBlock(text, COMMAND), COMMAND, block));
  print(environment, `Written into ${path}. Stop and start the manager: it reads this file when it starts.`);
  return EXIT_OK;
}

export type CertificateOrder = {
  readonly days: number;
  readonly bits: number;
  readonly key: string;
  readonly certificate: string;
  readonly subject: string;
};

const DAY_MS = 86_400_000;
const KEY_PERMISSIONS = 0o640;
const CERTIFICATE_PERMISSIONS = 0o644;

/** The pair that `-C -B -K -X -S` of the peer's makes: RSA, an authority of its own. */
export async function makeManagerPair(environment: Environment, order: CertificateOrder): Promise<number> {
  const { files, clock } = environment;
  for (const path of [order.key, order.certificate]) {
    if (files.info(path) === null) continue;
    throw new CodedError("certificate_exists", `${path} exists already and is not written over`);
  }
  const keys = await makeKeys({ kind: "rsa", bits: order.bits });
  const nowMs = clock.wallMs();
  const details = {
    role: "manager",
    name: subjectParts(order.subject),
    alternativeNames: [],
    notBeforeMs: nowMs,
    notAfterMs: nowMs + order.days * DAY_MS,
  } as const;
  const certificate = await makeSelfSigned(details, keys, systemRandom);
  files.replace(order.key, Buffer.from(keyPem(keys)), KEY_PERMISSIONS);
  files.replace(order.certificate, Buffer.from(certificate), CERTIFICATE_PERMISSIONS);
  return EXIT_OK;
}

const NAME_TYPES = new Set(["C", "ST", "L", "O", "OU", "CN"]);

/** `/C=US/ST=California/CN=Wazuh/` */
function subjectParts(subject: string): readonly NamePart[] {
  const parts = subject.split("/").filter((part) => part !== "");
  return parts.map((part): NamePart => {
    const equalsAt = part.indexOf("=");
    const type = part.slice(0, equalsAt);
    const value = part.slice(equalsAt + 1);
    if (equalsAt > 0 && NAME_TYPES.has(type) && value !== "") return [type, value];
    throw new CodedError(
      "argument_invalid",
      `'${subject}' is no subject such as /C=US/ST=California/CN=manager/`,
    );
  });
}
