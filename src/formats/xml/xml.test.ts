/**
 * Goal: the dialect reads as its rules say, and nothing makes the reader throw, hang or grow. Method: one hand-written case
 * a rule and an error, limits from both sides, damaged copies of a dense sample, and a rule set of real size when present.
 */
import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { SeededRandom } from "#testing/random.ts";
import type { XmlElement } from "./elements.ts";
import { readPlainXml, readXml } from "./xml.ts";

/** `name[attribute=value](children)content`, enough to compare a forest in one line. */
function show(elements: readonly XmlElement[]): string {
  return elements
    .map(({ name, attributes, content, children }) => {
      const shown = attributes.map((attribute) => `${attribute.name}=${attribute.value}`).join(",");
      return `${name}[${shown}](${show(children)})${content}`;
    })
    .join("; ");
}

function read(text: string): string {
  const outcome = readXml(text, "f.xml");
  return outcome.ok ? show(outcome.elements) : `line ${outcome.line}: ${outcome.reason}`;
}

const READINGS: readonly (readonly [rule: string, text: string, expected: string])[] = [
  ["an empty text", "", ""],
  ["no element at all", "plain text", ""],
  ["several roots, text between them skipped", "\xef\xbb\xbfx<a>1</a> y <b>2</b> z", "a[]()1; b[]()2"],
  ["no entity is decoded", "<a>&lt;&amp;&#10;</a>", "a[]()&lt;&amp;&#10;"],
  ["content is not trimmed", "<a> \n x\t</a>", "a[]() \n x\t"],
  ["names end at blank or >", "<a\n>1</a><b\t>2</b>", "a[]()1; b[]()2"],
  ["U+00A0 is no blank", "<a\xa0b>1</a\xa0b>", "a\xa0b[]()1"],
  ["only the text after the last child is kept", "<a>1<b>2</b>3<c/>4</a>", "a[](b[]()2; c[]())4"],
  ["an empty element", "<a></a>", "a[]()"],
  ["a slash in the name closes", "<a/><b/>", "a[](); b[]()"],
  ["a slash after a blank closes", "<p><a /><b c='1'/><d e='1' /></p>", "p[](a[](); b[c=1](); d[e=1]())"],
  ["a slash in the name closes behind attributes too", "<p><a/ b='1'>x</p>", "p[](a[b=1]())x"],
  ["a comment is dropped and does not split", "<a>x<!-- <b> -->y<! z !>w</a>", "a[]()xyw"],
  ["a comment between roots", "<!-- <a> --><b/>", "b[]()"],
  ["a comment inside a name and a closing tag", "<a<!x!>b>1</a<!-- -->b>", "ab[]()1"],
  ["a comment ends at the first of both ends", "<a><!-- x !>y</a><b><! x -->z</b>", "a[]()y; b[]()z"],
  ["the shortest comments", "<a><!-->1<!!>2</a>", "a[]()12"],
  ["an end needs its own bytes", "<a><!>x!>1<!->x-->2</a>", "a[]()12"],
  ["a backslash makes < literal, both stay", "<a>x\\<b>y</a>", "a[]()x\\<b>y"],
  ["two backslashes do not", "<a>x\\\\<b></b></a>", "a[](b[]())"],
  ["three backslashes do", "<a>\\\\\\<b</a>", "a[]()\\\\\\<b"],
  ["the literal < ends the run", "<a>\\<</a>", "a[]()\\<"],
  ["a comment comes before the backslash", "<a>\\<!x!>y</a>", "a[]()\\y"],
  ["the backslash outlives a comment", "<a>\\<!x!><b</a>", "a[]()\\<b"],
  ["a backslash has no meaning between roots", "\\<a>1</a>", "a[]()1"],
  ["attributes in both quotes", "<a b=\"1'\" c='2\"'>x</a>", "a[b=1',c=2\"]()x"],
  ["blanks after the equal sign", "<a b= \n 'x y'\tc='' >1</a>", "a[b=x y,c=]()1"],
  ["a backslash means nothing in an attribute", "<a b='\\'>1</a>", "a[b=\\]()1"],
  ["a < in an attribute is text", "<a b='<!x'>1</a>", "a[b=<!x]()1"],
  ["a < in a name is text", "<a<b>1</a<b>", "a<b[]()1"],
  ["an empty name", "<>1</>", "[]()1"],
  ["every text ends at a NUL", "<a\0x b='1\x002'>3\x004</a>", "a[b=1]()3"],
  ["variables, found without case", '<var name="X">v</var><a>1 $x.2</a>', "a[]()1 v.2"],
  ["a use ends at $ . | , and blank", '<var name="X">v</var><a>$X$X.$X|$X,$X $X</a>', "a[]()vv.v|v,v v"],
  ["attributes are replaced too", '<var name="X">v</var><a b="a$X">1</a>', "a[b=av]()1"],
  ["two bytes are too short", '<var name="X">v</var><a>$X</a>', "a[]()$X"],
  ["a replacement is not read again", '<var name="X">$XX</var><a>=$X</a>', "a[]()=$XX"],
  ["a lone $ stays", '<var name="X">v</var><a>^foo$|^bar$</a>', "a[]()^foo$|^bar$"],
  ["$( stays", '<var name="X">v</var><a>is $(field) $X</a>', "a[]()is $(field) v"],
  ["without a definition nothing is looked up", "<a>$unknown</a>", "a[]()$unknown"],
  ["a definition counts from its place on", '<a>$XX</a><var name="XX">v</var><b>$XX</b>', "a[]()$XX; b[]()v"],
  ["a definition inside a child", '<a><var name="XX">v</var><b>$XX</b></a>', "a[](b[]()v)"],
  ["the first definition wins", '<var name="XX">1</var><var name="xx">2</var><a>$XX</a>', "a[]()1"],
];

test("readXml() reads each rule of the dialect", () => {
  for (const [rule, text, expected] of READINGS) assert.equal(read(text), expected, rule);
});

const ERRORS: readonly (readonly [text: string, line: number, reason: string])[] = [
  ["</a>", 1, "Element not opened."],
  ["<a/></a>", 1, "Element not opened."],
  ["\n<a>\n</b>", 3, "Element 'a' not closed."],
  ["<a></A>", 1, "Element 'a' not closed."],
  ["<a></a >", 1, "Element 'a' not closed."],
  ["<a><b></a></b>", 1, "Element 'b' not closed."],
  ["<a>\n<!-- x", 2, "Comment not closed."],
  ["<!>", 1, "Comment not closed."],
  ["<!->", 1, "Comment not closed."],
  ["<", 1, "End of file and some elements were not closed."],
  ["<a", 1, "End of file and some elements were not closed."],
  ["<a>\n", 2, "End of file and some elements were not closed."],
  ["<a><b></b>", 1, "End of file and some elements were not closed."],
  ["<a></a", 1, "End of file and some elements were not closed."],
  ["<a b", 1, "End of file while reading an attribute."],
  ["<a b='x", 1, "End of file while reading an attribute."],
  ["<a ", 1, "End of file while reading an attribute."],
  ["<a b>", 1, "Attribute 'b' has no value."],
  ["<a b\n='x'>", 2, "Attribute 'b' has no value."],
  ["<a b/>", 1, "Attribute 'b' has no value."],
  ["<a b='x>", 1, "Attribute 'b' not closed."],
  ["<a b='>'>", 1, "Attribute 'b' not closed."],
  ["<a b=x>", 1, "Attribute 'b' not followed by a \" or '."],
  ["<a b=", 1, "Attribute 'b' not followed by a \" or '."],
  ["<a b='1' b='2'>", 1, "Attribute 'b' already defined."],
  ["<a b='1'c='2'>", 1, "Bad attribute closing for 'b'='1'."],
  ["<a b='1'", 1, "Bad attribute closing for 'b'='1'."],
  ['<?xml version="1.0"?><a/>', 1, "Bad attribute closing for 'version'='1.0'."],
  ['<var name="X">v</var>\n<a>$foo bar</a>', 2, "Unknown variable: 'foo'."],
  ['<var name="X" b="1">v</var>', 1, 'Only "name" is allowed as an attribute for a variable.'],
  ["<var>v</var>", 1, "No value set for variable."],
  [`<var name="${"x".repeat(256)}">v</var>`, 1, "Invalid variable name size."],
];

test("readXml() gives the peer's reason and line for each error", () => {
  for (const [text, line, reason] of ERRORS)
    assert.equal(read(text), `line ${line}: XMLERR: ${reason}`, text);
});

test("readXml() wraps the reason, says where and what to do", () => {
  const outcome = readXml("<ok/>\n  <key><ENCRYPTION_KEY></key>", "ossec.conf");
  assert(!outcome.ok);
  const { problem } = outcome;
  const message = "XMLERR: Element 'ENCRYPTION_KEY' not closed.";
  assert.equal(problem.message, `(1226): Error reading XML file 'ossec.conf': ${message} (line 2).`);
  assert.deepEqual(problem.position, { file: "ossec.conf", line: 2, column: 29 });
  assert.match(problem.expected, /<\/ENCRYPTION_KEY>.*placeholder/);

  const variables = readXml('<var name="X">v</var><a>$foo</a>', "r.xml");
  assert(!variables.ok);
  assert.equal(
    variables.problem.message,
    "(1227): Error applying XML variables 'r.xml': XMLERR: Unknown variable: 'foo'..",
  );
});

test("readXml() knows the place of elements, attributes and contents", () => {
  const outcome = readXml("<a>\n <b c='1'\n   d='2'> x</b>y</a>", "f");
  assert(outcome.ok);
  const [a] = outcome.elements;
  const [b] = a?.children ?? [];
  assert.deepEqual(a?.position, { file: "f", line: 1, column: 1 });
  assert.deepEqual(a?.contentPosition, { file: "f", line: 3, column: 16 });
  assert.deepEqual(b?.position, { file: "f", line: 2, column: 2 });
  assert.deepEqual(b?.contentPosition, { file: "f", line: 3, column: 10 });
  assert.deepEqual(b?.attributes[1]?.position, { file: "f", line: 3, column: 4 });
});

test("readXml() accepts each limit and refuses one more", () => {
  const longest = "x".repeat(20_479);
  assert.equal(read(`<a>${longest}</a>`), `a[]()${longest}`);
  assert.equal(read(`<a>\n${longest}</a>`), "line 2: XMLERR: String overflow.");
  assert.equal(read(`<a>${longest}<!x!>\ny</a>`), "line 2: XMLERR: String overflow.");
  assert.equal(read(`<${longest}/>`), "line 1: XMLERR: String overflow.");
  assert.equal(read(`<a></${longest}y>`), "line 1: XMLERR: String overflow.");
  assert.equal(read(`<a b='${longest}'/>`), `a[b=${longest}]()`);
  assert.equal(read(`<a b='${longest}y'/>`), "line 1: XMLERR: Overflow attempt at attribute 'b'.");
  assert.equal(
    read(`<a ${longest}y='1'/>`),
    `line 1: XMLERR: Overflow attempt at attribute '${"x".repeat(20)}'.`,
  );
  assert.equal(read(`<a></b${longest.slice(0, 20_000)}>`), "line 1: XMLERR: Element 'a' not closed.");

  const nested = (depth: number) => "<a>".repeat(depth) + "</a>".repeat(depth);
  assert(readXml(nested(1024), "f").ok);
  assert.equal(read(nested(1025)), "line 1: XMLERR: Max recursion level reached");

  const attributes = (count: number) =>
    `<a ${Array.from({ length: count }, (_, i) => `b${i}=''`).join(" ")}/>`;
  assert(readXml(attributes(48), "f").ok);
  assert.equal(read(attributes(49)), "line 1: XMLERR: Too many attributes.");

  assert(readXml(`<var name="${"x".repeat(255)}">v</var>`, "f").ok);
  const long = read(`<${"n".repeat(200)}></b>`);
  assert.equal(long, `line 1: ${`XMLERR: Element '${"n".repeat(200)}`.slice(0, 127)}`);
});

test("readXml() bounds what variables can grow a file to", () => {
  const bomb = `<var name="X">${"v".repeat(20_000)}</var>${"<a>$X,</a>".repeat(1000)}`;
  assert.equal(read(bomb), "line 1: XMLERR: String overflow.");
});

test("readPlainXml() leaves variables alone and cuts a long content on demand", () => {
  const plain = readPlainXml('<var name="X">v</var><a>$foo</a>', "f");
  assert(plain.ok);
  assert.equal(show(plain.elements), "var[name=X]()v; a[]()$foo");

  const long = `<a>${"x".repeat(30_000)}<!--c-->y</a>`;
  assert(!readPlainXml(long, "f").ok);
  const cut = readPlainXml(long, "f", { truncate: true });
  assert(cut.ok);
  assert.equal(cut.elements[0]?.content, "x".repeat(20_479));
});

test("readXml() survives damaged text and reads hostile text in linear time", () => {
  const sample = `${READINGS.map(([, text]) => text).join("\n")}<g name="a,b"><r id="1"><m>x\\<y</m></r></g>`;
  const random = new SeededRandom(11);
  for (let round = 0; round < 3000; round++) {
    const start = random.below(sample.length);
    const damaged = random.mutate(Buffer.from(sample.slice(start, start + 200), "latin1"));
    const outcome = readXml(damaged.toString("latin1"), "f");
    if (!outcome.ok) assert.match(outcome.reason, /^XMLERR: /, `round ${round}`);
  }

  const repeated = [
    "<",
    "<a ",
    "<!",
    "<a>",
    "<!-->",
    "<a b='",
    "\\",
    "<a/>",
    "<a>\\<",
    "<!x>-",
    "$X",
    "<a>\n</a>",
  ];
  for (const piece of repeated) {
    const startMs = performance.now();
    readXml(`<var name="X"></var><r>${piece.repeat(200_000)}`, "f");
    readXml(piece.repeat(200_000), "f");
    assert(performance.now() - startMs < 1000, piece);
  }
});

const RULESET = process.env["PEER_RULESET_DIR"] ?? "";

test("readXml() reads a whole foreign rule set", {
  skip: !existsSync(RULESET) && "PEER_RULESET_DIR is not set",
}, (t) => {
  let elements = 0;
  const startMs = performance.now();
  for (const folder of ["decoders", "rules"]) {
    for (const name of readdirSync(`${RULESET}/${folder}`)) {
      const outcome = readXml(readFileSync(`${RULESET}/${folder}/${name}`, "latin1"), name);
      assert(outcome.ok, outcome.ok ? "" : outcome.problem.message);
      const count = (list: readonly XmlElement[]): number =>
        list.reduce((sum, element) => sum + 1 + count(element.children), 0);
      elements += count(outcome.elements);
    }
  }
  t.diagnostic(`${elements} elements in ${Math.round(performance.now() - startMs)} ms`);
  assert(elements > 20_000);
});
