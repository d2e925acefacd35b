/** Which addresses lead to a listener of this process. */
import { lookup } from "node:dns/promises";
import { networkInterfaces } from "node:os";
import { CodedError, messageOf } from "#kernel/errors.ts";

const ANY = new Set(["0.0.0.0", "::"]);

/** Whether who connects to `host` finds the listener that is bound to `bindAddress`. Rejects with `name_unknown`. */
export async function isOwnAddress(host: string, bindAddress: string): Promise<boolean> {
  const [found, bound] = await Promise.all([addressesOf(host), addressesOf(bindAddress)]);
  if (!bound.some((address) => ANY.has(address))) return found.some((address) => bound.includes(address));
  const own = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  return found.some((address) => address.startsWith("127.") || own.some((one) => one.address === address));
}

async function addressesOf(host: string): Promise<readonly string[]> {
  try {
    return (await lookup(host, { all: true })).map(({ address }) => address);
  } catch (error) {
    throw new CodedError("name_unknown", messageOf(error), { host }, error);
  }
}
