/** `cyb3rhq rules check`: loads a rule set and says everything that is wrong with it. */
import { loadRuleset } from "#analysis/ruleset/ruleset.ts";
import type { RulesetFile, RulesetSources } from "#analysis/ruleset/sources.ts";
import type { Problem } from "#formats/source-position.ts";
import type { XmlElement } from "#formats/xml/elements.ts";
import { readXml } from "#formats/xml/xml.ts";
import { CodedError } from "#kernel/errors.ts";
import type { Files } from "#kernel/ports/files.ts";
import { utf8Bytes } from "../bytes.ts";
import { type Environment, EXIT_FAILURE, EXIT_OK } from "../environment.ts";
import { folderSources, problemLine } from "../ruleset-folder.ts";
import { type Style, styleOf } from "../style.ts";

type Counts = { readonly decoders: number; readonly rules: number; readonly lists: number };

/** Of a file that cannot be read there are none: the loading has said so. */
function elementsOf(files: Files, { path, name }: RulesetFile): readonly XmlElement[] {
  try {
    const outcome = readXml(files.read(path).toString("latin1"), name);
    return outcome.ok ? outcome.elements : [];
  } catch (error) {
    if (!(error instanceof CodedError)) throw error;
    return [];
  }
}

/** What the files define, which is also known of a rule set that does not load. */
function countDefinitions(files: Files, sources: RulesetSources): Counts {
  const elements = (of: readonly RulesetFile[]) => of.flatMap((file) => elementsOf(files, file));
  const named = (name: string) => (element: XmlElement) => element.name.toLowerCase() === name;
  return {
    decoders: elements(sources.decoders).filter(named("decoder")).length,
    rules: elements(sources.rules).flatMap(({ children }) => children.filter(named("rule"))).length,
    lists: sources.lists.length,
  };
}

function problemJson({ severity, position, message, expected }: Problem): object {
  const { line, column } = position;
  return { severity, file: utf8Bytes(position.file), line, column, message, expected };
}

function coloured(problem: Problem, style: Style): string {
  const line = problemLine(problem);
  const word = `: ${problem.severity}: `;
  return problem.severity === "error" ? line.replace(word, `: ${style.red("error")}: `) : line;
}

export function checkRules(environment: Environment, directory: string, json: boolean): number {
  const { files, stdout } = environment;
  const sources = folderSources(files, directory);
  const { problems } = loadRuleset(files, sources);
  const counts = countDefinitions(files, sources);
  const errors = problems.filter(({ severity }) => severity === "error").length;
  const warnings = problems.length - errors;
  if (json) {
    const report = { ...counts, errors, warnings, problems: problems.map(problemJson) };
    stdout.write(`${JSON.stringify(report)}\n`);
  } else {
    const style = styleOf(stdout, environment.variables);
    for (const problem of problems) stdout.write(coloured(problem, style));
    const { decoders, rules, lists } = counts;
    stdout.write(
      `${decoders} decoders, ${rules} rules, ${lists} lists: ${errors} errors, ${warnings} warnings\n`,
    );
  }
  return errors === 0 ? EXIT_OK : EXIT_FAILURE;
}
