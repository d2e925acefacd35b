/**
 * What a rule set of twice and four times as many rules costs: events a CPU-second with the peer's rules, and with copies of them
 * beside them whose literals no event has. Rules that cannot hold must not cost: twice as many are to take less than a fifth.
 *
 * Each set has a process of its own: in one, the largest set pays for the memory of all.
 */
import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { Benchmark, Figures } from "./benchmark.ts";
import { corpusNeeds } from "./corpora.ts";
import { RULESET_FOLDER } from "./peer-ruleset.ts";

const PROCESS = fileURLToPath(new URL("scaling-process.ts", import.meta.url));
const TIMES = [1, 2, 4];
/** The sets take turns, and the best turn of each counts: what else the machine does only takes. */
const ROUNDS = 4;

type Turn = { readonly rate: number; readonly rules: number; readonly alerts: number };

function turn(corpus: string, dataDirectory: string, times: number): Turn {
  const args = [...process.execArgv, PROCESS, corpus, dataDirectory, String(times)];
  return JSON.parse(execFileSync(process.execPath, args, { encoding: "utf8" }));
}

async function measure(corpus: string, dataDirectory: string): Promise<Figures> {
  const best = new Map<number, Turn>();
  for (let round = 0; round < ROUNDS; round++) {
    for (const times of TIMES) {
      const taken = turn(corpus, dataDirectory, times);
      if (taken.rate > (best.get(times)?.rate ?? 0)) best.set(times, taken);
    }
  }
  const figures: Record<string, number> = {};
  for (const times of TIMES) {
    const { rate = Number.NaN, rules = 0, alerts = 0 } = best.get(times) ?? {};
    figures[`eventsPerCpuSecondTimes${times}`] = Math.round(rate);
    figures[`rulesTimes${times}`] = rules;
    figures[`alertsTimes${times}`] = alerts;
    if (times > 1)
      figures[`keptTimes${times}`] = Number((rate / (best.get(1)?.rate ?? Number.NaN)).toFixed(3));
  }
  return figures;
}

export const scaling: Benchmark = {
  corpora: ["mix", "rules", "plain"],
  mainFigure: "keptTimes2",
  needs: (corpus) => [RULESET_FOLDER, ...corpusNeeds(corpus)],
  measure,
};
