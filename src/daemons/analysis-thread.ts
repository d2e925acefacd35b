/**
 * The analysis thread: reads the journal, runs the engine, hands finished alerts to the output thread.
 *
 * It starts from the last snapshot and reads everything behind it again; what was already written is passed over by the output. A
 * snapshot is taken every few seconds and travels behind the alerts that it accounts for.
 */
import { type MessagePort, workerData } from "node:worker_threads";
import { AgentLabels } from "#analysis/alert/agent-labels.ts";
import { compileCustomAlert } from "#analysis/alert/custom-alert.ts";
import type { ManagerIdentity } from "#analysis/alert/document.ts";
import { CompiledRuleset, Engine } from "#analysis/engine.ts";
import { EventLimit, type EventLimitOptions } from "#analysis/limits/event-limit.ts";
import type { AlertLevels } from "#analysis/match/compile-rules.ts";
import { AnalysisPipeline, type OutputSelection, type ShownAlert } from "#analysis/pipeline.ts";
import type { ResponseSettings } from "#analysis/response/settings.ts";
import { loadRuleset, type Ruleset, type RulesetOutcome } from "#analysis/ruleset/ruleset.ts";
import type { RulesetSources } from "#analysis/ruleset/sources.ts";
import { encodeSnapshot, restoreSnapshot } from "#analysis/state/snapshot.ts";
import type { StatisticsOptions } from "#analysis/stats/hourly-statistics.ts";
import type { MitreTable } from "#formats/mitre/mitre-table.ts";
import { formatProblem } from "#formats/source-position.ts";
import { JournalEvents } from "#journal/events.ts";
import { JournalReader } from "#journal/journal-reader.ts";
import { SharedProgress } from "#journal/shared-progress.ts";
import { SystemClock } from "#kernel/platform/clock.ts";
import { systemFiles } from "#kernel/platform/files.ts";
import { FIRST_RECORD_AT } from "#model/event-block.ts";
import { OUTPUT_IN_FLIGHT_BYTES_MAX, type OutputBlock } from "#model/output-block.ts";
import type { AgentFactsMessage } from "./agent-facts.ts";
import { GeoDatabaseFile } from "./geo-database-file.ts";
import { giveBackMemory } from "./give-back-memory.ts";
import { homePaths } from "./home.ts";
import { readMitreTable } from "./mitre-file.ts";
import { type AlertFormOptions, errorLines, readSettings, rulesetSources } from "./settings.ts";
import { ThreadLink } from "./thread-link.ts";
import {
  type FromAnalysis,
  type FromOutputToAnalysis,
  RELOAD_RULES,
  type ToAnalysis,
  type ToOutput,
} from "./thread-messages.ts";

export type AnalysisThreadData = {
  readonly progress: SharedArrayBuffer;
  readonly journal: string;
  readonly snapshot: string;
  readonly home: string;
  /** A rule set in the peer's layout instead of the configured one. */
  readonly rulesetDirectory: string | null;
  /** As the configuration names them at the start. */
  readonly sources: RulesetSources;
  readonly levels: AlertLevels;
  readonly responses: ResponseSettings;
  readonly memoryEvents: number;
  readonly identity: ManagerIdentity;
  readonly selection: OutputSelection;
  readonly form: AlertFormOptions;
  /** As the registry knows them at the start. */
  readonly agents: readonly AgentFactsMessage[];
  readonly statistics: StatisticsOptions;
  readonly eventLimit: EventLimitOptions | null;
  /** Whether a reload keeps what the engine remembers of rules that stay as they are. */
  readonly reloadKeepsState: boolean;
  readonly showsAlerts: boolean;
  readonly output: MessagePort;
};

const SNAPSHOT_PERIOD_MS = 10_000;
/** Messages of other threads are looked at after so many blocks at the latest. */
const BLOCKS_BETWEEN_TURNS = 16;
/** A terminal shows no more at once; the rest is counted. */
const SHOWN_AT_ONCE_MAX = 100;
const LOCAL_AGENT_ID = "000";
/** The log has all of them. */
const ERRORS_TOLD_MAX = 50;

const data: AnalysisThreadData = workerData;
const link = new ThreadLink<FromAnalysis>();
const clock = new SystemClock();
const log = link.log("cyb3rhq-analysisd");
const agentLabels = new AgentLabels(data.form.showsHiddenLabels);
const geoDatabase = new GeoDatabaseFile(systemFiles, log, data.form.geoDatabasePath);

/** What the output thread has been given and has not written: beyond the limit, analysis waits. */
class OutputCredit {
  #inFlightBytes = 0;
  #wake: (() => void) | null = null;

  constructor() {
    data.output.on("message", ({ bytes }: FromOutputToAnalysis) => {
      this.#inFlightBytes -= bytes;
      this.#wake?.();
      this.#wake = null;
    });
  }

  send(block: OutputBlock): void {
    this.#inFlightBytes += block.byteLength;
    const message: ToOutput = { kind: "block", block };
    data.output.postMessage(message, [block.buffer]);
  }

  async available(): Promise<void> {
    while (this.#inFlightBytes > OUTPUT_IN_FLIGHT_BYTES_MAX) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}

/** Alerts for a terminal, in batches: a burst must not fill the line to the main thread. */
class Screen {
  #alerts: ShownAlert[] = [];
  #left = 0;

  show(alert: ShownAlert): void {
    if (this.#alerts.length < SHOWN_AT_ONCE_MAX) this.#alerts.push(alert);
    else this.#left++;
  }

  flush(): void {
    if (this.#alerts.length === 0) return;
    link.send({ kind: "shown", alerts: this.#alerts, left: this.#left });
    this.#alerts = [];
    this.#left = 0;
  }
}

/** For a reload: the files of the rule set as configuration and folders are now. */
function loadConfigured(): RulesetOutcome {
  const paths = homePaths(data.home);
  const { config, problems } = readSettings(systemFiles, paths);
  if (errorLines(problems).length > 0) return { ruleset: null, problems };
  return loadRuleset(
    systemFiles,
    rulesetSources(systemFiles, paths, { config, directory: data.rulesetDirectory }),
  );
}

/** The compiled rule set, or null after every problem was handed to the main thread. */
function compileRuleset(): CompiledRuleset | null {
  const { ruleset, problems } = loadRuleset(systemFiles, data.sources);
  if (ruleset === null) {
    link.failedWith("ruleset_invalid", errorLines(problems));
    return null;
  }
  for (const problem of problems) log.write("warning", formatProblem(problem));
  return newSet(ruleset, readMitreTable(systemFiles));
}

function newSet(ruleset: Ruleset, mitre: MitreTable | null): CompiledRuleset {
  return new CompiledRuleset(ruleset, data.levels, {
    mitre,
    responses: data.responses,
    places: geoDatabase.read(),
  });
}

/** From now on their alerts carry it. */
function learnAgents(agents: readonly AgentFactsMessage[]): void {
  for (const { id, address, labels } of agents) agentLabels.set(id, { address, labels });
}

function newEngine(set: CompiledRuleset): Engine {
  const { identity, memoryEvents, selection, statistics } = data;
  const { hostname } = identity;
  return new Engine(set, {
    hostname,
    memoryEvents,
    mode: "live",
    logsFirewall: selection.firewallLog,
    statistics,
  });
}

/** The position to go on from: the snapshot's, or the journal's beginning. */
function restore(engine: Engine, epoch: number): number {
  if (systemFiles.info(data.snapshot) === null) return 0;
  const outcome = restoreSnapshot(systemFiles.read(data.snapshot), epoch, { engine });
  if ("position" in outcome) return outcome.position;
  const reason = {
    damaged: "it is damaged",
    unknown_version: "its format is unknown",
    other_journal: "it is of another journal",
  };
  log.write(
    "warning",
    `The saved analysis state is not used because ${reason[outcome.fault]}; starting from the journal`,
  );
  return 0;
}

class AnalysisLoop {
  readonly #progress = new SharedProgress(data.progress);
  readonly #credit = new OutputCredit();
  readonly #screen = new Screen();
  readonly #reader: JournalReader;
  readonly #pipeline: AnalysisPipeline;
  readonly #limit: EventLimit | null;
  /** A block is analysed in part: what the engine holds is of no position. */
  #insideBlock = false;
  /** A reload left a rule set behind; giving it back takes 0.2 s, a fifth of a reload, so it waits until there is nothing to analyse. */
  #hasOldSet = false;
  #set: CompiledRuleset;
  #engine: Engine;
  #loadings = 0;
  #snapshotPosition: number;
  #snapshotAtMs = clock.monotonicMs();

  constructor(set: CompiledRuleset) {
    this.#set = set;
    this.#engine = newEngine(set);
    const position = restore(this.#engine, this.#progress.epoch);
    this.#snapshotPosition = position;
    const tools = { clock, log, metrics: link.counters };
    this.#limit = data.eventLimit === null ? null : new EventLimit(tools, data.eventLimit);
    const events = new JournalEvents({ log, metrics: link.counters, clock });
    const needs = { files: systemFiles, directory: data.journal, progress: this.#progress, events };
    this.#reader = new JournalReader(needs, position);
    this.#pipeline = new AnalysisPipeline({
      engine: this.#engine,
      identity: data.identity,
      selection: data.selection,
      form: {
        labels: agentLabels,
        placesInJson: data.form.placesInJson,
        customAlert: data.form.customAlert === null ? null : compileCustomAlert(data.form.customAlert),
      },
      clock,
      log,
      metrics: link.counters,
      emit: (block) => this.#credit.send(block),
      show: data.showsAlerts ? (alert) => this.#screen.show(alert) : null,
      control: ({ text }) => this.#control(text),
    });
  }

  async run(): Promise<void> {
    this.#countPosition();
    for (let blocks = 1; ; blocks++) {
      const block = this.#reader.next();
      if (block === null) {
        this.#handOver();
        this.#limit?.caughtUp();
        if (this.#progress.stopped) break;
        if (this.#hasOldSet) giveBackMemory();
        this.#hasOldSet = false;
        await this.#reader.waitForMore();
        continue;
      }
      if (this.#limit === null) this.#pipeline.process(block.block);
      else await this.#processLimited(this.#limit, block.block);
      this.#countPosition();
      await this.#credit.available();
      // Whoever stops does not wait for the limit: later blocks stay in the journal.
      if (this.#limit?.reached === true && this.#progress.stopped) break;
      this.#snapshotWhenDue();
      if (blocks % BLOCKS_BETWEEN_TURNS === 0) {
        this.#screen.flush();
        await new Promise((resolve) => setImmediate(resolve));
      }
    }
    this.#snapshot();
    this.#handOver();
    this.#reader.close();
  }

  /** At a stop what is left of the block goes through. */
  async #processLimited(limit: EventLimit, block: Buffer): Promise<void> {
    this.#insideBlock = true;
    for (let at = FIRST_RECORD_AT; at < block.length; at = this.#pipeline.processRecord(block, at)) {
      for (let waitMs = limit.take(); waitMs > 0 && !this.#progress.stopped; waitMs = limit.take()) {
        await new Promise<void>((resolve) => {
          clock.after(waitMs, resolve);
        });
      }
    }
    this.#insideBlock = false;
  }

  /** Called on a timer too: an idle manager must not keep an old snapshot. */
  tick(): void {
    this.#snapshotWhenDue();
    this.#handOver();
    this.#askAgents();
    this.#pipeline.count();
    link.counters.set("geoip_records_damaged", geoDatabase.damagedRecords);
  }

  /** In one turn with the count of the events before it: with what the journal still holds the two make all that was accepted. */
  #countPosition(): void {
    link.counters.set("journal_position_analysed", this.#reader.position);
  }

  #askAgents(): void {
    const requests = this.#pipeline.takeScaRequests();
    if (requests.length > 0) link.send({ kind: "results_wanted", requests });
  }

  #handOver(): void {
    this.#pipeline.flush();
    this.#screen.flush();
  }

  #snapshotWhenDue(): void {
    const due = clock.monotonicMs() - this.#snapshotAtMs >= SNAPSHOT_PERIOD_MS;
    if (due && !this.#insideBlock && this.#reader.position > this.#snapshotPosition) this.#snapshot();
  }

  #snapshot(): void {
    const { position } = this.#reader;
    const bytes = encodeSnapshot(this.#engine, { epoch: this.#progress.epoch, position });
    this.#pipeline.snapshot(position, bytes);
    this.#snapshotPosition = position;
    this.#snapshotAtMs = clock.monotonicMs();
  }

  /** Another rule set takes effect at this place of the journal. On any error the running one stays. */
  #control(text: string): void {
    if (text !== RELOAD_RULES) return;
    const begunMs = clock.monotonicMs();
    const { ruleset, problems } = loadConfigured();
    for (const problem of problems) {
      log.write(problem.severity === "error" ? "error" : "warning", formatProblem(problem));
    }
    if (ruleset !== null) this.#swap(newSet(ruleset, this.#set.mitre));
    const errors = ruleset === null ? errorLines(problems) : [];
    const seconds = (clock.monotonicMs() - begunMs) / 1000;
    if (errors.length === 0)
      log.write("info", `Rule set reloaded: ${this.ruleCount} rules in ${seconds.toFixed(2)} s`);
    else log.write("error", `The rule set has ${errors.length} errors; the one in use stays`);
    this.reportRules(seconds, errors);
  }

  /** What is remembered goes on, of rules that both sets have alike. */
  #swap(set: CompiledRuleset): void {
    this.#askAgents();
    const engine = newEngine(set);
    const place = { epoch: this.#progress.epoch, position: this.#reader.position };
    const keepsWindows = data.reloadKeepsState;
    restoreSnapshot(encodeSnapshot(this.#engine, place), place.epoch, { engine, keepsWindows });
    this.#set = set;
    this.#engine = engine;
    this.#pipeline.replaceEngine(engine);
    this.#hasOldSet = true;
  }

  reportRules(seconds: number, errors: readonly string[]): void {
    const outcome = {
      loadings: ++this.#loadings,
      rules: this.ruleCount,
      seconds,
      errors: errors.slice(0, ERRORS_TOLD_MAX),
    };
    link.send({ kind: "rules_loaded", outcome });
  }

  get ruleCount(): number {
    return this.#set.rules.rules.length;
  }
}

async function main(): Promise<void> {
  const begunMs = clock.monotonicMs();
  learnAgents([{ id: LOCAL_AGENT_ID, address: null, labels: data.form.labels }, ...data.agents]);
  link.onMessage(({ facts }: ToAnalysis) => learnAgents(facts));
  const set = compileRuleset();
  if (set === null) return;
  const progress = new SharedProgress(data.progress);
  while (!progress.open && !progress.stopped) await progress.writtenChanged(progress.written);
  if (!progress.open) return link.stopped();
  const loop = new AnalysisLoop(set);
  const timer = clock.every(1000, () => loop.tick());
  giveBackMemory();
  loop.reportRules((clock.monotonicMs() - begunMs) / 1000, []);
  link.ready(`${loop.ruleCount} rules`);
  await loop.run();
  timer.cancel();
  const end: ToOutput = { kind: "end" };
  data.output.postMessage(end);
  data.output.close();
  link.stopped();
}

main().catch((error: unknown) => link.failed(error));
