/** What the manager of a home directory is doing, from the state file that it writes every few seconds. */
import { type HomePaths, homePaths, lockHolder } from "#daemons/home.ts";
import { systemFiles } from "#kernel/platform/files.ts";
import { CONNECTION_STATUSES } from "#model/agent.ts";
import { isObject, utf8Bytes } from "../bytes.ts";
import { type Environment, EXIT_FAILURE, EXIT_OK } from "../environment.ts";
import { openAgentStore } from "./agent-files.ts";
import { homeDirectory } from "./home-choice.ts";
import { portLine } from "./port-line.ts";
import { readState } from "./state-file.ts";

function countAgents(environment: Environment, paths: HomePaths): Readonly<Record<string, number>> {
  const counts: Record<string, number> = Object.fromEntries(CONNECTION_STATUSES.map((status) => [status, 0]));
  const store = openAgentStore(environment, paths);
  if (store === null) return counts;
  for (let page = store.list(null); page.length > 0; page = store.list(page.at(-1)?.id ?? null)) {
    for (const { status } of page) counts[status] = (counts[status] ?? 0) + 1;
  }
  store.close();
  return counts;
}

function portLines(ports: unknown): string[] {
  if (!Array.isArray(ports)) return [];
  return ports.filter(isObject).map(({ host, port, purpose }) => portLine(host, port, purpose));
}

const DAY_MS = 86_400_000;
/** From when on it is shown that a certificate needs a look. */
const DAYS_LEFT_ENOUGH = 30;

function certificateLines(certificates: unknown, nowMs: number): string[] {
  if (!Array.isArray(certificates)) return [];
  return certificates.filter(isObject).map(({ role, path, expiresMs }) => {
    const daysLeft = Math.floor((Number(expiresMs) - nowMs) / DAY_MS);
    const urgent = daysLeft < 0 ? " EXPIRED" : daysLeft < DAYS_LEFT_ENOUGH ? " RENEW IT" : "";
    return `certificate (${String(role).replace("_", " ")}): ${daysLeft} days left${urgent}  ${path}`;
  });
}

function deadLetterLines(failed: unknown, paths: HomePaths): string[] {
  return typeof failed === "number" && failed > 0
    ? [`dead letters: ${failed} events could not be analysed since the start; see ${paths.deadLetters}`]
    : [];
}

export function printStatus(environment: Environment, home: string | undefined, json: boolean): number {
  const paths = homePaths(homeDirectory(environment, home));
  const holder = lockHolder(systemFiles, paths);
  const state = readState(environment, paths);
  const agents = countAgents(environment, paths);
  const exitCode = holder === null ? EXIT_FAILURE : EXIT_OK;
  if (json) {
    const report = { running: holder !== null, home: paths.home, ...(holder === null ? {} : state), agents };
    environment.stdout.write(utf8Bytes(`${JSON.stringify(report)}\n`));
    return exitCode;
  }
  if (holder === null) {
    environment.stdout.write(utf8Bytes(`No manager runs on ${paths.home}; 'cyb3rhq start' runs one\n`));
    return exitCode;
  }
  const counters = isObject(state["counters"]) ? state["counters"] : {};
  const lines = [
    `The manager runs on ${paths.home} (pid ${holder.pid})`,
    ...portLines(state["ports"]),
    `agents: ${Object.entries(agents)
      .map(([status, count]) => `${count} ${status}`)
      .join(", ")}`,
    ...certificateLines(state["certificates"], environment.clock.wallMs()),
    ...deadLetterLines(counters["events_failed"], paths),
    ...Object.entries(counters).map(([name, value]) => `  ${name.padEnd(40)} ${value}`),
  ];
  environment.stdout.write(utf8Bytes(`${lines.join("\n")}\n`));
  return exitCode;
}
