/**
 * `node test/kill/kill.ts [--rounds N] [--seed N]`: kills a manager under load and prints, round by round, what that cost. The last
 * line is the whole report as JSON. Exit code 1 when a promise about accepted events was broken.
 */
import { randomInt } from "node:crypto";
import { parseArgs } from "node:util";
import { type Round, runKills } from "./kill-run.ts";

const ROUNDS_DEFAULT = 20;
const SEEDS = 2 ** 32;
const COLUMNS = [
  "killed in",
  "after ms",
  "sent",
  "journaled",
  "torn bytes",
  "lost by plain clients",
] as const;

function row(cells: readonly (string | number)[]): string {
  return `${cells.map((cell, index) => String(cell).padStart((COLUMNS[index] ?? "").length)).join("  ")}\n`;
}

function cellsOf(round: Round): readonly (string | number)[] {
  const { kind, killedAfterMs, sent, journaled, damagedBytes, plainLost } = round;
  return [kind, killedAfterMs, sent, journaled, damagedBytes, plainLost];
}

const { values } = parseArgs({ options: { rounds: { type: "string" }, seed: { type: "string" } } });
const rounds = Number(values.rounds ?? ROUNDS_DEFAULT);
const seed = Number(values.seed ?? randomInt(SEEDS));

process.stdout.write(`${rounds} rounds, seed ${seed}\n${row(COLUMNS)}`);
const report = await runKills({ rounds, seed }, (round) => process.stdout.write(row(cellsOf(round))));
const { events, alerts, plainSent, plainLost, resentSent, resentLost, resentTwice, faults } = report;
process.stdout.write(`${events} events accepted, ${alerts} alerts
plain clients: ${plainSent} sent, ${plainLost} lost
resending client: ${resentSent} sent, ${resentLost} lost, ${resentTwice} accepted twice
${faults.length === 0 ? "every accepted event came out exactly once" : faults.join("\n")}
${JSON.stringify({ test: "kill", ...report })}
`);
process.exitCode = faults.length === 0 ? 0 : 1;
