/** `5` or `10%`: a number of agents, or a part of them. Pure. */

export type Share = { readonly unit: "agents" | "percent"; readonly value: number };

const SHARE = /^([0-9]{1,6})(%?)$/;
const PERCENT_MAX = 100;

export function parseShare(text: string): Share | null {
  const [, digits, percent] = SHARE.exec(text) ?? [];
  if (digits === undefined) return null;
  const value = Number(digits);
  if (percent === "") return { unit: "agents", value };
  return value > PERCENT_MAX ? null : { unit: "percent", value };
}

export function formatShare({ unit, value }: Share): string {
  return unit === "percent" ? `${value}%` : String(value);
}

/** Rounded up: a canary of 10 % of five agents is one agent. */
export function atLeast({ unit, value }: Share, total: number): number {
  return Math.min(total, unit === "percent" ? Math.ceil((total * value) / PERCENT_MAX) : value);
}

/** Rounded down: 5 % of ten agents may not fail. */
export function atMost({ unit, value }: Share, total: number): number {
  return unit === "percent" ? Math.floor((total * value) / PERCENT_MAX) : value;
}
