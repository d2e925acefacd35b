/** `cyb3rhq agent-auth`: options and help; manager/agent-auth.ts does it. */
import type { Command } from "commander";
import { DEFAULT_CIPHERS } from "#config/sections/auth.ts";
import type { Environment } from "../environment.ts";
import type { AgentAuthOptions } from "../manager/agent-auth.ts";
import { numberBetween } from "../number-between.ts";
import { programVersion } from "../program-version.ts";

const HELP = `
Writes etc/client.keys of the agent's directory. Lines go to stderr, as those of the peer's agent-auth.
Exit codes: 0 a key was stored, 1 it was not, 2 wrong use of the command line.`;

const PORT = 1515;
const PORT_MAX = 65_535;
const DIRECTORY = "/var/ossec";

/** By the letters that the peer gives them; what is missing was not written. */
type Written = {
  readonly m?: string;
  readonly p: number;
  readonly n: number;
  readonly A?: string;
  readonly c: string;
  readonly v?: string;
  readonly x?: string;
  readonly k?: string;
  readonly P?: string;
  readonly a?: boolean;
  readonly G?: string;
  readonly I?: string;
  readonly i?: boolean;
  readonly D: string;
  readonly d?: boolean;
  readonly t?: boolean;
  readonly V?: boolean;
};

export function register(program: Command, environment: Environment): void {
  program
    .command("agent-auth")
    .description("enrol the agent of this host with a manager, as the peer's program of that name")
    .option("-m <address>", "manager's address or name")
    .option("-p <port>", "its port", numberBetween(1, PORT_MAX), PORT)
    .option("-n <index>", "network interface of a link-local IPv6 address", numberBetween(0, 2 ** 31 - 1), 0)
    .option("-A <name>", "agent's name (default: the host's)")
    .option("-G <groups>", "groups, with commas between them")
    .option("-I <address>", "address to register")
    .option("-i", "register the address that the manager sees")
    .option("-P <password>", "enrollment password (default: the first line of etc/authd.pass)")
    .option("-v <file>", "authority that the manager's certificate must be of")
    .option("-x <file>", "certificate to show")
    .option("-k <file>", "key of that certificate")
    .option("-c <ciphers>", "TLS ciphers in OpenSSL's notation", DEFAULT_CIPHERS)
    .option("-a", "also TLS 1.0 and 1.1")
    .option("-D <directory>", "the agent's directory", DIRECTORY)
    .option("-g <group>", "has no effect: the key file keeps the group of the user")
    .option("-d", "say more; may be repeated")
    .option("-t", "look at the options only")
    .option("-V", "print the version")
    .addHelpText("after", HELP)
    .action(async (written: Written) => {
      if (written.V === true) {
        environment.stdout.write(`agent-auth ${programVersion(environment.files)}\n`);
        return;
      }
      const { enrollAgent } = await import("../manager/agent-auth.ts");
      environment.exitCode = await enrollAgent(environment, optionsOf(written));
    });
}

function optionsOf(written: Written): AgentAuthOptions {
  const { m, A, v, x, k, P, G, I } = written;
  return {
    ...(m === undefined ? {} : { manager: m }),
    ...(A === undefined ? {} : { name: A }),
    ...(v === undefined ? {} : { authority: v }),
    ...(x === undefined ? {} : { certificate: x }),
    ...(k === undefined ? {} : { key: k }),
    ...(P === undefined ? {} : { password: P }),
    ...(G === undefined ? {} : { groups: G }),
    ...(I === undefined ? {} : { address: I }),
    port: written.p,
    interfaceIndex: written.n,
    ciphers: written.c,
    directory: written.D,
    oldTlsVersions: written.a === true,
    useSourceIp: written.i === true,
    debug: written.d === true,
    testOnly: written.t === true,
  };
}
