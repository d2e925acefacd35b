/**
 * Numbers in Windows security events and what they stand for: severity, audit categories, changes of the audit policy
 * (wazuh v4.14.7: src/analysisd/decoders/winevtchannel.c).
 */

const SEVERITIES: readonly string[] = ["", "CRITICAL", "ERROR", "WARNING", "INFORMATION", "VERBOSE"];
const UNKNOWN_SEVERITY = "UNKNOWN";

/** The keywords' bits 52 and 53 are the lower two of this hexadecimal digit, counted from the right. */
const AUDIT_DIGIT = 14;
const AUDIT_FAILURE = 1;
const AUDIT_SUCCESS = 2;
/** Digits of 64 bits. A longer number counts as the largest one. */
const KEYWORDS_DIGITS_MAX = 16;

const HEXADECIMAL = /^[ \t\n\v\f\r]*\+?(?:0[xX])?0*([0-9a-fA-F]*)/;

type Category = { readonly name: string; readonly subcategories: readonly string[] };

const FIRST_CATEGORY = 8272;
/** Subcategories of the first category start here, those of each further one at the next multiple of the step. */
const FIRST_SUBCATEGORY = 12_288;
const SUBCATEGORY_STEP = 256;

const CATEGORIES: readonly Category[] = [
  {
    name: "System",
    subcategories: [
      "Security State Change",
      "Security System Extension",
      "System Integrity",
      "IPsec Driver",
      "Other System Events",
    ],
  },
  {
    name: "Logon/Logoff",
    subcategories: [
      "Logon",
      "Logoff",
      "Account Lockout",
      "IPsec Main Mode",
      "Special Logon",
      "IPSec Extended Mode",
      "IPSec Quick Mode",
      "Other Logon/Logoff Events",
      "Network Policy Server",
      "User/Device Claims",
      "Group Membership",
    ],
  },
  {
    name: "Object Access",
    subcategories: [
      "File System",
      "Registry",
      "Kernel Object",
      "SAM",
      "Other Object Access Events",
      "Certification Services",
      "Application Generated",
      "Handle Manipulation",
      "File Share",
      "Filtering Platform Packet Drop",
      "Filtering Platform Connection",
      "Detailed File Share",
      "Removable Storage",
      "Central Policy Staging",
    ],
  },
  {
    name: "Privilege Use",
    subcategories: ["Sensitive Privilege Use", "Non Sensitive Privilege Use", "Other Privilege Use Events"],
  },
  {
    name: "Detailed Tracking",
    subcategories: [
      "Process Creation",
      "Process Termination",
      "DPAPI Activity",
      "RPC Events",
      "Plug and Play Events",
      "Token Right Adjusted Events",
    ],
  },
  {
    name: "Policy Change",
    subcategories: [
      "Audit Policy Change",
      "Authentication Policy Change",
      "Authorization Policy Change",
      "MPSSVC Rule-Level Policy Change",
      "Filtering Platform Policy Change",
      "Other Policy Change Events",
    ],
  },
  {
    name: "Account Management",
    subcategories: [
      "User Account Management",
      "Computer Account Management",
      "Security Group Management",
      "Distribution Group Management",
      "Application Group Management",
      "Other Account Management Events",
    ],
  },
  {
    name: "DS Access",
    subcategories: [
      "Directory Service Access",
      "Directory Service Changes",
      "Directory Service Replication",
      "Detailed Directory Service Replication",
    ],
  },
  {
    name: "Account Logon",
    subcategories: [
      "Credential Validation",
      "Kerberos Service Ticket Operations",
      "Other Account Logon Events",
      "Kerberos Authentication Service",
    ],
  },
];

const FIRST_POLICY_CHANGE = 8448;
const POLICY_CHANGES: readonly string[] = [
  "Success removed",
  "Success added",
  "Failure removed",
  "Failure added",
];
/** The peer splits the list into so many parts. */
const POLICY_CHANGES_MAX = 4;

const MESSAGE_NUMBER_MARK = "%%";

/** C's strtol: the number at the start of a text, 0 when there is none. */
function leadingNumber(text: string): number {
  const number = Number.parseInt(text, 10);
  return Number.isNaN(number) ? 0 : number;
}

/** Of a reference to Windows' own message table, `%%8272`. */
function messageNumber(text: string): number {
  return leadingNumber(text.replaceAll(MESSAGE_NUMBER_MARK, ""));
}

/** `severityValue`, from the texts of `Level` and `Keywords`. */
export function severityOf(level: string, keywords: string): string {
  const levelNumber = leadingNumber(level);
  if (levelNumber !== 0) return SEVERITIES[levelNumber] ?? UNKNOWN_SEVERITY;
  const digits = HEXADECIMAL.exec(keywords)?.[1] ?? "";
  const auditBits =
    digits.length > KEYWORDS_DIGITS_MAX
      ? AUDIT_FAILURE
      : Number.parseInt(digits.charAt(digits.length - AUDIT_DIGIT), 16);
  if ((auditBits & AUDIT_FAILURE) !== 0) return "AUDIT_FAILURE";
  return (auditBits & AUDIT_SUCCESS) !== 0 ? "AUDIT_SUCCESS" : UNKNOWN_SEVERITY;
}

/** `subcategory` is null when the number is none of the category's. Null when the category is unknown. */
export function auditCategoryOf(
  categoryId: string,
  subcategoryId: string,
): { readonly category: string; readonly subcategory: string | null } | null {
  const index = messageNumber(categoryId) - FIRST_CATEGORY;
  const category = CATEGORIES[index];
  if (category === undefined) return null;
  const first = FIRST_SUBCATEGORY + index * SUBCATEGORY_STEP;
  return {
    category: category.name,
    subcategory: category.subcategories[messageNumber(subcategoryId) - first] ?? null,
  };
}

/** `%%8449, %%8451` → `Success added, Failure added`; empty when no number is known. */
export function policyChangesOf(ids: string): string {
  const changes: string[] = [];
  for (const part of ids.replaceAll(MESSAGE_NUMBER_MARK, "").split(",", POLICY_CHANGES_MAX)) {
    const change = POLICY_CHANGES[leadingNumber(part) - FIRST_POLICY_CHANGE];
    if (change !== undefined) changes.push(change);
  }
  return changes.join(", ");
}
