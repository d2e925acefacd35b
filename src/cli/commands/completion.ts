/** `cyb3rhq completion`: options and help; completion/scripts.ts writes the script. */
import { Argument, type Command } from "commander";
import { type Environment, EXIT_OK } from "../environment.ts";

/** What completion/scripts.ts has a script for. */
const SHELL_NAMES = ["bash", "zsh", "fish"] as const;

const HELP = `
bash: source <(cyb3rhq completion bash)    zsh: source <(cyb3rhq completion zsh)    fish: cyb3rhq completion fish | source

Exit codes: 0 printed, 2 wrong use of the command line.`;

export function register(program: Command, environment: Environment): void {
  program
    .command("completion")
    .description("print a completion script for a shell")
    .addArgument(new Argument("<shell>", "the shell").choices(SHELL_NAMES))
    .addHelpText("after", HELP)
    .action(async (shell: (typeof SHELL_NAMES)[number]) => {
      const { completionScript } = await import("../completion/scripts.ts");
      const { placesOf } = await import("../completion/command-tree.ts");
      environment.stdout.write(completionScript(shell, placesOf(program)));
      environment.exitCode = EXIT_OK;
    });
}
