/** What an action comes to: programs that are run one after the other. Pure. */
import type { HostAction } from "#model/host-action.ts";

export type Step = {
  readonly program: string;
  readonly args: readonly string[];
  /** Given to it whole; empty for nothing. */
  readonly input: string;
  /** The step is left out when the program says yes to these arguments. */
  readonly unless: readonly string[] | null;
  /** An error with such a text says that there was nothing to do. */
  readonly fine: RegExp | null;
};

type AddressAction = Extract<HostAction, { readonly address: string }>;

const TABLE = "inet cyb3rhq";
const CHAIN = "CYB3RHQ";
/** Before the chains of the administrator, which could accept what is banned. */
const NFT_PRIORITY = -10;
/** Marks our routes; numbers from 192 on belong to nobody (iproute2: rt_protos). */
const ROUTE_PROTOCOL = "214";
/** Seconds that iptables waits for another one that changes the tables. */
const LOCK_SECONDS = "5";

function step(
  program: string,
  args: readonly string[],
  rest: Partial<Omit<Step, "program" | "args">> = {},
): Step {
  return { program, args, input: "", unless: null, fine: null, ...rest };
}

function isIpv6({ address }: AddressAction): boolean {
  return address.includes(":");
}

/** One transaction, which makes what is missing; whole or not at all, and the same however often it is run. */
export function nftSteps(action: AddressAction): readonly Step[] {
  const set = isIpv6(action) ? "banned6" : "banned4";
  const hooks = ["input", "forward"].flatMap((hook) => [
    `add chain ${TABLE} ${hook} { type filter hook ${hook} priority ${NFT_PRIORITY}; policy accept; }`,
    `flush chain ${TABLE} ${hook}`,
    `add rule ${TABLE} ${hook} ip saddr @banned4 drop`,
    `add rule ${TABLE} ${hook} ip6 saddr @banned6 drop`,
  ]);
  const lines = [
    `add table ${TABLE}`,
    `add set ${TABLE} banned4 { type ipv4_addr; }`,
    `add set ${TABLE} banned6 { type ipv6_addr; }`,
    ...hooks,
    `add element ${TABLE} ${set} { ${action.address} }`,
    // Removing what is not there would be an error, so it is there for the length of the transaction.
    ...(action.kind === "unban" ? [`delete element ${TABLE} ${set} { ${action.address} }`] : []),
  ];
  return [step("nft", ["-f", "-"], { input: `${lines.join("\n")}\n` })];
}

export function iptablesSteps(action: AddressAction): readonly Step[] {
  const program = isIpv6(action) ? "ip6tables" : "iptables";
  const rule = [CHAIN, "-s", action.address, "-j", "DROP"];
  const inserted = (chain: string) =>
    step(program, ["-w", LOCK_SECONDS, "-I", chain, "-j", CHAIN], {
      unless: ["-w", LOCK_SECONDS, "-C", chain, "-j", CHAIN],
    });
  const base = [
    step(program, ["-w", LOCK_SECONDS, "-N", CHAIN], { fine: /Chain already exists/ }),
    inserted("INPUT"),
    inserted("FORWARD"),
  ];
  if (action.kind === "ban") {
    const missing = { unless: ["-w", LOCK_SECONDS, "-C", ...rule] };
    return [...base, step(program, ["-w", LOCK_SECONDS, "-A", ...rule], missing)];
  }
  const absent = { fine: /does a matching rule exist|No chain\/target\/match/ };
  return [...base, step(program, ["-w", LOCK_SECONDS, "-D", ...rule], absent)];
}

export function routeSteps(action: AddressAction): readonly Step[] {
  const [family, bits] = isIpv6(action) ? ["-6", 128] : ["-4", 32];
  const route = ["blackhole", `${action.address}/${bits}`, "proto", ROUTE_PROTOCOL];
  return action.kind === "add_null_route"
    ? [step("ip", [family, "route", "replace", ...route])]
    : [step("ip", [family, "route", "del", ...route], { fine: /No such process/ })];
}

/** `prefix` is a folder that holds another system's accounts; null for this one's. */
export function accountSteps(
  { kind, user }: Extract<HostAction, { readonly user: string }>,
  prefix: string | null,
): readonly Step[] {
  const place = prefix === null ? [] : ["--prefix", prefix];
  return [step("usermod", [kind === "disable_account" ? "--lock" : "--unlock", ...place, "--", user])];
}

export const RESTART_STEPS: readonly Step[] = [
  // Not waited for: systemd ends this process on its way.
  step("systemctl", ["--no-block", "restart", "cyb3rhq-manager.service"]),
];

/** As a person would type it. */
export function shownStep({ program, args, input }: Step): string {
  const command = [program, ...args].join(" ");
  const change = input.trimEnd().split("\n").at(-1) ?? "";
  return change === "" ? command : `${command} <<< "${change}"`;
}
