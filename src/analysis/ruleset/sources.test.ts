/** Goal: the same files in the same order as the peer. Method: folders in memory, the peer's layout and configured ones. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { CodedError } from "#kernel/errors.ts";
import { FakeFiles } from "#testing/files.ts";
import {
  configuredSources,
  mergeSources,
  namedByPath,
  type RulesetFile,
  type RulesetSettings,
  stockSources,
} from "./sources.ts";

function filesOf(...paths: readonly string[]): FakeFiles {
  const files = new FakeFiles();
  for (const path of paths) {
    files.makeDirectory(path.slice(0, path.lastIndexOf("/")));
    if (!path.endsWith("/")) files.write(path, "");
  }
  return files;
}

const names = (files: readonly RulesetFile[]) => files.map(({ name }) => name);
const inHome = (name: string) => `/home/${name}`;

const NOTHING: RulesetSettings = {
  ruleDirectories: [],
  decoderDirectories: [],
  ruleIncludes: [],
  decoderIncludes: [],
  ruleExcludes: [],
  decoderExcludes: [],
  lists: [],
};
const directory = (path: string, pattern = ".xml$") => ({ path, pattern });

function configuredRules(files: FakeFiles, settings: Partial<RulesetSettings>): readonly string[] {
  return names(configuredSources(files, inHome, { ...NOTHING, ...settings }).rules);
}

test("stockSources() reads the peer's layout in the order of names, without the file it leaves out", () => {
  const files = filesOf(
    "/set/decoders/0020-b.xml",
    "/set/decoders/0010-a.xml",
    "/set/rules/0215-policy_rules.xml",
    "/set/rules/0100-b.xml",
    "/set/rules/0020-a.xml",
    "/set/rules/notes.txt",
    "/set/rules/folder.xml/",
    "/set/lists/audit-keys",
    "/set/lists/malicious-ioc/malicious-ip",
    "/set/lists/own",
  );
  const sources = stockSources(files, "/set");
  assert.deepEqual(sources, {
    decoders: [
      { name: "ruleset/decoders/0010-a.xml", path: "/set/decoders/0010-a.xml" },
      { name: "ruleset/decoders/0020-b.xml", path: "/set/decoders/0020-b.xml" },
    ],
    rules: [
      { name: "ruleset/rules/0020-a.xml", path: "/set/rules/0020-a.xml" },
      { name: "ruleset/rules/0100-b.xml", path: "/set/rules/0100-b.xml" },
    ],
    lists: [
      { name: "etc/lists/audit-keys", path: "/set/lists/audit-keys" },
      { name: "etc/lists/malicious-ioc/malicious-ip", path: "/set/lists/malicious-ioc/malicious-ip" },
    ],
  });
});

test("stockSources() finds nothing in an empty folder", () => {
  assert.deepEqual(stockSources(filesOf("/set/x"), "/set"), { decoders: [], rules: [], lists: [] });
});

test("configuredSources() sorts the files of all folders together by their base names", () => {
  const files = filesOf(
    "/home/ruleset/rules/0100-b.xml",
    "/home/ruleset/rules/0020-a.xml",
    "/home/etc/rules/local_rules.xml",
    "/home/etc/rules/0050-own.xml",
    "/home/etc/rules/deeper/x.xml",
  );
  const ruleDirectories = [directory("ruleset/rules"), directory("etc/rules"), directory("etc/none")];
  assert.deepEqual(configuredRules(files, { ruleDirectories }), [
    "ruleset/rules/0020-a.xml",
    "etc/rules/0050-own.xml",
    "ruleset/rules/0100-b.xml",
    "etc/rules/local_rules.xml",
  ]);
});

test("configuredSources() keeps equal base names in the order of the folders", () => {
  const files = filesOf("/home/b/x.xml", "/home/a/x.xml");
  assert.deepEqual(configuredRules(files, { ruleDirectories: [directory("b"), directory("a")] }), [
    "b/x.xml",
    "a/x.xml",
  ]);
});

test("configuredSources() compares names as bytes, like strcmp", () => {
  const files = filesOf("/home/r/b.xml", "/home/r/B.xml", "/home/r/_.xml", "/home/r/10.xml", "/home/r/9.xml");
  assert.deepEqual(configuredRules(files, { ruleDirectories: [directory("r")] }), [
    "r/10.xml",
    "r/9.xml",
    "r/B.xml",
    "r/_.xml",
    "r/b.xml",
  ]);
});

test("configuredSources() matches the pattern of a folder against folder/file, as OS_Regex", () => {
  const files = filesOf("/home/r/a.xml", "/home/r/b.xml.bak", "/home/r/axml", "/home/r/c.rules");
  assert.deepEqual(configuredRules(files, { ruleDirectories: [directory("r")] }), ["r/a.xml"]);
  assert.deepEqual(configuredRules(files, { ruleDirectories: [directory("r", "^r/\\w.rules$")] }), [
    "r/c.rules",
  ]);
});

test("configuredSources() refuses a pattern that is no expression", () => {
  const settings = { ruleDirectories: [directory("r", "(")] };
  assert.throws(
    () => configuredRules(filesOf("/home/r/a.xml"), settings),
    (error) => error instanceof CodedError && error.code === "ruleset_pattern_invalid",
  );
});

test("configuredSources() leaves out what is excluded, by name or path, and what came before", () => {
  const files = filesOf("/home/r/a.xml", "/home/r/b.xml", "/home/r/c.xml", "/home/r/d.xml");
  const settings = {
    ruleDirectories: [directory("r"), directory("r")],
    ruleIncludes: ["r/c.xml", "other/a.xml", "z/missing.xml", "other/b.xml"],
    ruleExcludes: ["a.xml", "r/b.xml"],
  };
  assert.deepEqual(configuredRules(files, settings), ["other/b.xml", "r/c.xml", "r/d.xml", "z/missing.xml"]);
});

test("configuredSources() keeps decoders apart from rules and resolves every path", () => {
  const files = filesOf("/home/d/a.xml", "/home/r/a.xml");
  const sources = configuredSources(files, inHome, {
    ...NOTHING,
    decoderDirectories: [directory("d")],
    decoderIncludes: ["d/0.xml"],
    decoderExcludes: ["b.xml"],
    ruleDirectories: [directory("r")],
    lists: ["etc/lists/b", "etc/lists/a"],
  });
  assert.deepEqual(sources, {
    decoders: [
      { name: "d/0.xml", path: "/home/d/0.xml" },
      { name: "d/a.xml", path: "/home/d/a.xml" },
    ],
    rules: [{ name: "r/a.xml", path: "/home/r/a.xml" }],
    lists: [
      { name: "etc/lists/b", path: "/home/etc/lists/b" },
      { name: "etc/lists/a", path: "/home/etc/lists/a" },
    ],
  });
});

test("mergeSources() orders both sets together; a list of the first hides its namesake", () => {
  const file = (name: string, path = name) => ({ name, path });
  const merged = mergeSources(
    {
      decoders: [file("s/0010.xml"), file("s/x.xml")],
      rules: [file("s/0020.xml")],
      lists: [file("l/a", "1")],
    },
    {
      decoders: [file("o/0005.xml"), file("o/x.xml")],
      rules: [file("o/0010.xml")],
      lists: [file("l/a", "2"), file("l/b")],
    },
  );
  assert.deepEqual(names(merged.decoders), ["o/0005.xml", "s/0010.xml", "s/x.xml", "o/x.xml"]);
  assert.deepEqual(names(merged.rules), ["o/0010.xml", "s/0020.xml"]);
  assert.deepEqual(merged.lists, [file("l/a", "1"), file("l/b")]);
});

test("namedByPath() names rules and decoders by their paths, lists as rules call them", () => {
  const file = { name: "r/a.xml", path: "/home/r/a.xml" };
  const named = { name: "/home/r/a.xml", path: "/home/r/a.xml" };
  assert.deepEqual(namedByPath({ decoders: [file], rules: [file], lists: [file] }), {
    decoders: [named],
    rules: [named],
    lists: [file],
  });
});
