/** By which nodes compare their agents' groups without sending them (wazuh v4.14.7: src/wazuh_db/wdb_global.c). */
import { hash } from "node:crypto";

const GROUP_HASH_CHARS = 8;

/** Of one agent; its groups in the order of their priority, divided by commas. */
export function groupHash(groups: string): string {
  return hash("sha256", groups, "hex").slice(0, GROUP_HASH_CHARS);
}

/** Of all agents that have groups, in the order of their ids. */
export function globalGroupHash(hashes: readonly string[]): string {
  return hash("sha1", hashes.join(""), "hex");
}
