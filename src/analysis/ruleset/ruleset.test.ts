/**
 * Goal: a set is loaded whole or not at all, and everything wrong with it is said at once, with its place. Method: small sets with
 * mistakes in several files, files that cannot be read, files at the limits.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { FileInfo } from "#kernel/ports/files.ts";
import { FakeFiles } from "#testing/files.ts";
import {
  loadTexts,
  messagesOf,
  requireTexts,
  shownProblem,
  shownTree,
  TEMPLATES,
} from "./load-texts.fixture.ts";
import { FILE_BYTES_MAX, LIST_BYTES_MAX, loadRuleset } from "./ruleset.ts";

const RULE = '<group name="a,"><rule id="100" level="3"><description>x</description></rule></group>';
const DECODER = '<decoder name="a"><prematch>x</prematch></decoder>';

const file = (name: string) => ({ name, path: name });

test("loadRuleset() reports every error of every file at once, with file, line, column and what was expected", () => {
  const { ruleset, problems } = loadTexts({
    decoders: {
      "d1.xml": '<decoder name="a">\n  <prematch>x</prematch>\n  <foo/>\n</decoder>',
      "d2.xml": '<decoder name="b"><parent>nope</parent></decoder>',
    },
    rules: {
      "r1.xml": `${TEMPLATES}<group name="a,">\n<rule id="100" level="3">\n  <regex>(</regex>\n  <bar/></rule></group>`,
      "r2.xml": "<group>",
      "r3.xml":
        '<group name="a,"><rule id="101" level="3"><if_sid>9</if_sid><description>x</description></rule></group>',
    },
  });
  assert.equal(ruleset, null);
  assert.deepEqual(problems.map(shownProblem), [
    "error d1.xml:3:3 Invalid element 'foo' for decoder 'decoder'",
    "error d2.xml:1:1 (2101): Parent decoder name invalid: 'nope'.",
    "error d2.xml:1:1 (2106): Error adding decoder plugin.",
    "error r1.xml:5:3 Invalid option 'bar' for rule '100'.",
    "error r1.xml:3:1 No such description at rule '100'.",
    "error r1.xml:4:3 (5107): Syntax error on tag 'regex' in rule 100",
    "error r2.xml:1:8 (1226): Error reading XML file 'r2.xml': XMLERR: End of file and some elements were not closed. (line 1).",
    "warning r3.xml:1:18 (7617): Signature ID '9' was not found and will be ignored in the 'if_sid' option of rule '101'.",
    "warning r3.xml:1:18 (7619): Empty 'if_sid' value. Rule '101' will be ignored.",
  ]);
  const expected = problems.map((problem) => problem.expected);
  assert.match(expected[0] ?? "", /^one of parent, /);
  assert.equal(expected[1], "the name of a decoder that has no parent and was loaded earlier");
  assert.equal(expected[4], "<description>");
  assert.equal(expected[5], "group is not closed in its alternative");
  assert.equal(expected[7], "a rule that was loaded earlier");
});

test("loadRuleset() gives a set that has warnings only", () => {
  const rules = `${TEMPLATES}${RULE}<group name="a,"><rule id="100" level="3"><description>x</description></rule></group>`;
  const { ruleset, problems } = loadTexts({ rules });
  assert.deepEqual(
    problems.map(({ severity }) => severity),
    ["warning"],
  );
  assert.equal(ruleset && shownTree(ruleset.rules.top), "1(100)");
});

test("loadRuleset() warns of files that cannot be read, and goes on", () => {
  const files = new FakeFiles();
  files.write("d.xml", DECODER);
  files.write("t.xml", TEMPLATES);
  files.write("r.xml", RULE);
  files.write("secret/r.xml", RULE);
  files.deny("secret");
  files.makeDirectory("/folder");
  const { ruleset, problems } = loadRuleset(files, {
    decoders: [file("missing.xml"), file("d.xml")],
    rules: [file("t.xml"), file("secret/r.xml"), file("/folder"), file("r.xml")],
    lists: [file("etc/lists/a")],
  });
  assert.deepEqual(problems.map(shownProblem), [
    "warning missing.xml:1:1 (1103): Could not open file 'missing.xml' due to [(2)-(No such file or directory)].",
    "warning etc/lists/a:1:1 (1103): Could not open file 'etc/lists/a' due to [(2)-(No such file or directory)].",
    "warning secret/r.xml:1:1 (1103): Could not open file 'secret/r.xml' due to [(13)-(Permission denied)].",
    "warning /folder:1:1 (1103): Could not open file '/folder' due to [(5)-(Input/output error)].",
  ]);
  assert.equal(ruleset && shownTree(ruleset.rules.top), "1(100)");
});

test("loadRuleset() takes an empty file of rules, and refuses an empty one of decoders", () => {
  assert.deepEqual(messagesOf({ rules: { "r.xml": TEMPLATES, "empty.xml": "" } }), []);
  for (const empty of ["", "  \n", "<!-- nothing -->"]) {
    assert.deepEqual(messagesOf({ decoders: { "d.xml": DECODER, "empty.xml": empty } }), [
      "error: (1202): Configuration error at 'empty.xml'.",
    ]);
  }
});

test("loadRuleset() knows a list by its name, with and without .cdb", () => {
  const { lists } = requireTexts({ lists: { "etc/lists/a": "k1:v1\nk1:v2\n" } });
  assert.deepEqual([...lists.keys()], ["etc/lists/a", "etc/lists/a.cdb"]);
  assert.deepEqual([...(lists.get("etc/lists/a.cdb") ?? [])], [["k1", "v1"]]);
});

test("loadRuleset() applies the variables of a file, in that file only", () => {
  const rules = (text: string) =>
    `<group name="a,"><rule id="100" level="3"><match>${text}</match><description>x</description></rule></group>`;
  const { rules: tree } = requireTexts({
    rules: { "t.xml": TEMPLATES, "r.xml": `<var name="WORD">bad|worse</var>${rules("$WORD")}` },
  });
  const [condition] = tree.entryOf(100)?.definition.conditions ?? [];
  assert.equal(condition?.kind === "pattern" && condition.pattern.text, "bad|worse");
  const unknown = {
    "t.xml": `${TEMPLATES}<var name="A">a</var>`,
    "r.xml": `<var name="B">b</var>${rules("$A_B")}`,
  };
  assert.deepEqual(messagesOf({ rules: unknown }), [
    "error: (1227): Error applying XML variables 'r.xml': XMLERR: Unknown variable: 'A_B'..",
  ]);
});

/** Files that claim a size: nothing of them may be read. */
class ClaimedSizes extends FakeFiles {
  readonly sizes = new Map<string, number>();
  override info(path: string): FileInfo | null {
    const info = super.info(path);
    const bytes = this.sizes.get(path);
    return info === null || bytes === undefined ? info : { ...info, bytes };
  }
}

test("loadRuleset() refuses files that are too large, unread", () => {
  const files = new ClaimedSizes();
  const texts = { "d.xml": DECODER, "r.xml": TEMPLATES, "broken.xml": "<x", "broken-list": "a:b" };
  for (const [name, text] of Object.entries(texts)) files.write(name, text);
  files.sizes.set("r.xml", FILE_BYTES_MAX);
  files.sizes.set("broken.xml", FILE_BYTES_MAX + 1);
  files.sizes.set("broken-list", LIST_BYTES_MAX + 1);
  const { ruleset, problems } = loadRuleset(files, {
    decoders: [file("d.xml"), file("broken.xml")],
    rules: [file("r.xml"), file("broken.xml")],
    lists: [file("broken-list")],
  });
  assert.equal(ruleset, null);
  const tooLarge = (name: string, bytes: number) =>
    `error ${name}:1:1 File '${name}' is too large: ${bytes} bytes.`;
  assert.deepEqual(problems.map(shownProblem), [
    tooLarge("broken.xml", FILE_BYTES_MAX + 1),
    tooLarge("broken-list", LIST_BYTES_MAX + 1),
    tooLarge("broken.xml", FILE_BYTES_MAX + 1),
  ]);
});
