/** How long the peer's rule set takes from its files to a set that is ready to run. */
import { type Benchmark, quantile } from "./benchmark.ts";
import { loadPeerRuleset, RULESET_FOLDER } from "./peer-ruleset.ts";

const RUNS = 5;

export const load: Benchmark = {
  corpora: ["peer rule set"],
  mainFigure: "medianMs",
  needs: () => [RULESET_FOLDER],
  measure: async (_corpus, dataDirectory) => {
    const runs = Array.from({ length: RUNS }, () => loadPeerRuleset(dataDirectory));
    const milliseconds = runs.map(({ loadMs }) => loadMs);
    return {
      medianMs: Math.round(quantile(milliseconds, 0.5)),
      // What a start pays: no code is warm.
      firstMs: Math.round(milliseconds[0] ?? Number.NaN),
      rules: runs[0]?.set.rules.rules.length ?? 0,
    };
  },
};
