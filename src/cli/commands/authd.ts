/** `cyb3rhq authd`: the options of the peer's program of that name; manager/authd.ts does it. */
import { resolve } from "node:path";
import { type Command, Option } from "commander";
import { type Environment, EXIT_OK } from "../environment.ts";
import type { AuthSetting } from "../manager/authd.ts";
import { HOME_HELP, HOME_OPTION } from "../manager/home-choice.ts";
import { numberBetween } from "../number-between.ts";
import { programVersion } from "../program-version.ts";

const HELP = `
Enrollment runs in the manager ('cyb3rhq start'). Without --write nothing is changed.
Certificate maker: -C, -B, -K, -X and -S make a self-signed pair and end.
Exit codes: 0 ossec.conf says all of this, 1 it does not or it cannot be, 2 wrong use of the command line.`;

const PORT_MAX = 65_535;
const DAYS_MAX = 36_500;
const RSA_BITS_MIN = 2048;
const RSA_BITS_MAX = 8192;
const DEPRECATED = ["i", "F", "r", "L"] as const;

/** By the letters that the peer gives them; what is missing was not written. */
type Written = {
  readonly home?: string;
  readonly write?: boolean;
  readonly p?: number;
  readonly P?: boolean;
  readonly c?: string;
  readonly v?: string;
  readonly s?: boolean;
  readonly x?: string;
  readonly k?: string;
  readonly a?: boolean;
  readonly D?: string;
  readonly t?: boolean;
  readonly V?: boolean;
  readonly C?: number;
  readonly B?: number;
  readonly K?: string;
  readonly X?: string;
  readonly S?: string;
} & { readonly [Letter in (typeof DEPRECATED)[number]]?: string | boolean };

export function register(program: Command, environment: Environment): void {
  const command = program
    .command("authd")
    .aliases(["ossec-authd", "cyb3rhq-authd"])
    .description("options of the peer's enrollment program: check them, and write them into ossec.conf")
    .option(HOME_OPTION, HOME_HELP)
    .option("--write", "write the options into ossec.conf")
    .option("-p <port>", "TCP port", numberBetween(1, PORT_MAX))
    .option("-P", "ask for the password of etc/authd.pass")
    .option("-c <ciphers>", "TLS ciphers in OpenSSL's notation")
    .option("-v <file>", "authority that agents' certificates must be of")
    .option("-s", "agents' certificates must name their address; with -v")
    .option("-x <file>", "the manager's certificate")
    .option("-k <file>", "the key of that certificate")
    .option("-a", "also TLS 1.0 and 1.1")
    .option("-D <directory>", "the same as --home")
    .option("-t", "check options and ossec.conf only")
    .option("-V", "print the version")
    .option("-C <days>", "certificate maker: days of validity", numberBetween(1, DAYS_MAX))
    .option("-B <bits>", "certificate maker: size of the RSA key", numberBetween(RSA_BITS_MIN, RSA_BITS_MAX))
    .option("-K <file>", "certificate maker: file for the key")
    .option("-X <file>", "certificate maker: file for the certificate")
    .option("-S <subject>", "certificate maker: subject, such as /C=US/ST=California/CN=manager/");
  for (const flags of ["-d", "-f", "-g <group>", "-i", "-F <time>", "-r <time>", "-L"]) {
    command.addOption(new Option(flags, "has no effect").hideHelp());
  }
  command.addHelpText("after", HELP).action(async (written: Written) => {
    environment.exitCode = await run(environment, written, command);
  });
}

async function run(environment: Environment, written: Written, command: Command): Promise<number> {
  if (written.V === true) {
    environment.stdout.write(`cyb3rhq-authd ${programVersion(environment.files)}\n`);
    return EXIT_OK;
  }
  const { configureAuthd, makeManagerPair } = await import("../manager/authd.ts");
  const { C: days, B: bits, K: key, X: certificate, S: subject } = written;
  const order = [days, bits, key, certificate, subject];
  if (order.some((value) => value !== undefined)) {
    if (
      days === undefined ||
      bits === undefined ||
      key === undefined ||
      certificate === undefined ||
      subject === undefined
    ) {
      return command.error("error: the certificate maker needs all of -C, -B, -K, -X and -S");
    }
    return await makeManagerPair(environment, { days, bits, key, certificate, subject });
  }
  const home = written.D ?? written.home;
  return configureAuthd(environment, {
    ...(home === undefined ? {} : { home }),
    settings: settingsOf(written),
    testOnly: written.t === true,
    write: written.write === true,
    deprecated: DEPRECATED.filter((letter) => written[letter] !== undefined),
  });
}

function settingsOf({ p, P, c, v, s, x, k, a }: Written): readonly AuthSetting[] {
  const yes = (given: boolean | undefined) => (given === true ? "yes" : undefined);
  const file = (path: string | undefined) => (path === undefined ? undefined : resolve(path));
  const texts = {
    port: p === undefined ? undefined : String(p),
    use_password: yes(P),
    ciphers: c,
    ssl_agent_ca: file(v),
    ssl_verify_host: yes(s),
    ssl_manager_cert: file(x),
    ssl_manager_key: file(k),
    ssl_auto_negotiate: yes(a),
  };
  return Object.entries(texts).flatMap(([element, text]): AuthSetting[] =>
    text === undefined ? [] : [[element, text]],
  );
}
