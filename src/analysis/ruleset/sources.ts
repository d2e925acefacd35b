/** Which files make a rule set, and in what order: the peer's stock layout or the `<ruleset>` block of ossec.conf. */
import { compilePattern, type Pattern } from "#formats/patterns/pattern.ts";
import { CodedError } from "#kernel/errors.ts";
import type { Files } from "#kernel/ports/files.ts";

export type RulesetFile = {
  /** As messages show it and lists are named by. */
  readonly name: string;
  readonly path: string;
};

export type RulesetSources = {
  readonly decoders: readonly RulesetFile[];
  readonly rules: readonly RulesetFile[];
  readonly lists: readonly RulesetFile[];
};

/** The rule file that the peer's shipped configuration leaves out. */
const STOCK_EXCLUDED = "0215-policy_rules.xml";

/** The lists of the peer's shipped configuration. */
const STOCK_LISTS = [
  "audit-keys",
  "amazon/aws-eventnames",
  "security-eventchannel",
  "malicious-ioc/malware-hashes",
  "malicious-ioc/malicious-ip",
  "malicious-ioc/malicious-domains",
];

function baseNameOf(name: string): string {
  return name.slice(name.lastIndexOf("/") + 1);
}

function byBaseName(a: RulesetFile, b: RulesetFile): number {
  const left = baseNameOf(a.name);
  const right = baseNameOf(b.name);
  return left < right ? -1 : left > right ? 1 : 0;
}

function filesIn(files: Files, directory: string, name: string): RulesetFile[] {
  if (files.info(directory)?.kind !== "directory") return [];
  return files
    .list(directory)
    .filter((entry) => entry.kind === "file" && entry.name.endsWith(".xml"))
    .map((entry) => ({ name: `${name}/${entry.name}`, path: `${directory}/${entry.name}` }))
    .sort(byBaseName);
}

/** A folder with `decoders/`, `rules/` and `lists/`; `lists/x` answers to `etc/lists/x`. Lists that are not there are left out. */
export function stockSources(files: Files, directory: string): RulesetSources {
  return {
    decoders: filesIn(files, `${directory}/decoders`, "ruleset/decoders"),
    rules: filesIn(files, `${directory}/rules`, "ruleset/rules").filter(
      (file) => !file.name.endsWith(`/${STOCK_EXCLUDED}`),
    ),
    lists: STOCK_LISTS.map((list) => ({
      name: `etc/lists/${list}`,
      path: `${directory}/lists/${list}`,
    })).filter((list) => files.info(list.path)?.kind === "file"),
  };
}

/** What `<ruleset>` says; `RulesetConfig` of the configuration has this shape. */
export type RulesetSettings = {
  readonly ruleDirectories: readonly { readonly path: string; readonly pattern: string }[];
  readonly decoderDirectories: readonly { readonly path: string; readonly pattern: string }[];
  readonly ruleIncludes: readonly string[];
  readonly decoderIncludes: readonly string[];
  readonly ruleExcludes: readonly string[];
  readonly decoderExcludes: readonly string[];
  /** Paths of the text files, without `.cdb`. */
  readonly lists: readonly string[];
};

/** Where a path of the configuration lies. */
export type ResolvePath = (name: string) => string;

type Kind = {
  readonly directories: RulesetSettings["ruleDirectories"];
  readonly includes: readonly string[];
  readonly excludes: readonly string[];
};

/** Throws `CodedError`: with a pattern that nothing can match, a server would run without its rules. */
function compileDirectoryPattern(text: string): Pattern {
  const outcome = compilePattern("osregex", text);
  if (outcome.ok) return outcome.pattern;
  const message = `the pattern '${text}' of a folder in <ruleset> is not valid: ${outcome.error.message}`;
  throw new CodedError("ruleset_pattern_invalid", message, { pattern: text });
}

function collect(files: Files, resolve: ResolvePath, kind: Kind): RulesetFile[] {
  const excluded = new Set(kind.excludes);
  const found = new Map<string, RulesetFile>();
  const offer = (name: string) => {
    if (!excluded.has(name) && !excluded.has(baseNameOf(name)))
      found.set(name, { name, path: resolve(name) });
  };
  for (const name of kind.includes) offer(name);
  for (const directory of kind.directories) {
    const pattern = compileDirectoryPattern(directory.pattern);
    const path = resolve(directory.path);
    if (files.info(path)?.kind !== "directory") continue;
    for (const entry of files.list(path)) {
      const name = `${directory.path}/${entry.name}`;
      if (entry.kind === "file" && pattern.test(name)) offer(name);
    }
  }
  return [...found.values()].sort(byBaseName);
}

export function configuredSources(
  files: Files,
  resolve: ResolvePath,
  settings: RulesetSettings,
): RulesetSources {
  return {
    decoders: collect(files, resolve, {
      directories: settings.decoderDirectories,
      includes: settings.decoderIncludes,
      excludes: settings.decoderExcludes,
    }),
    rules: collect(files, resolve, {
      directories: settings.ruleDirectories,
      includes: settings.ruleIncludes,
      excludes: settings.ruleExcludes,
    }),
    lists: settings.lists.map((name) => ({ name, path: resolve(name) })),
  };
}

/** Two sets as one, in the order of loading; a list of the first hides one of the same name. */
export function mergeSources(first: RulesetSources, second: RulesetSources): RulesetSources {
  const names = new Set(first.lists.map(({ name }) => name));
  return {
    decoders: [...first.decoders, ...second.decoders].sort(byBaseName),
    rules: [...first.rules, ...second.rules].sort(byBaseName),
    lists: [...first.lists, ...second.lists.filter(({ name }) => !names.has(name))],
  };
}

/** The same set, its decoder and rule files named by their paths: what editors and people need in messages. */
export function namedByPath(sources: RulesetSources): RulesetSources {
  const byPath = (files: readonly RulesetFile[]) => files.map(({ path }) => ({ name: path, path }));
  return { decoders: byPath(sources.decoders), rules: byPath(sources.rules), lists: sources.lists };
}
