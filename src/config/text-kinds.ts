/**
 * The kinds of values that a text of the configuration can be, each with the words that messages and documentation use for
 * it. Nothing is trimmed: the peer does not trim either.
 */
import type { Problem } from "#formats/source-position.ts";
import { addressBits, type IpNetwork, parseIpAddress, parseIpNetwork } from "#model/address.ts";
import { Secret } from "#model/secret.ts";

/** What is said of a text that is none of the values. */
export type Invalid = {
  readonly severity: Problem["severity"];
  readonly message: (name: string, text: string) => string;
};

export type TextKind<T> = {
  /** The values in words; a message puts "expected" before them. */
  readonly values: string;
  /** Null when the text is none of them. */
  readonly parse: (text: string) => T | null;
  readonly invalid: Invalid;
};

const invalidValue: Invalid = {
  severity: "error",
  message: (name, text) => `(1235): Invalid value for element '${name}': ${text}.`,
};

function kindOf<T>(values: string, parse: (text: string) => T | null): TextKind<T> {
  return { values, parse, invalid: invalidValue };
}

/** The same values with other words for a bad text. */
export function withError<T>(kind: TextKind<T>, message: Invalid["message"]): TextKind<T> {
  return { ...kind, invalid: { severity: "error", message } };
}

/** A bad text is only warned of: the value before it, or the default, stays. */
export function withWarning<T>(
  kind: TextKind<T>,
  message: Invalid["message"] = kind.invalid.message,
): TextKind<T> {
  return { ...kind, invalid: { severity: "warning", message } };
}

export const anyText = kindOf("text", (text) => text);
export const someText = kindOf("a text that is not empty", (text) => (text === "" ? null : text));
export const secretText = kindOf("text, never shown", (text) => new Secret(text));

export const yesNo = kindOf("yes or no", (text) => {
  if (text === "yes") return true;
  return text === "no" ? false : null;
});

export function oneOf<const Word extends string>(...words: readonly Word[]): TextKind<Word> {
  return kindOf(listInWords(words), (text) => words.find((word) => word === text) ?? null);
}

/** Fifteen digits are exact in a double; no option needs more. */
const DIGITS = /^[0-9]{1,15}$/;

export function wholeNumber(min: number, max: number = Number.MAX_SAFE_INTEGER): TextKind<number> {
  return kindOf(rangeInWords("a whole number", min, max), (text) => {
    return DIGITS.test(text) ? inRange(Number(text), min, max) : null;
  });
}

/** The peer has words of its own for a number that is no port. */
export const port = withError(wholeNumber(1, 65_535), (name, text) => {
  return DIGITS.test(text) ? `(1205): Invalid port number: '${text}'.` : invalidValue.message(name, text);
});

const DURATION = /^([0-9]{1,10})([smhdw]?)$/;
const SECONDS_OF_UNIT = { "": 1, s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 };

/** Seconds. */
export function duration(min: number, max: number = Number.MAX_SAFE_INTEGER): TextKind<number> {
  const words = rangeInWords("a time in seconds, or with s, m, h, d or w behind the number,", min, max);
  return kindOf(words, (text) => {
    const [, digits = "", unit = ""] = DURATION.exec(text) ?? [];
    if (digits === "" || !isKeyOf(SECONDS_OF_UNIT, unit)) return null;
    return inRange(Number(digits) * SECONDS_OF_UNIT[unit], min, max);
  });
}

const SIZE = /^([0-9]{1,15})([KMG]?)B?$/i;
const BYTES_OF_UNIT = { "": 1, K: 1024, M: 1024 ** 2, G: 1024 ** 3 };

/** Bytes. */
export function size(min: number, max: number): TextKind<number> {
  return kindOf(rangeInWords("a size in bytes, or with K, M or G behind the number,", min, max), (text) => {
    const [, digits = "", unitText = ""] = SIZE.exec(text) ?? [];
    const unit = unitText.toUpperCase();
    if (digits === "" || !isKeyOf(BYTES_OF_UNIT, unit)) return null;
    return inRange(Number(digits) * BYTES_OF_UNIT[unit], min, max);
  });
}

/** A number that may also be 0, which switches the option off. */
export function orZero(kind: TextKind<number>): TextKind<number> {
  return {
    ...kind,
    values: `0 or ${kind.values}`,
    parse: (text) => (/^0+$/.test(text) ? 0 : kind.parse(text)),
  };
}

/** Words between commas, blanks around them dropped; all of the kind `item`. */
export function commaList<T>(item: TextKind<T>): TextKind<readonly T[]> {
  return kindOf(`${item.values}; several with commas between them`, (text) => {
    const values: T[] = [];
    for (const word of text.split(/[,\s]+/)) {
      if (word === "") continue;
      const value = item.parse(word);
      if (value === null) return null;
      values.push(value);
    }
    return values;
  });
}

export type AddressRule = {
  /** Written with a leading `!`: these addresses are meant not to match. */
  readonly negated: boolean;
  readonly network: IpNetwork | "any";
};

/** One address stands for the network of itself. */
export const addressRule = withError(
  kindOf("an IP address, a network such as 10.0.0.0/8, or any", parseAddressRule),
  (_, text) => `(1237): Invalid ip address: '${text}'.`,
);

/** The same without `!` and `any`: who is named here is trusted. */
export const trustedNetwork = withError(
  kindOf("an IP address or a network such as 10.0.0.0/8", (text) => {
    const rule = parseAddressRule(text);
    return rule === null || rule.negated || rule.network === "any" ? null : rule.network;
  }),
  (_, text) => `(1237): Invalid ip address: '${text}'.`,
);

/** The address of a listener: the text as it is written. */
export const ipAddress = withError(
  kindOf("an IP address", (text) => (parseIpAddress(text) === null ? null : text)),
  (_, text) => `(1237): Invalid ip address: '${text}'.`,
);

export function parseAddressRule(text: string): AddressRule | null {
  const negated = text.startsWith("!");
  const range = negated ? text.slice(1) : text;
  if (range === "any") return { negated, network: "any" };
  const address = parseIpAddress(range);
  if (address !== null) return { negated, network: { address, prefixBits: addressBits(address.version) } };
  const network = parseIpNetwork(range);
  return network === null ? null : { negated, network };
}

function inRange(value: number, min: number, max: number): number | null {
  return value >= min && value <= max ? value : null;
}

function isKeyOf<T extends object>(table: T, key: PropertyKey): key is keyof T {
  return Object.hasOwn(table, key);
}

function rangeInWords(what: string, min: number, max: number): string {
  if (max === Number.MAX_SAFE_INTEGER) return `${what} of at least ${min}`;
  return `${what} from ${min} to ${max}`;
}

function listInWords(words: readonly string[]): string {
  return words.length < 2 ? words.join() : `${words.slice(0, -1).join(", ")} or ${words.at(-1)}`;
}
