/** Colours, on terminals only; `NO_COLOR` (https://no-color.org) and `TERM=dumb` turn them off. */
import type { Environment, Output } from "./environment.ts";

export type Style = {
  readonly bold: (text: string) => string;
  readonly red: (text: string) => string;
  readonly green: (text: string) => string;
};

const plain = (text: string): string => text;
const painted = (code: number) => (text: string) => `\x1b[${code}m${text}\x1b[0m`;

const PLAIN: Style = { bold: plain, red: plain, green: plain };
const COLOURED: Style = { bold: painted(1), red: painted(31), green: painted(32) };

export function wantsColours(output: Output, variables: Environment["variables"]): boolean {
  return output.isTerminal && (variables["NO_COLOR"] ?? "") === "" && variables["TERM"] !== "dumb";
}

export function styleOf(output: Output, variables: Environment["variables"]): Style {
  return wantsColours(output, variables) ? COLOURED : PLAIN;
}
