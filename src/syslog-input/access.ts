/** Which addresses may send. */
import type { AddressRule } from "#config/text-kinds.ts";
import { addressBits, formatIpAddress, type IpAddress, networkContains } from "#model/address.ts";

export type AccessLists = {
  readonly allowed: readonly AddressRule[];
  readonly denied: readonly AddressRule[];
};

/** The denied ones are asked first; who is in no list may not (wazuh v4.14.7: src/remoted/syslog.c). */
export function mayConnect(address: IpAddress, { allowed, denied }: AccessLists): boolean {
  return !isIn(denied, address) && isIn(allowed, address);
}

/** The first rule that names the address decides. A list of nothing but `!` rules holds all others. */
function isIn(rules: readonly AddressRule[], address: IpAddress): boolean {
  const rule = rules.find(({ network }) => network === "any" || networkContains(network, address));
  if (rule !== undefined) return !rule.negated;
  return rules.length > 0 && rules.every(({ negated }) => negated);
}

/** As it is written in the configuration. */
export function ruleText({ negated, network }: AddressRule): string {
  const sign = negated ? "!" : "";
  if (network === "any") return `${sign}any`;
  const { address, prefixBits } = network;
  const isAddress = prefixBits === addressBits(address.version);
  return `${sign}${formatIpAddress(address)}${isAddress ? "" : `/${prefixBits}`}`;
}
