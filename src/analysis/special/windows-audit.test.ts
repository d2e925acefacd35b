/**
 * Goal: the names that the peer gives to Windows' numbers. Method: numbers and names from Microsoft's documents of the events and of
 * the audit policy, and numbers that are none.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { auditCategoryOf, policyChangesOf, severityOf } from "./windows-audit.ts";

test("severityOf() names the level", () => {
  const names = ["1", "2", "3", "4", "5", "6", "-1", " 4", "4x"].map((level) => severityOf(level, "0x0"));
  assert.deepEqual(names, [
    "CRITICAL",
    "ERROR",
    "WARNING",
    "INFORMATION",
    "VERBOSE",
    "UNKNOWN",
    "UNKNOWN",
    "INFORMATION",
    "INFORMATION",
  ]);
});

test("severityOf() reads the audit bits of level 0", () => {
  for (const level of ["0", "", "x"]) {
    assert.equal(severityOf(level, "0x8010000000000000"), "AUDIT_FAILURE");
    assert.equal(severityOf(level, "0x8020000000000000"), "AUDIT_SUCCESS");
    assert.equal(severityOf(level, "0x8030000000000000"), "AUDIT_FAILURE", "failure is looked for first");
    assert.equal(severityOf(level, "8020000000000000"), "AUDIT_SUCCESS", "without a prefix");
    assert.equal(severityOf(level, "0x00008020000000000000"), "AUDIT_SUCCESS", "with zeros before it");
    assert.equal(severityOf(level, "0x20000000000000"), "AUDIT_SUCCESS", "without higher digits");
    assert.equal(
      severityOf(level, "0x10000000000000000"),
      "AUDIT_FAILURE",
      "more than 64 bits count as all bits",
    );
    for (const none of ["0x8000000000000000", "0x2000000000000", "", "0x", "x", "\u0000"]) {
      assert.equal(severityOf(level, none), "UNKNOWN", none);
    }
  }
});

test("auditCategoryOf() names category and subcategory", () => {
  const cases = [
    ["%%8272", "%%12288", "System", "Security State Change"],
    ["%%8272", "%%12292", "System", "Other System Events"],
    ["%%8273", "%%12544", "Logon/Logoff", "Logon"],
    ["%%8273", "%%12554", "Logon/Logoff", "Group Membership"],
    ["%%8274", "%%12800", "Object Access", "File System"],
    ["%%8274", "%%12813", "Object Access", "Central Policy Staging"],
    ["%%8275", "%%13058", "Privilege Use", "Other Privilege Use Events"],
    ["%%8276", "%%13312", "Detailed Tracking", "Process Creation"],
    ["%%8277", "%%13568", "Policy Change", "Audit Policy Change"],
    ["%%8278", "%%13824", "Account Management", "User Account Management"],
    ["%%8279", "%%14080", "DS Access", "Directory Service Access"],
    ["%%8280", "%%14339", "Account Logon", "Kerberos Authentication Service"],
    ["8280", "14336", "Account Logon", "Credential Validation"],
    ["%%8280", "%%14340", "Account Logon", null],
    ["%%8280", "%%12544", "Account Logon", null],
    ["%%8280", "-", "Account Logon", null],
  ] as const;
  for (const [categoryId, subcategoryId, category, subcategory] of cases) {
    assert.deepEqual(auditCategoryOf(categoryId, subcategoryId), { category, subcategory });
  }
  for (const none of ["%%8271", "%%8281", "", "%%", "x"])
    assert.equal(auditCategoryOf(none, "%%12288"), null);
});

test("policyChangesOf() names up to four changes and passes over the others", () => {
  assert.equal(policyChangesOf("%%8449"), "Success added");
  assert.equal(policyChangesOf("%%8449, %%8451"), "Success added, Failure added");
  assert.equal(policyChangesOf("%%8448,%%9999,%%8450"), "Success removed, Failure removed");
  assert.equal(policyChangesOf("%%8448,%%8448,%%8448,%%8448,%%8448").split(", ").length, 4);
  assert.equal(policyChangesOf(",,x"), "");
});
