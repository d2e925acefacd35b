/**
 * What may be done to this host in answer to an alert: a closed list, each with arguments that cannot mean anything else.
 *
 * Who asks checks them and who acts checks them again: the parser here is the only way to an action.
 */
import { formatIpAddress, parseIpAddress } from "./address.ts";

export type HostAction =
  | {
      readonly kind:
        | ("ban" | "unban" | "add_null_route" | "remove_null_route" | "deny_host" | "allow_host")
        | ("mark_address" | "unmark_address");
      /** Canonical. */
      readonly address: string;
    }
  | { readonly kind: "disable_account" | "enable_account"; readonly user: string }
  /** `startTicks`, the kernel's start time, tells the process from a later one with its number. */
  | { readonly kind: "stop_process"; readonly pid: number; readonly startTicks: string }
  | { readonly kind: "quarantine_file"; readonly path: string }
  | { readonly kind: "release_file"; readonly item: string }
  | { readonly kind: "restart_manager" };

export type HostActionKind = HostAction["kind"];

export type HostActionOutcome = {
  readonly ok: boolean;
  /** Stable: `done`, `would_run`, or why not. */
  readonly code: string;
  /** For people. */
  readonly text: string;
};

/** Names that useradd makes; a name of digits only could be taken for a number of a user. */
const ACCOUNT_NAME = /^[a-z_][a-z0-9_.-]{0,31}\$?$/i;
/** Linux gives numbers up to 2^22. */
const PROCESS_ID_MAX = 4_194_304;
const START_TICKS = /^[0-9]{1,20}$/;
/** PATH_MAX of Linux, with its NUL. */
const PATH_BYTES_MAX = 4095;
const ITEM = /^q[0-9]{1,16}-[0-9]{1,20}$/;

const PARSERS: Readonly<
  Record<HostActionKind, (value: Readonly<Record<string, unknown>>) => HostAction | null>
> = {
  ban: (value) => withAddress("ban", value),
  unban: (value) => withAddress("unban", value),
  add_null_route: (value) => withAddress("add_null_route", value),
  remove_null_route: (value) => withAddress("remove_null_route", value),
  deny_host: (value) => withAddress("deny_host", value),
  allow_host: (value) => withAddress("allow_host", value),
  mark_address: (value) => withAddress("mark_address", value),
  unmark_address: (value) => withAddress("unmark_address", value),
  disable_account: (value) => withUser("disable_account", value),
  enable_account: (value) => withUser("enable_account", value),
  stop_process: ({ pid, startTicks }) =>
    isProcessId(pid) && typeof startTicks === "string" && START_TICKS.test(startTicks)
      ? { kind: "stop_process", pid, startTicks }
      : null,
  quarantine_file: ({ path }) =>
    typeof path === "string" && isPlainPath(path) ? { kind: "quarantine_file", path } : null,
  release_file: ({ item }) =>
    typeof item === "string" && ITEM.test(item) ? { kind: "release_file", item } : null,
  restart_manager: () => ({ kind: "restart_manager" }),
};

/** Null for anything that is no action with good arguments. */
export function parseHostAction(value: unknown): HostAction | null {
  if (!isObject(value)) return null;
  const { kind } = value;
  return isKind(kind) ? PARSERS[kind](value) : null;
}

/** The canonical form of an address that may be blocked: never this host itself, nor many hosts at once. */
export function blockableAddress(text: string): string | null {
  const address = parseIpAddress(text);
  if (address === null) return null;
  const { version, words } = address;
  const [first = 0] = words;
  const firstByte = first >>> 8;
  if (version === 4)
    return firstByte === 0 || firstByte === 127 || firstByte >= 224 ? null : formatIpAddress(address);
  // `::`, `::1` and what else stands for IPv4 inside IPv6; multicast.
  const isLow = words.slice(0, 6).every((word) => word === 0);
  return isLow || firstByte === 0xff ? null : formatIpAddress(address);
}

export function isAccountName(text: string): boolean {
  return ACCOUNT_NAME.test(text);
}

export function isProcessId(value: unknown): value is number {
  return typeof value === "number" && Number.isInteger(value) && value > 1 && value <= PROCESS_ID_MAX;
}

/** Absolute, one way to say it, no control bytes. */
export function isPlainPath(path: string): boolean {
  if (!path.startsWith("/") || Buffer.byteLength(path) > PATH_BYTES_MAX) return false;
  if (/[\x00-\x1f\x7f]/.test(path)) return false;
  return path
    .slice(1)
    .split("/")
    .every((part) => part !== "" && part !== "." && part !== "..");
}

function withAddress(
  kind: Extract<HostAction, { readonly address: string }>["kind"],
  { address }: Readonly<Record<string, unknown>>,
): HostAction | null {
  const canonical = typeof address === "string" ? blockableAddress(address) : null;
  return canonical === null ? null : { kind, address: canonical };
}

function withUser(
  kind: "disable_account" | "enable_account",
  { user }: Readonly<Record<string, unknown>>,
): HostAction | null {
  return typeof user === "string" && isAccountName(user) ? { kind, user } : null;
}

function isKind(value: unknown): value is HostActionKind {
  return typeof value === "string" && Object.hasOwn(PARSERS, value);
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
