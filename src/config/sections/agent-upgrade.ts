/** `<agent-upgrade>` of a manager: where packages come from and how agents are sent them (wazuh v4.14.7: src/config/wmodules-agent-upgrade.c). */
import { group, option, unusedOptions, type Warn } from "#config/option.ts";
import { someText, wholeNumber, yesNo } from "#config/text-kinds.ts";

/** As Base64 in a request of JSON it fits an agent's message of 65,536 bytes. */
const CHUNK_BYTES_MAX = 48_000;

function fittingChunk(bytes: number, warn: Warn): number {
  if (bytes <= CHUNK_BYTES_MAX) return bytes;
  warn(`'chunk_size' is cut to ${CHUNK_BYTES_MAX}: more does not fit an agent's message`);
  return CHUNK_BYTES_MAX;
}

export const agentUpgradeSection = group({
  element: "agent-upgrade",
  doc: "Upgrades of agents with signed packages (WPK).",
  fields: {
    enabled: option({ element: "enabled", doc: "Upgrade agents at all.", kind: yesNo, fallback: true }),
    repository: option({
      element: "wpk_repository",
      doc: "Address of the repository of packages; https where it names no scheme.",
      kind: someText,
      fallback: null,
    }),
    repositoryAuthorities: option({
      element: "wpk_repository_ca",
      doc: "PEM file with the authorities that the repository's certificate must chain to, instead of the public ones.",
      kind: someText,
      fallback: null,
    }),
    chunkBytes: option({
      element: "chunk_size",
      doc: "Bytes of a package in one message to an agent.",
      kind: wholeNumber(64, 60_000),
      fallback: 32_768,
      adjust: fittingChunk,
    }),
    transfersMax: option({
      element: "max_threads",
      doc: "Agents that are sent a package at a time; 0 for as many as the machine has processors.",
      kind: wholeNumber(0, 256),
      fallback: 8,
    }),
    packageAuthorities: option({
      element: "ca_store",
      doc: "PEM file with the roots that sign packages.",
      kind: someText,
      fallback: "etc/wpk_root.pem",
    }),
  },
  unused: unusedOptions(
    "agent-upgrade",
    "ca_verification",
    "notification_wait_start",
    "notification_wait_max",
    "notification_wait_factor",
  ),
});
