/** `cyb3rhq-clusterd`, for who has the peer's `wazuh-clusterd` in scripts: the cluster daemon is a part of the manager here. */
import type { Command } from "commander";
import { type Environment, EXIT_FAILURE, EXIT_OK } from "../environment.ts";
import { HOME_HELP, HOME_OPTION } from "../manager/home-choice.ts";
import { programVersion } from "../program-version.ts";

const HELP = `
The manager runs the cluster daemon when <cluster> of etc/ossec.conf is not disabled: 'cyb3rhq start' (-f of the peer)
or 'cyb3rhq control start'. Its debug lines: wazuh_clusterd.debug=1 or 2 in etc/local_internal_options.conf.
Exit codes: 0 the configuration is good, the cluster is disabled, or it runs; 1 it is not, or does not.`;

type Options = { readonly home?: string; readonly t?: boolean; readonly V?: boolean; readonly c?: string };

export function register(program: Command, environment: Environment): void {
  program
    .command("clusterd")
    .aliases(["cyb3rhq-clusterd"])
    .description("the peer's cluster daemon: tests the configuration, says whether it runs")
    .option(HOME_OPTION, HOME_HELP)
    .option("-t", "test the configuration only")
    .option("-c <file>", "with -t: this file instead of etc/ossec.conf")
    .option("-V", "print the version")
    .option("-f", "has no effect")
    .option("-d", "has no effect")
    .option("-r", "has no effect")
    .addHelpText("after", HELP)
    .action(async ({ t: testOnly = false, V: wantsVersion = false, c: file, ...options }: Options) => {
      if (wantsVersion) {
        environment.stdout.write(`cyb3rhq-clusterd ${programVersion(environment.files)}\n`);
        environment.exitCode = EXIT_OK;
        return;
      }
      const { sayClusterState, testClusterConfig } = await import("../cluster/daemon.ts");
      const isGood = testClusterConfig(environment, { ...options, ...(file === undefined ? {} : { file }) });
      if (!isGood) environment.exitCode = EXIT_FAILURE;
      else if (!testOnly) environment.exitCode = await sayClusterState(environment, options.home);
    });
}
