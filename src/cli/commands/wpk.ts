/** `cyb3rhq wpk pack|verify|show`: options and help; manager/wpk.ts does it. */
import type { Command } from "commander";
import type { Environment } from "../environment.ts";

const HELP = `
Exit codes: 0 done or verified, 1 not, 2 wrong use of the command line.`;

export function register(program: Command, environment: Environment): void {
  const wpk = program.command("wpk").description("make and check packages that agents are upgraded with");
  wpk
    .command("pack")
    .description("make a signed package of a folder; it holds upgrade.sh or upgrade.bat, which agents run")
    .argument("<directory>", "the folder")
    .requiredOption("--cert <file>", "certificate of the signer, PEM")
    .requiredOption("--key <file>", "its private key: RSA with 2,048 bits, PEM")
    .requiredOption("--out <file>", "the package, such as wazuh_agent_v4.14.7_linux_x86_64.deb.wpk")
    .addHelpText("after", HELP)
    .action(
      async (
        directory: string,
        options: { readonly cert: string; readonly key: string; readonly out: string },
      ) => {
        const { packPackage } = await import("../manager/wpk.ts");
        const { cert: certificate, key, out } = options;
        environment.exitCode = packPackage(environment, { directory, certificate, key, out });
      },
    );
  wpk
    .command("verify")
    .description("check the signature of a package, as agents do")
    .argument("<file>", "the package")
    .requiredOption("--ca <file>", "roots that sign packages, PEM; agents have theirs in etc/wpk_root.pem")
    .option("--json", "one JSON object: verified, code")
    .addHelpText("after", HELP)
    .action(async (path: string, options: { readonly ca: string; readonly json?: boolean }) => {
      const { verifyPackage } = await import("../manager/wpk.ts");
      environment.exitCode = verifyPackage(environment, { path, authorities: options.ca, ...options });
    });
  wpk
    .command("show")
    .description("print signer and files of a package, unchecked")
    .argument("<file>", "the package")
    .option("--json", "one JSON object: sha1, subject, files, …")
    .addHelpText("after", HELP)
    .action(async (path: string, options: { readonly json?: boolean }) => {
      const { showPackage } = await import("../manager/wpk.ts");
      environment.exitCode = showPackage(environment, { path, ...options });
    });
}
