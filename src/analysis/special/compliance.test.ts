/** Goal: requirements that an event names join those of its rule, and nothing else changes. Method: events by hand, hostile keys. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { SeededRandom } from "#testing/random.ts";
import { ruleArraysWith } from "./compliance.ts";
import { eventOf } from "./special-message.fixture.ts";

const SCA_GROUPS = "sca,gdpr_IV_35.7.d,pci_dss_2.2,";
const ROOTCHECK_GROUPS = "ossec,rootcheck,gdpr_IV_30.1.g,";

function ofChecks(fields: readonly (readonly [key: string, value: string])[]): unknown {
  const event = eventOf("p:sca:x");
  for (const [key, value] of fields) event.addDynamic(`sca.check.compliance.${key}`, value);
  const arrays = ruleArraysWith(event, SCA_GROUPS);
  return arrays === null ? null : JSON.parse(`{${arrays}}`);
}

function ofText(text: string, groups = ROOTCHECK_GROUPS): unknown {
  const event = eventOf("9:rootcheck:x");
  event.fullLog = text;
  const arrays = ruleArraysWith(event, groups);
  return arrays === null ? null : JSON.parse(`{${arrays}}`);
}

const SCA_RULE = { groups: ["sca"], gdpr: ["IV_35.7.d"] };

test("ruleArraysWith() adds the requirements of a check, to arrays that are there and new ones", () => {
  assert.deepEqual(
    ofChecks([
      ["pci_dss", "1.1, 1.2,,"],
      ["cis", "5"],
    ]),
    { ...SCA_RULE, pci_dss: ["2.2", "1.1", "1.2"], cis: ["5"] },
  );
  assert.equal(ofChecks([]), null);
});

test("ruleArraysWith() takes from a check what its document shows as text", () => {
  const rule = { ...SCA_RULE, pci_dss: ["2.2"] };
  assert.deepEqual(ofChecks([["cmmc_v2.0", "AC"]]), rule);
  assert.deepEqual(ofChecks([["cis", '["1"]']]), rule);
  assert.deepEqual(ofChecks([["cis", "[1"]]), { ...rule, cis: ["[1"] });
  assert.deepEqual(ofChecks([["cis", " , "]]), rule);
  assert.deepEqual(
    ofChecks([
      ["cis", "1"],
      ["CIS", "2"],
    ]),
    { ...rule, cis: ["1"] },
  );
});

test("ruleArraysWith() adds the requirements in the text of a rootcheck finding", () => {
  const rule = { groups: ["ossec", "rootcheck"], gdpr: ["IV_30.1.g"] };
  assert.deepEqual(ofText("Audit {PCI_DSS: 2.2.4, 4.1} {CIS: 1.1.1 Debian}."), {
    ...rule,
    pci_dss: ["2.2.4", "4.1"],
    cis: ["1.1.1 Debian"],
  });
  assert.deepEqual(ofText("Audit {GDPR: x}"), { ...rule, gdpr: ["IV_30.1.g", "x"] });
  assert.deepEqual(ofText("{a:1} {a-b: 1} {: 1} {a: 1"), rule);
  assert.deepEqual(ofText("{a: }"), { ...rule, a: [] });
  assert.deepEqual(ofText(`${"x".repeat(1020)}{a: 1}`), rule);
  assert.equal(ofText("no braces"), null);
  assert.equal(ofText("Audit {PCI_DSS: 2.2.4}", "ossec,"), null);
  assert.deepEqual(ofText("Audit {PCI_DSS: 2.2.4}", "not_rootcheck,"), { groups: ["not_rootcheck"] });
});

test("ruleArraysWith() changes nothing of a rule but compliance", () => {
  const keys = ["level", "ID", "description", "groups", "Groups", "mitre", "mail", "firedtimes", "frequency"];
  assert.deepEqual(ofText(keys.map((key) => `{${key}: 1}`).join("")), {
    groups: ["ossec", "rootcheck"],
    gdpr: ["IV_30.1.g"],
  });
  assert.deepEqual(ofChecks(keys.map((key) => [key, "1"])), { ...SCA_RULE, pci_dss: ["2.2"] });
});

test("ruleArraysWith() adds no more than ten requirements of a text", () => {
  const arrays = ofText(Array.from({ length: 30 }, (_, index) => `{k${index}: 1}`).join(""));
  assert.equal(Object.keys(arrays ?? {}).length, 12);
});

test("ruleArraysWith() makes JSON of any text", () => {
  const random = new SeededRandom(3);
  const seed = Buffer.from("x {PCI_DSS: 2.2.4} {__proto__: a} {CIS: 1, 2}");
  for (let round = 0; round < 2000; round++) ofText(random.mutate(seed).toString("latin1"));
});
