/** Asks the running manager for its rule set again, and tells how it went. */
import { type HomePaths, homePaths, lockHolder } from "#daemons/home.ts";
import { isObject, utf8Bytes } from "../bytes.ts";
import { type Environment, EXIT_FAILURE, EXIT_OK } from "../environment.ts";
import { homeDirectory } from "./home-choice.ts";
import { signalManager } from "./manager-signal.ts";
import { readState } from "./state-file.ts";

/** Loading the peer's whole set takes less than a second. */
const WAIT_MS_MAX = 30_000;
const LOOK_PERIOD_MS = 50;

type Outcome = {
  readonly loadings: number;
  readonly rules: number;
  readonly seconds: number;
  readonly errors: readonly string[];
};

function readOutcome(environment: Environment, paths: HomePaths): Outcome | null {
  const { rules } = readState(environment, paths);
  if (!isObject(rules)) return null;
  const { loadings, rules: count, seconds, errors } = rules;
  if (typeof loadings !== "number" || typeof count !== "number" || typeof seconds !== "number") return null;
  return { loadings, rules: count, seconds, errors: Array.isArray(errors) ? errors.map(String) : [] };
}

async function nextOutcome(
  environment: Environment,
  paths: HomePaths,
  before: number,
): Promise<Outcome | null> {
  const { clock } = environment;
  const untilMs = clock.monotonicMs() + WAIT_MS_MAX;
  while (clock.monotonicMs() < untilMs && lockHolder(environment.files, paths) !== null) {
    const outcome = readOutcome(environment, paths);
    if (outcome !== null && outcome.loadings > before) return outcome;
    await new Promise<void>((resolve) => clock.after(LOOK_PERIOD_MS, resolve));
  }
  return null;
}

export async function reloadRules(
  environment: Environment,
  home: string | undefined,
  json: boolean,
): Promise<number> {
  const { files, stdout, stderr } = environment;
  const paths = homePaths(homeDirectory(environment, home));
  const holder = lockHolder(files, paths);
  if (holder === null) {
    stderr.write(utf8Bytes(`cyb3rhq: no manager runs on ${paths.home}; 'cyb3rhq start' runs one\n`));
    return EXIT_FAILURE;
  }
  const before = readOutcome(environment, paths)?.loadings ?? 0;
  signalManager(holder, "SIGHUP");
  const outcome = await nextOutcome(environment, paths, before);
  if (outcome === null) {
    stderr.write(utf8Bytes(`cyb3rhq: the manager did not answer; see ${paths.log}\n`));
    return EXIT_FAILURE;
  }
  if (json) stdout.write(utf8Bytes(`${JSON.stringify(outcome)}\n`));
  else if (outcome.errors.length === 0)
    stdout.write(`Reloaded ${outcome.rules} rules in ${outcome.seconds.toFixed(2)} s\n`);
  else {
    for (const line of outcome.errors) stderr.write(`${line}\n`);
    stderr.write("cyb3rhq: the rule set has errors; the one in use stays\n");
  }
  return outcome.errors.length === 0 ? EXIT_OK : EXIT_FAILURE;
}
