/** JSON as the peer's Python writes it; it reads any. */
import type { JsonValue } from "./json-value.ts";

/** `json.dumps` with its defaults: `", "`, `": "`, nothing but ASCII. */
export function pythonJson(value: JsonValue): string {
  if (typeof value === "string") return textJson(value);
  if (Array.isArray(value)) return `[${value.map(pythonJson).join(", ")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  let members = "";
  for (const [key, member] of Object.entries(value)) {
    members += `${members === "" ? "" : ", "}${textJson(key)}: ${pythonJson(member)}`;
  }
  return `{${members}}`;
}

/** All but the printable ASCII that stands for itself; hardly a text of a table of files has any. */
const ESCAPED = /[^ !#-[\]-~]/;

function textJson(text: string): string {
  return ESCAPED.test(text) ? JSON.stringify(text).replace(/[\u007f-\uffff]/g, escapeUnit) : `"${text}"`;
}

function escapeUnit(unit: string): string {
  return unit === "\u007f" ? unit : `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`;
}
