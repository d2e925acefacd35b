/**
 * What a rule set of twice and four times as many rules costs: events a CPU-second with the peer's rules, and with copies of them
 * beside them whose literals no event has. Rules that cannot hold must not cost: twice as many are to take less than a fifth.
 */
import { readFileSync } from "node:fs";
import type { CompiledRuleset } from "#analysis/engine.ts";
import type { RulesetSources } from "#analysis/ruleset/sources.ts";
import { BlockMaker, Line } from "./analysis-line.ts";
import { type Benchmark, cpuSecondsSince, type Figures, quantile } from "./benchmark.ts";
import { RuleCopier } from "./copied-rules.ts";
import { corpusEvents, corpusNeeds } from "./corpora.ts";
import { compileSources, peerSources, RULESET_FOLDER } from "./peer-ruleset.ts";
import { TemporaryFiles } from "./temporary-files.ts";

const TIMES = [1, 2, 4];
/** The sets take turns, so that what else the machine does meets all of them. */
const ROUNDS = 7;

function timesAsMany(sources: RulesetSources, times: number, files: TemporaryFiles): RulesetSources {
  const originals = sources.rules.map(({ name, path }) => ({
    name: name.slice(name.lastIndexOf("/") + 1),
    text: readFileSync(path, "latin1"),
  }));
  const copier = new RuleCopier(originals.map(({ text }) => text));
  const copies = Array.from({ length: times - 1 }, (_, index) =>
    originals.map(({ name, text }) => files.write(`${index + 1}-${name}`, copier.copyOf(text, index + 1))),
  );
  return { ...sources, rules: [...sources.rules, ...copies.flat()] };
}

class Contestant {
  readonly rules: number;
  readonly rates: number[] = [];
  readonly #line: Line;
  readonly #maker: BlockMaker;
  readonly #events: number;

  constructor(set: CompiledRuleset, events: ReturnType<typeof corpusEvents>) {
    this.rules = set.rules.rules.length;
    this.#line = new Line(set);
    this.#maker = new BlockMaker(events);
    this.#events = events.length;
  }

  run(): void {
    const blocks = this.#maker.pass();
    const before = process.cpuUsage();
    this.#line.process(blocks);
    this.rates.push(this.#events / cpuSecondsSince(before));
  }

  get alerts(): number {
    return this.#line.counters.all["alerts"] ?? 0;
  }

  close(): void {
    this.#line.close();
  }
}

async function measure(corpus: string, dataDirectory: string): Promise<Figures> {
  const files = new TemporaryFiles();
  const sources = peerSources(dataDirectory);
  const events = corpusEvents(corpus, dataDirectory);
  const contestants = TIMES.map(
    (times) => new Contestant(compileSources(timesAsMany(sources, times, files)), events),
  );
  files.remove();
  for (let round = 0; round < ROUNDS; round++) for (const contestant of contestants) contestant.run();
  const figures: Record<string, number> = {};
  const rates = contestants.map(({ rates }) => quantile(rates.slice(1), 0.5)); // the first warms the code up
  const [once = Number.NaN] = rates;
  for (const [index, times] of TIMES.entries()) {
    const { rules = 0, alerts = 0 } = contestants[index] ?? {};
    const rate = rates[index] ?? Number.NaN;
    figures[`eventsPerCpuSecondTimes${times}`] = Math.round(rate);
    figures[`rulesTimes${times}`] = rules;
    figures[`alertsTimes${times}`] = alerts;
    if (times > 1) figures[`keptTimes${times}`] = Number((rate / once).toFixed(3));
  }
  for (const contestant of contestants) contestant.close();
  return figures;
}

export const scaling: Benchmark = {
  corpora: ["mix", "rules", "plain"],
  mainFigure: "keptTimes2",
  needs: (corpus) => [RULESET_FOLDER, ...corpusNeeds(corpus)],
  measure,
};
