/**
 * Goal: documents do not promise what is not there. Method: every link, anchor, path, npm script, command and option that a document
 * names is looked up in the tree, in package.json and in the program itself.
 */
import assert from "node:assert/strict";
import { existsSync, globSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { readDecoder } from "#analysis/ruleset/decoder-reader.ts";
import { ProblemList } from "#analysis/ruleset/problems.ts";
import { optionReaderOf } from "#analysis/ruleset/rule-options.ts";
import { type Place, placesOf } from "#cli/completion/command-tree.ts";
import { fakeProcess } from "#cli/environment.fixture.ts";
import { buildProgram } from "#cli/program.ts";
import { readXml } from "#formats/xml/xml.ts";
import { ROOT } from "./run-all.ts";

const PAGES: readonly string[] = globSync("**/*.md", {
  cwd: ROOT,
  exclude: ["node_modules/**", "home/**", ".*/**", "test/vectors/**"],
}).sort();
/** The documents of the project as a whole: the paths in them are from the root, and no others are there. */
const PROJECT_PAGES = PAGES.filter((page) => page.startsWith("docs/") || !page.includes("/"));

function read(page: string): string {
  return readFileSync(join(ROOT, page), "utf8");
}

function withoutCodeBlocks(text: string): string {
  return text.replaceAll(/^```.*?^```$/gms, "");
}

/** As GitHub makes them: lower case, blanks to hyphens, nothing but letters, digits, hyphens and underscores. */
function anchorsOf(text: string): readonly string[] {
  return [...withoutCodeBlocks(text).matchAll(/^#+ (.*)$/gm)].map(([, heading = ""]) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\-_ ]/gu, "")
      .replaceAll(" ", "-"),
  );
}

/** What stands in code: blocks line by line, and the spans in the text. */
function codeOf(text: string): readonly string[] {
  const blocks = [...text.matchAll(/^```.*?\n(.*?)^```$/gms)].flatMap(([, block = ""]) => block.split("\n"));
  const spans = [...withoutCodeBlocks(text).matchAll(/`([^`\n]+)`/g)].map(([, span = ""]) => span);
  return [...blocks, ...spans];
}

for (const page of PAGES) {
  test(`${page} links to files and headings that exist`, () => {
    for (const [, target = ""] of withoutCodeBlocks(read(page)).matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^[a-z]+:/.test(target)) continue;
      const [path = "", anchor] = target.split("#");
      const file = path === "" ? page : join(dirname(page), path);
      assert(existsSync(join(ROOT, file)), target);
      if (anchor !== undefined) assert(anchorsOf(read(file)).includes(anchor), target);
    }
  });
}

for (const page of PROJECT_PAGES) {
  test(`${page} names paths of the tree that exist`, () => {
    for (const code of codeOf(read(page))) {
      if (code.startsWith("wazuh v")) continue; // a path of the peer, as comments name their sources
      for (const [path] of code.matchAll(/(?<![\w./:…-])(?:src|test|tools|bench|docs|\.ci)\/[\w./-]*\w/g)) {
        assert(existsSync(join(ROOT, path)), path);
      }
    }
  });
}

const manifest: { readonly scripts: Readonly<Record<string, string>> } = JSON.parse(read("package.json"));
const places = placesOf(buildProgram(fakeProcess([])));

function placeOf(path: string): Place {
  const place = places.find((candidate) => candidate.path === path);
  assert(place !== undefined, path);
  return place;
}

/** Words behind the program's name, up to a comment or what a shell does with the result. */
function assertCall(words: readonly string[], call: string): void {
  let place = placeOf("");
  for (const word of words) {
    if (word === "#" || word === "|" || word === "&&") return;
    const option = /^\[?(--[a-z-]+|-[a-z]\b)/.exec(word)?.[1];
    if (option === "-h" || option === "--help") continue;
    if (option !== undefined) {
      assert(
        place.options.some(({ word: known }) => known === option),
        `${option} in: ${call}`,
      );
    } else if (place.commands.some(({ word: name }) => name === word.replace(/[;,.]$/, ""))) {
      place = placeOf(`${place.path} ${word.replace(/[;,.]$/, "")}`.trim());
    } else {
      // A command that has others below it takes no argument.
      assert(place.commands.length === 0, `${word} in: ${call}`);
    }
  }
}

for (const page of PAGES) {
  test(`${page} names npm scripts and commands that exist`, () => {
    for (const code of codeOf(read(page))) {
      for (const [call, script = ""] of code.matchAll(/\bnpm run (?:-s )?([\w:-]+)/g)) {
        assert(Object.hasOwn(manifest.scripts, script), call);
      }
      const call = /(?:^|[|(] )(?:\.\/cyb3rhq|cyb3rhq|npm run -s cyb3rhq --|npm start --)(?: (.*))?$/.exec(
        code,
      );
      if (call === null || /^cyb3rhq[:\w-]/.test(code)) continue;
      const words = (call[1] ?? "").split(" ").filter((word) => word !== "");
      assertCall(code.startsWith("npm start") ? ["start", ...words] : words, code);
    }
  });
}

/** The names in the first column of the table below a heading. */
function namesBelow(heading: string): readonly string[] {
  const [, section = ""] = read("docs/operating/rules.md").split(`## ${heading}\n`);
  const table = section.split("\n## ")[0] ?? "";
  return [...table.matchAll(/^\| (`.*?) \|/gm)].flatMap(([, cell = ""]) =>
    [...cell.matchAll(/`(\w+)`/g)].map(([, name = ""]) => name),
  );
}

test("docs/operating/rules.md names options that rules may have", () => {
  const names = namesBelow("Options of a rule");
  assert(names.length > 50);
  for (const name of names) assert(optionReaderOf(name) !== undefined, name);
});

test("docs/operating/rules.md names every option that decoders may have, and no other", () => {
  const xml = readXml('<decoder name="x"><made_up/></decoder>', "x.xml");
  assert(xml.ok);
  const problems = new ProblemList();
  for (const element of xml.elements) readDecoder(element, problems);
  const expected = problems.all.find(({ message }) => message.includes("made_up"))?.expected ?? "";
  const known = expected.replace(/^one of /, "").split(", ");
  assert.deepEqual(namesBelow("Options of a decoder").toSorted(), known.toSorted());
});

test("docs/operating/cluster.md draws every task that cluster.log names", () => {
  const { 1: drawing = "" } =
    /^## How the nodes work together\n+```\n(.*?)^```$/ms.exec(read("docs/operating/cluster.md")) ?? [];
  const type = /export type Subtag =([^;]*);/.exec(read("src/cluster/tagged-log.ts"))?.[1] ?? "";
  const tasks = [...type.matchAll(/"([^"]+)"/g)].flatMap(([, task]) => (task === undefined ? [] : [task]));
  assert(tasks.length > 8);
  for (const task of tasks) {
    // What is all of a kind is drawn once.
    const name = task.replace(/ full$/, "");
    assert(name === "Main" || drawing.includes(name), task);
  }
});
