/**
 * Goal: looking rules up changes nothing but the time it takes. Method: random siblings and random events; the same compiled nodes are
 * walked with their index and without it, and the rule that is found must be the same.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { compileRuleset, EngineFixture, JSON_DECODER } from "#analysis/engine.fixture.ts";
import type { Event } from "#analysis/event.ts";
import { Trace } from "#analysis/trace/trace.ts";
import { SeededRandom } from "#testing/random.ts";
import type { CompiledRule, RuleNode, Siblings } from "./compiled-rule.ts";

const VALUES = ["a", "b", "B", "c", "", "a|b", "\xe9", "\xc9", "aa"];
/** Long enough to be looked for as literals, in one way or another: parts of each other, in both cases, longer than what is looked for of them. */
const WORDS = ["abc", "xABCy", "bcd", "abcd", "word", "a_long_word_of_a_field", "a_long_word_of_a_FIELDS"];
const DECODERS = `${JSON_DECODER}
  <decoder name="alpha"><prematch>^alpha </prematch><regex>=(\\S+) =(\\S+)$</regex><order>id, Kind</order></decoder>
  <decoder name="beta"><prematch>^beta </prematch><regex>=(\\S+) =(\\S+)$</regex><order>status, kind</order></decoder>`;

function escaped(value: string): string {
  return value.replaceAll(/[&<>$^\\|]/g, "");
}

function randomCondition(random: SeededRandom): string {
  const value = escaped(random.pick(VALUES));
  const other = escaped(random.pick(VALUES));
  const negate = random.below(5) === 0 ? ' negate="yes"' : "";
  const word = random.pick(WORDS);
  switch (random.below(16)) {
    case 0:
      return `<field name="${random.pick(["kind", "Kind", "KIND"])}"${negate}>^${value}$</field>`;
    case 1:
      return `<field name="kind"${negate}>^${value}$|^${other}$</field>`;
    case 2:
      return `<field name="kind"${negate}>${value}</field>`;
    case 3:
      return `<id${negate}>^${value}$|^${other}$</id>`;
    case 4:
      return `<id${negate}>^${value}</id>`;
    case 5:
      return `<status${negate}>^${value}$</status>`;
    case 6:
      return `<match${negate}>^alpha|beta</match>`;
    case 7:
      return `<program_name${negate}>^app${random.below(3)}</program_name>`;
    case 8:
    case 9:
      return `<field name="${random.pick(["kind", "KIND", "other"])}"${negate}>${word}</field>`;
    case 10:
      return `<field name="kind"${negate} type="pcre2">^${word}|${random.pick(WORDS)}$</field>`;
    case 11:
      return `<url${negate}>${word}|^${random.pick(WORDS)}</url>`;
    case 12:
      return `<match${negate}>${word}</match>`;
    case 13:
      return `<field name="other"${negate} type="pcre2">^${value}$</field>`;
    default:
      return "";
  }
}

function randomRules(random: SeededRandom): string {
  let rules = '<rule id="100000" level="0"><description>above</description></rule>';
  const count = 1 + random.below(40);
  for (let index = 1; index <= count; index++) {
    const decodedAs =
      random.below(3) === 0 ? `<decoded_as>${random.pick(["alpha", "beta", "json"])}</decoded_as>` : "";
    const noAlert = random.below(6) === 0 ? ' noalert="1"' : "";
    const conditions = randomCondition(random) + randomCondition(random);
    rules += `<rule id="${100_000 + index}" level="${random.below(5)}"${noAlert}><if_sid>100000</if_sid>${decodedAs}${conditions}<description>x</description></rule>`;
  }
  return rules;
}

function randomMessage(random: SeededRandom): string {
  const value = () => (random.below(2) === 0 ? random.pick(VALUES) : random.pick(WORDS));
  if (random.below(3) === 0)
    return `Nov 21 06:44:10 web1 app${random.below(40)}: alpha =${value()} =${value()}`;
  if (random.below(3) > 0) return `${random.pick(["alpha", "beta", "gamma"])} =${value()} =${value()}`;
  const names = ["id", "status", "kind", "Kind", "other", "url"];
  const fields = Array.from({ length: random.below(5) }, () => `"${random.pick(names)}": "${value()}"`);
  return `{"x":"y"${fields.map((field) => `,${field}`).join("")}}`;
}

function plainWalk(siblings: Siblings, event: Event): CompiledRule | null {
  for (const node of siblings.nodes) {
    if (!node.rule.checks.every((check) => check(event))) continue;
    const found = plainWalk(node.children, event) ?? (node.rule.definition.noAlert ? null : node.rule);
    if (found !== null) return found;
  }
  return null;
}

function countIndexes(node: RuleNode): number {
  const own = node.children.index === null ? 0 : 1;
  return own + node.children.nodes.reduce((sum, child) => sum + countIndexes(child), 0);
}

test("SiblingIndex finds the rule that a walk over all siblings finds", () => {
  const random = new SeededRandom(2026);
  const found = new Set<number | null>();
  let indexes = 0;
  for (let round = 0; round < 60; round++) {
    const fixture = new EngineFixture(
      compileRuleset({ decoders: DECODERS, rules: randomRules(random), levels: { log: 0, mail: 16 } }),
    );
    const roots = fixture.set.rules.rootsByCategory.get(1);
    assert(roots !== undefined);
    indexes += roots.nodes.reduce((sum, node) => sum + countIndexes(node), 0);
    for (let count = 0; count < 60; count++) {
      const message = randomMessage(random);
      const { event, verdict } = fixture.process(message);
      const expected: number | null = plainWalk(roots, event)?.id ?? null;
      assert.equal(verdict?.rule.id ?? null, expected, `round ${round}: ${message}`);
      found.add(expected);
    }
  }
  assert(indexes > 30, `${indexes} indexes were built`);
  assert(found.size > 25, `${found.size} different rules were found`);
});

test("SiblingIndex keeps the order of siblings among looked-up and other rules", () => {
  const rule = (id: number, body: string) =>
    `<rule id="${id}" level="5">${body}<description>x</description></rule>`;
  const byKind = (id: number, value: string) => rule(id, `<field name="kind">^${value}$</field>`);
  const rules = [
    byKind(100001, "a"),
    byKind(100002, "b"),
    rule(100003, '<field name="kind">b</field>'),
    byKind(100004, "c"),
    byKind(100005, "bb"),
    rule(100006, "<match>kind</match>"),
    byKind(100007, "d"),
  ].join("");
  const fixture = new EngineFixture({ decoders: JSON_DECODER, rules });
  const ruleOf = (kind: string) => fixture.rule(`{"kind": "${kind}"}`);
  assert.equal(ruleOf("b"), 100002);
  assert.equal(ruleOf("bb"), 100003, "the rule that is always tried stands first");
  assert.equal(ruleOf("C"), 100004);
  assert.equal(ruleOf("d"), 100006);
  assert.equal(ruleOf("none"), 100006);
});

test("siblings whose literals the log lacks are passed over, and those that are tried keep their order", () => {
  const texts = [
    "alpha|beta",
    "beta",
    "gamma|alpha|beta",
    "x",
    "delta",
    "alpha delta",
    "beta|epsilon",
    "^zeta",
  ];
  const rules = texts.map(
    (text, index) =>
      `<rule id="${100_001 + index}" level="${1 + ((index * 5) % 7)}"><match>${text}</match><description>d</description></rule>`,
  );
  const set = compileRuleset({ rules: rules.join("\n") });
  const words = ["alpha", "beta", "gamma", "delta", "epsilon", "zeta", "x", "alpha delta", "none"];
  const random = new SeededRandom(11);
  const found = new Set<number | null>();
  for (let round = 0; round < 300; round++) {
    const message = Array.from({ length: random.below(4) }, () => random.pick(words)).join(" ");
    const indexed = new EngineFixture(set, { mode: "session" }).rule(message);
    const walked = new EngineFixture(set, { mode: "session" });
    const outcome = walked.engine.process(walked.raw(message), new Trace());
    assert.equal(indexed, outcome.kind === "analysed" ? (outcome.verdict?.rule.id ?? null) : null, message);
    found.add(indexed);
  }
  assert.ok(found.size >= 6, `${found.size} verdicts`);
});
