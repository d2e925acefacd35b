/** The categories that tie a decoder's type to the rules below its template (wazuh v4.14.7: src/analysisd/analysisd.h). */

export const CATEGORY_SYSLOG = 1;
export const CATEGORY_IDS = 2;
export const CATEGORY_FIREWALL = 3;
export const CATEGORY_OSSEC = 11;
export const CATEGORY_OSSEC_ALERT = 12;

const CATEGORIES: ReadonlyMap<string, number> = new Map([
  ["syslog", CATEGORY_SYSLOG],
  ["ids", CATEGORY_IDS],
  ["firewall", CATEGORY_FIREWALL],
  ["web-log", 7],
  ["squid", 8],
  ["windows", 9],
  ["host-information", 10],
  ["ossec", CATEGORY_OSSEC],
]);

export const CATEGORY_NAMES: readonly string[] = [...CATEGORIES.keys()];

/** Null for an unknown name; names compare exactly. */
export function categoryOf(name: string): number | null {
  return CATEGORIES.get(name) ?? null;
}
