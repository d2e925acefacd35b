/** What an agent says became of its upgrade: an event of a queue of its own, which is no log (wazuh v4.14.7: UPGRADE_MQ). */
import type { UpgradeResult } from "./needs.ts";

export const UPGRADE_QUEUE = "u";
/** Real ones have some 120. */
const REPORT_BYTES_MAX = 4096;

const RESULTS: readonly UpgradeResult[] = ["done", "missing_dependency", "failed"];

/** Null for what is no such report. */
export function parseUpgradeReport(text: Buffer): UpgradeResult | null {
  if (text.length > REPORT_BYTES_MAX) return null;
  const report = parseObject(text.toString("utf8"));
  const parameters = report?.["parameters"];
  if (report?.["command"] !== "upgrade_update_status" || !isObject(parameters)) return null;
  const { error } = parameters;
  return typeof error === "number" ? (RESULTS[error] ?? null) : null;
}

function parseObject(json: string): Readonly<Record<string, unknown>> | null {
  try {
    const value: unknown = JSON.parse(json);
    return isObject(value) ? value : null;
  } catch {
    return null;
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
