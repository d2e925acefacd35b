/** `cyb3rhq version` */
import type { Command } from "commander";
import { type Environment, EXIT_OK } from "../environment.ts";
import { programVersion } from "../program-version.ts";

/** Whose agents, rule sets and files work with this program. */
const COMPATIBLE_VERSION = "4.14.7";

function printVersion(environment: Environment, json: boolean): void {
  const version = programVersion(environment.files);
  const text = json
    ? JSON.stringify({
        name: "cyb3rhq",
        version,
        compatible: COMPATIBLE_VERSION,
        node: process.versions.node,
      })
    : `cyb3rhq ${version} (compatible with ${COMPATIBLE_VERSION})`;
  environment.stdout.write(`${text}\n`);
  environment.exitCode = EXIT_OK;
}

export function register(program: Command, environment: Environment): void {
  program
    .command("version")
    .description("print the version of the program")
    .option("--json", "as a JSON object: name, version, compatible, node")
    .action(({ json }: { readonly json?: boolean }) => printVersion(environment, json === true));
}
