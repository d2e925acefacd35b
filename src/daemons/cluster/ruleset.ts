/** The rule set's files as the distributed API sees them: those in use are read, those of users changed. */
import assert from "node:assert/strict";
import { dirname } from "node:path";
import type { RulesetSources } from "#analysis/ruleset/sources.ts";
import { RUNS_MAX } from "#cluster/dapi/limits.ts";
import { Runs } from "#cluster/dapi/runs.ts";
import type { RulesetFile, RulesetWorld } from "#cluster/dapi/world.ts";
import type { HeavyWork } from "#cluster/needs.ts";
import { formatProblem } from "#formats/source-position.ts";
import { readXml } from "#formats/xml/xml.ts";
import { systemFiles } from "#kernel/platform/files.ts";
import { SHIPPED_RULESET } from "#kernel/platform/program-places.ts";

/** Users' own; everything else is replaced with the program. */
const FOLDERS: Readonly<Record<RulesetFile["kind"], string>> = {
  rule: "etc/rules",
  decoder: "etc/decoders",
  list: "etc/lists",
};
/** As its synchronisation makes them (wazuh v4.14.7: cluster.json). */
const PERMISSIONS = 0o660;

/** `all`: with those that the configuration leaves out. */
export type RulesetFiles = { readonly inUse: RulesetSources; readonly all: RulesetSources };

export function rulesetWorld(home: string, ruleset: () => RulesetFiles, heavy: HeavyWork): RulesetWorld {
  const pathOf = ({ directory, name }: RulesetFile) =>
    directory.startsWith("ruleset/") && systemFiles.info(`${home}/ruleset`) === null
      ? `${SHIPPED_RULESET}${directory.slice("ruleset".length)}/${name}`
      : `${home}/${directory}/${name}`;
  // One at a time: the other thread stays free for what nodes wait for.
  const listings = new Runs({ running: 1, waiting: RUNS_MAX });
  return {
    list: (kind) => {
      const { inUse, all } = ruleset();
      const name = `${kind}s` as const;
      const used = new Set(inUse[name].map(({ path }) => path));
      return all[name].flatMap(({ path }) => listed(kind, home, path, used.has(path)) ?? []);
    },
    read: (file) => systemFiles.read(pathOf(file)),
    parsed: (file) => heavy.run({ kind: "read_xml", path: pathOf(file) }),
    page: (listing, files) => {
      const paths = files.map(({ name, directory, isEnabled, kind }) => {
        return { name, directory, isEnabled, path: pathOf({ name, directory, isEnabled, kind }) };
      });
      const job = { kind: "list_ruleset", listing: { ...listing, sources: paths } } as const;
      const page = listings.run(() => heavy.run(job));
      assert(page !== null, "no more than RUNS_MAX functions ask");
      return page;
    },
    place: (kind, name, directory) => {
      const own = FOLDERS[kind];
      return directory === null || directory === own ? { kind, name, directory: own, isEnabled: true } : null;
    },
    replace: async (file, bytes) => {
      // Whether the rules are right is found by the reload that follows: until then, and if not, those in use stay.
      const outcome = file.kind === "list" ? null : readXml(bytes.toString("latin1"), file.name);
      const problem = outcome?.ok === false ? outcome.problem : null;
      if (problem !== null) return formatProblem(problem);
      systemFiles.replace(pathOf(file), bytes, PERMISSIONS);
      return null;
    },
    remove: (file) => systemFiles.remove(pathOf(file)),
  };
}

function listed(
  kind: RulesetFile["kind"],
  home: string,
  path: string,
  isEnabled: boolean,
): RulesetFile | null {
  const below = path.startsWith(`${home}/`)
    ? path.slice(home.length + 1)
    : path.startsWith(`${SHIPPED_RULESET}/`)
      ? `ruleset/${path.slice(SHIPPED_RULESET.length + 1)}`
      : null;
  if (below === null) return null;
  return { kind, name: below.slice(below.lastIndexOf("/") + 1), directory: dirname(below), isEnabled };
}
