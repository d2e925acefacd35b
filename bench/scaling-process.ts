/** `node bench/scaling-process.ts CORPUS DATA TIMES`: one rule set of so many times the peer's rules, measured in this process. For scaling.ts. */
import { readFileSync } from "node:fs";
import type { RulesetSources } from "#analysis/ruleset/sources.ts";
import { BlockMaker, Line } from "./analysis-line.ts";
import { cpuSecondsSince } from "./benchmark.ts";
import { RuleCopier } from "./copied-rules.ts";
import { corpusEvents } from "./corpora.ts";
import { compileSources, peerSources } from "./peer-ruleset.ts";
import { TemporaryFiles } from "./temporary-files.ts";

const WARMING_PASSES = 3;
const PASSES = 8;

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

const [corpus = "", dataDirectory = "", times = ""] = process.argv.slice(2);
const files = new TemporaryFiles();
const set = compileSources(timesAsMany(peerSources(dataDirectory), Number(times), files));
files.remove();
const events = corpusEvents(corpus, dataDirectory);
const line = new Line(set);
const maker = new BlockMaker(events);
const rates: number[] = [];
for (let pass = -WARMING_PASSES; pass < PASSES; pass++) {
  const blocks = maker.pass();
  const before = process.cpuUsage();
  line.process(blocks);
  if (pass >= 0) rates.push(events.length / cpuSecondsSince(before));
}
const alerts = line.counters.all["alerts"] ?? 0;
line.close();
process.stdout.write(
  `${JSON.stringify({ rate: Math.max(...rates), rules: set.rules.rules.length, alerts })}\n`,
);
