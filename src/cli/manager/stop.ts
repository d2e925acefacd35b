/** Stops the manager that holds a home directory. */
import { homePaths, lockHolder } from "#daemons/home.ts";
import { utf8Bytes } from "../bytes.ts";
import { type Environment, EXIT_FAILURE, EXIT_OK } from "../environment.ts";
import { homeDirectory } from "./home-choice.ts";
import { signalManager } from "./manager-signal.ts";

/** The manager ends by itself within 10 s. */
const STOP_MS_MAX = 15_000;
const LOOK_PERIOD_MS = 100;

export async function stopManager(environment: Environment, home: string | undefined): Promise<number> {
  const { files, clock, stdout, stderr } = environment;
  const paths = homePaths(homeDirectory(environment, home));
  const holder = lockHolder(files, paths);
  if (holder === null) {
    stdout.write(utf8Bytes(`No manager runs on ${paths.home}\n`));
    return EXIT_OK;
  }
  signalManager(holder, "SIGTERM");
  const untilMs = clock.monotonicMs() + STOP_MS_MAX;
  while (lockHolder(files, paths) !== null) {
    if (clock.monotonicMs() > untilMs) {
      stderr.write(
        `cyb3rhq: the manager (pid ${holder.pid}) has not stopped after ${STOP_MS_MAX / 1000} s\n`,
      );
      return EXIT_FAILURE;
    }
    await new Promise<void>((resolve) => clock.after(LOOK_PERIOD_MS, resolve));
  }
  stdout.write(`Stopped the manager (pid ${holder.pid})\n`);
  return EXIT_OK;
}
