/** Which files make a rule set, and in what order: the peer's stock layout or the `<ruleset>` block of ossec.conf. */
import { compilePattern } from "#formats/patterns/pattern.ts";
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

function byBaseName(a: RulesetFile, b: RulesetFile): number {
  const left = a.name.slice(a.name.lastIndexOf("/") + 1);
  const right = b.name.slice(b.name.lastIndexOf("/") + 1);
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

/** What `<ruleset>` says, in the terms of the configuration's own reader. */
export type RulesetSettings = {
  readonly ruleDirectories: readonly { readonly path: string; readonly pattern: string }[];
  readonly decoderDirectories: readonly { readonly path: string; readonly pattern: string }[];
  readonly ruleFiles: readonly string[];
  readonly decoderFiles: readonly string[];
  readonly ruleExcludes: readonly string[];
  readonly decoderExcludes: readonly string[];
  readonly lists: readonly string[];
};

type Kind = {
  readonly directories: RulesetSettings["ruleDirectories"];
  readonly single: readonly string[];
  readonly excludes: readonly string[];
  readonly fallback: string;
};

function collect(files: Files, home: string, kind: Kind): RulesetFile[] {
  const excluded = new Set(kind.excludes);
  const found: RulesetFile[] = [];
  const offer = (name: string) => {
    const baseName = name.slice(name.lastIndexOf("/") + 1);
    if (excluded.has(name) || excluded.has(baseName) || found.some((file) => file.name === name)) return;
    found.push({ name, path: name.startsWith("/") ? name : `${home}/${name}` });
  };
  for (const name of kind.single) offer(name.includes("/") ? name : `${kind.fallback}/${name}`);
  const directories =
    kind.directories.length > 0 ? kind.directories : [{ path: kind.fallback, pattern: "\\.xml$" }];
  for (const directory of directories) {
    const path = directory.path.startsWith("/") ? directory.path : `${home}/${directory.path}`;
    if (files.info(path)?.kind !== "directory") continue;
    const pattern = compilePattern("osregex", directory.pattern);
    for (const entry of [...files.list(path)].sort((a, b) => (a.name < b.name ? -1 : 1))) {
      const name = `${directory.path}/${entry.name}`;
      if (entry.kind === "file" && pattern.ok && pattern.pattern.test(name)) offer(name);
    }
  }
  return found.sort(byBaseName);
}

export function configuredSources(files: Files, home: string, settings: RulesetSettings): RulesetSources {
  return {
    decoders: collect(files, home, {
      directories: settings.decoderDirectories,
      single: settings.decoderFiles,
      excludes: settings.decoderExcludes,
      fallback: "ruleset/decoders",
    }),
    rules: collect(files, home, {
      directories: settings.ruleDirectories,
      single: settings.ruleFiles,
      excludes: settings.ruleExcludes,
      fallback: "ruleset/rules",
    }),
    lists: settings.lists.map((list) => ({
      name: list.replace(/\.cdb$/, ""),
      path: list.startsWith("/") ? list : `${home}/${list.replace(/\.cdb$/, "")}`,
    })),
  };
}
