/** The rule set of a session: loaded and compiled once for all sessions that begin while its files are the same. */
import type { CompiledRuleset } from "#analysis/engine.ts";
import { fileFingerprint, sourcesFingerprint } from "#analysis/ruleset/fingerprint.ts";
import { loadRuleset } from "#analysis/ruleset/ruleset.ts";
import type { Files } from "#kernel/ports/files.ts";
import { error, type Message, problemMessage } from "./message.ts";
import type { RulesetChoice } from "./needs.ts";

export type SharedRuleset = {
  /** Equal for equal files. */
  readonly fingerprint: string;
  readonly compiled: CompiledRuleset;
  readonly memoryEvents: number;
  /** Warnings about its files, told to every session. */
  readonly warnings: readonly Message[];
};

export type RulesetFailure = { readonly failure: readonly Message[] };

/** To be taken before the files are read: one that changes meanwhile is then found changed the next time. */
export function choiceFingerprint(files: Files, { configFiles, sources }: RulesetChoice): string {
  const config = configFiles.map((path) => fileFingerprint(files, path));
  return [...config, sourcesFingerprint(files, sources)].join("\n");
}

export function loadShared(
  files: Files,
  choice: RulesetChoice,
  fingerprint: string,
): SharedRuleset | RulesetFailure {
  const { ruleset, problems } = loadRuleset(files, choice.sources);
  const messages = problems.map(problemMessage);
  if (ruleset === null) return { failure: messages };
  const { memoryEvents } = choice;
  return { fingerprint, compiled: choice.compile(ruleset), memoryEvents, warnings: messages };
}

/** As the peer says it of its ossec.conf. */
export function configFailure(messages: readonly Message[]): RulesetFailure {
  return { failure: [...messages, error("(1202): Configuration error at 'etc/ossec.conf'.")] };
}
