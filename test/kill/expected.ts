/** What a manager that nobody disturbs writes for a journal: every block through one engine, in order, from the beginning. */
import { hostname } from "node:os";
import { CompiledRuleset, Engine } from "#analysis/engine.ts";
import { AnalysisPipeline } from "#analysis/pipeline.ts";
import { loadRuleset } from "#analysis/ruleset/ruleset.ts";
import { stockSources } from "#analysis/ruleset/sources.ts";
import { systemFiles } from "#kernel/platform/files.ts";
import { forEachOutput, type OutputKind } from "#model/output-block.ts";
import { FakeClock } from "#testing/clock.ts";
import { RecordingLog, RecordingMetrics } from "#testing/log.ts";

/** As the homes of these tests have them. */
const LEVELS = { log: 3, mail: 12 };

export class ExpectedOutputs {
  readonly #pipeline: AnalysisPipeline;
  readonly #texts = new Map<OutputKind, string[]>();

  constructor(rulesetDirectory: string) {
    const { ruleset, problems } = loadRuleset(systemFiles, stockSources(systemFiles, rulesetDirectory));
    if (ruleset === null) throw new Error(JSON.stringify(problems));
    const name = hostname();
    this.#pipeline = new AnalysisPipeline({
      engine: new Engine(new CompiledRuleset(ruleset, LEVELS), { hostname: name, mode: "live" }),
      identity: { hostname: name, cluster: null },
      selection: {
        alertsJson: true,
        alertsLog: true,
        archivesJson: true,
        archivesLog: true,
        firewallLog: false,
      },
      clock: new FakeClock(),
      log: new RecordingLog(),
      metrics: new RecordingMetrics(),
      emit: (block) =>
        forEachOutput(block, (kind, _position, memory, start, end) =>
          this.#add(kind, memory.toString("latin1", start, end)),
        ),
      show: null,
      control: () => {},
    });
  }

  process(block: Buffer): void {
    this.#pipeline.process(block);
  }

  of(kind: OutputKind): string {
    this.#pipeline.flush();
    return this.#texts.get(kind)?.join("") ?? "";
  }

  #add(kind: OutputKind, text: string): void {
    const texts = this.#texts.get(kind);
    if (texts === undefined) this.#texts.set(kind, [text]);
    else texts.push(text);
  }
}
