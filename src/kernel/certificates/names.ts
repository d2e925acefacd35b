/** The names in a certificate as values. Node gives them as texts for people. */
import type { X509Certificate } from "node:crypto";

export type AlternativeName = { readonly type: "dns" | "ip"; readonly value: string };

/** Entries as Node prints them; one that holds a comma or a quote is a JSON string, which no host's name is. */
const ENTRIES = /(?:[^",]|"(?:[^"\\]|\\.)*")+/g;
const PREFIXES = [
  ["DNS:", "dns"],
  ["IP Address:", "ip"],
] as const;

export function alternativeNamesOf({ subjectAltName }: X509Certificate): readonly AlternativeName[] {
  const entries = subjectAltName?.match(ENTRIES) ?? [];
  return entries.flatMap((entry): AlternativeName[] => {
    const text = entry.trimStart();
    const [prefix, type] = PREFIXES.find(([start]) => text.startsWith(start)) ?? [];
    if (prefix === undefined || type === undefined || text.includes('"')) return [];
    return [{ type, value: text.slice(prefix.length) }];
  });
}

export function commonNamesOf(certificate: X509Certificate): readonly string[] {
  const names: unknown = certificate.toLegacyObject().subject.CN;
  return [names].flat().filter((name) => typeof name === "string");
}
