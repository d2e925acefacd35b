/** The recorded cases of broken rule and decoder files, and the files of each. */
import { readFileSync } from "node:fs";
import type { RulesetSources } from "#analysis/ruleset/sources.ts";
import { FakeFiles } from "#testing/files.ts";
import { RULESET_DIRECTORY, RULESET_TESTS_DIRECTORY } from "./shared-data.ts";

const RULES = "etc/rules/z.xml";
const DECODERS = "etc/decoders/z.xml";
const BASE_RULES = "etc/rules/t.xml";
const BASE_DECODERS = "etc/decoders/t.xml";

export type LoadBase = {
  readonly [BASE_RULES]: string;
  readonly [BASE_DECODERS]: string;
  readonly "etc/lists": Readonly<Record<string, string>>;
};

export type LoadCase = {
  readonly [RULES]: string;
  readonly [DECODERS]: string;
  readonly codemsg: 0 | 1 | -1;
  readonly messages: readonly string[];
};

export function readLoadCases(): { readonly base: LoadBase; readonly cases: readonly LoadCase[] } {
  const text = readFileSync(`${RULESET_TESTS_DIRECTORY}/load-messages.jsonl`, "utf8");
  const [first = "", ...lines] = text.split("\n").filter((line) => line !== "");
  return { base: JSON.parse(first).base, cases: lines.map((line) => JSON.parse(line)) };
}

export function loadCaseFiles(
  base: LoadBase,
  { [RULES]: rules, [DECODERS]: decoders }: LoadCase,
): { readonly files: FakeFiles; readonly sources: RulesetSources } {
  const files = new FakeFiles();
  const stock = (path: string) => readFileSync(`${RULESET_DIRECTORY}/${path}`, "latin1");
  const texts = [
    ["ruleset/decoders/0006-json_decoders.xml", stock("decoders/0006-json_decoders.xml")],
    [BASE_DECODERS, base[BASE_DECODERS]],
    [DECODERS, decoders],
    ["ruleset/rules/0010-rules_config.xml", stock("rules/0010-rules_config.xml")],
    [BASE_RULES, base[BASE_RULES]],
    [RULES, rules],
    ...Object.entries(base["etc/lists"]).map(([name, text]) => [`etc/lists/${name}`, text]),
  ] as const;
  for (const [path, text] of texts) files.write(path, text);
  const within = (folder: string) =>
    texts.filter(([path]) => path.includes(folder)).map(([path]) => ({ name: path, path }));
  const sources = {
    decoders: within("decoders/"),
    rules: within("rules/"),
    lists: within("lists/"),
  };
  return { files, sources };
}
