/** `cyb3rhq agents certificate root|issue|sign|renew|list`: options and help; manager/certificates.ts does it. */
import { type Command, InvalidArgumentError, Option } from "commander";
import type { Environment } from "../environment.ts";
import { HOME_HELP, HOME_OPTION } from "../manager/home-choice.ts";

const HELP = `
Files are in etc/agent-certificates of the home; none is written over but by renew.
Exit codes: 0 done, 1 it could not be done, 2 wrong use of the command line.`;

const DAYS_OPTION = "--days <number>";
const DAYS_MAX = 36_500;
const AGENT_DAYS = 365;
const ROOT_DAYS = 3650;
const WITHIN_DAYS = 30;

type Common = { readonly home?: string };
type Days = Common & { readonly days: number };
type Names = { readonly ip: readonly string[]; readonly dns: readonly string[] };

function days(text: string): number {
  const value = Number(text);
  if (/^[0-9]{1,5}$/.test(text) && value >= 1 && value <= DAYS_MAX) return value;
  throw new InvalidArgumentError(`expected a number of days from 1 to ${DAYS_MAX}`);
}

function collect(value: string, earlier: readonly string[]): readonly string[] {
  return [...earlier, value];
}

function repeated(flags: string, description: string): Option {
  return new Option(flags, `${description}; may be repeated`).argParser(collect).default([], "none");
}

function named(command: Command): Command {
  return command
    .addOption(repeated("--ip <address>", "address that ssl_verify_host may find the agent at"))
    .addOption(repeated("--dns <name>", "host name for the certificate"));
}

export function registerCertificates(agents: Command, environment: Environment): void {
  const certificate = agents
    .command("certificate")
    .description("certificates that agents enrol with (ssl_agent_ca), of an authority of this manager's own");
  registerMakers(certificate, environment);
  certificate
    .command("renew")
    .description("a new certificate for the same key and names; with --all for each that expires soon")
    .argument("[name]", "name of the agent")
    .option(HOME_OPTION, HOME_HELP)
    .option("--all", "every agent's certificate that expires soon")
    .option("--within <days>", "with --all: how soon", days, WITHIN_DAYS)
    .option(DAYS_OPTION, "how long it is valid", days, AGENT_DAYS)
    .addHelpText("after", HELP)
    .action(
      async (
        name: string | undefined,
        options: Days & { readonly all?: boolean; readonly within: number },
        command: Command,
      ) => {
        if ((name === undefined) !== (options.all === true))
          command.error("error: give either a name or --all");
        const { renewCertificate, renewExpiring } = await import("../manager/certificates.ts");
        environment.exitCode = await (name === undefined
          ? renewExpiring(environment, options)
          : renewCertificate(environment, name, options));
      },
    );
  certificate
    .command("list")
    .description("the root's and every agent's certificate with its expiry")
    .option(HOME_OPTION, HOME_HELP)
    .option("--json", "one JSON array")
    .addHelpText("after", HELP)
    .action(async (options: Common & { readonly json?: boolean }) => {
      const { listCertificates } = await import("../manager/certificates.ts");
      environment.exitCode = listCertificates(environment, { ...options, json: options.json === true });
    });
}

function registerMakers(certificate: Command, environment: Environment): void {
  certificate
    .command("root")
    .description("make the root certificate and its key, once")
    .option(HOME_OPTION, HOME_HELP)
    .option(DAYS_OPTION, "how long it is valid", days, ROOT_DAYS)
    .addHelpText("after", HELP)
    .action(async (options: Days) => {
      const { makeRoot } = await import("../manager/certificates.ts");
      environment.exitCode = await makeRoot(environment, options);
    });
  named(certificate.command("issue"))
    .description("make a key and a certificate for an agent")
    .argument("<name>", "name of the agent")
    .option(HOME_OPTION, HOME_HELP)
    .option(DAYS_OPTION, "how long it is valid", days, AGENT_DAYS)
    .addHelpText("after", HELP)
    .action(async (name: string, options: Days & Names) => {
      const { issueCertificate } = await import("../manager/certificates.ts");
      environment.exitCode = await issueCertificate(environment, name, options);
    });
  named(certificate.command("sign"))
    .description("make a certificate from a signing request, whose key stays on the agent")
    .requiredOption("--csr <file>", "the request, PKCS #10 in PEM")
    .option("--name <name>", "name of the agent (default: the request's common name)")
    .option(HOME_OPTION, HOME_HELP)
    .option(DAYS_OPTION, "how long it is valid", days, AGENT_DAYS)
    .addHelpText("after", HELP)
    .action(async (options: Days & Names & { readonly csr: string; readonly name?: string }) => {
      const { signRequest } = await import("../manager/certificates.ts");
      environment.exitCode = await signRequest(environment, options);
    });
}
