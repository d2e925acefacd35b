/** What the analysis and output threads are given at their start, made of the settings. */
import type { MessagePort } from "node:worker_threads";
import type { RulesetSources } from "#analysis/ruleset/sources.ts";
import { readAverages } from "#analysis/stats/average-files.ts";
import { systemFiles } from "#kernel/platform/files.ts";
import type { AgentFactsMessage } from "./agent-facts.ts";
import type { AnalysisThreadData } from "./analysis-thread.ts";
import type { HomePaths } from "./home.ts";
import type { LogtestThreadData } from "./logtest-thread.ts";
import type { OutputThreadData } from "./output-thread.ts";
import {
  alertFormOptions,
  eventLimitOptions,
  identityOf,
  outputOptions,
  outputSelection,
  responseSettings,
  type Settings,
  statisticsOptions,
} from "./settings.ts";

export type ThreadDataParts = {
  readonly settings: Settings;
  readonly paths: HomePaths;
  readonly hostname: string;
  /** A rule set in the peer's layout instead of the configured one. */
  readonly rulesetDirectory: string | null;
  readonly progress: AnalysisThreadData["progress"];
};

export type AnalysisParts = ThreadDataParts & {
  readonly sources: RulesetSources;
  readonly agents: readonly AgentFactsMessage[];
  readonly showsAlerts: boolean;
  /** To the output thread. */
  readonly output: MessagePort;
};

export function analysisThreadData(parts: AnalysisParts): AnalysisThreadData {
  const { settings, paths, hostname, rulesetDirectory, progress, sources, agents, showsAlerts, output } =
    parts;
  const { config } = settings;
  return {
    progress,
    journal: paths.journal,
    snapshot: paths.snapshot,
    home: paths.home,
    rulesetDirectory,
    sources,
    levels: { log: config.alerts.logLevel, mail: config.alerts.emailLevel },
    responses: responseSettings(config),
    memoryEvents: config.global.eventMemory,
    identity: identityOf(config, hostname),
    selection: outputSelection(settings),
    form: alertFormOptions(settings, paths),
    agents,
    statistics: statisticsOptions(settings, readAverages(systemFiles, `${paths.home}/stats`)),
    eventLimit: eventLimitOptions(settings),
    reloadKeepsState: settings.options.analysisd.reloadKeepsState === 1,
    showsAlerts,
    output,
  };
}

export function outputThreadData(
  { settings, paths, progress }: ThreadDataParts,
  analysis: MessagePort,
): OutputThreadData {
  return { home: paths.home, progress, options: outputOptions(settings), analysis };
}

export function logtestThreadData(
  { settings, paths, hostname, rulesetDirectory }: ThreadDataParts,
  config: LogtestThreadData["config"],
): LogtestThreadData {
  return { home: paths.home, rulesetDirectory, identity: identityOf(settings.config, hostname), config };
}
