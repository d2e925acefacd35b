/** `cyb3rhq cluster haproxy check`: options and help; cluster/haproxy-check.ts does it. */
import type { Command } from "commander";
import type { Environment } from "../environment.ts";
import { HOME_HELP, HOME_OPTION } from "../manager/home-choice.ts";

const HELP = `
Takes <haproxy_helper> of the home's etc/ossec.conf; the manager need not run. Nothing is changed.
Exit codes: 0 HAProxy can be reached, 1 not, and what to look at; 2 wrong use of the command line.`;

export function registerHaproxy(cluster: Command, environment: Environment): void {
  cluster
    .command("haproxy")
    .description("the balancer that the HAProxy helper works with")
    .command("check")
    .description("whether the helper's options reach HAProxy, and which servers it has")
    .option(HOME_OPTION, HOME_HELP)
    .option("--json", "one JSON object")
    .addHelpText("after", HELP)
    .action(async (options: { readonly home?: string; readonly json?: boolean }) => {
      const { showHaproxy } = await import("../cluster/haproxy-check.ts");
      environment.exitCode = await showHaproxy(environment, options);
    });
}
