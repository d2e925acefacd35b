/**
 * The text of a keepalive: system, version, sums of the configuration that the agent holds, labels, its own address.
 *
 * Lines in any order; what cannot be read is null or left out. The values are the agent's word and nothing more: labels
 * that only the manager can know are dropped here, so that no agent can name another manager or node.
 */
import { formatIpAddress, parsePeerAddress } from "#model/address.ts";
import { type AgentSystem, parseUname } from "./uname.ts";

export type AgentLabel = {
  readonly key: string;
  readonly value: string;
  /** Kept out of alerts. */
  readonly hidden: boolean;
  /** Reserved for the product: the key begins with `_`. */
  readonly system: boolean;
};

export type Keepalive = {
  readonly system: AgentSystem | null;
  /** With the product's name: `Wazuh v4.14.7`. */
  readonly version: string | null;
  /** MD5 of agent.conf. */
  readonly configSum: string | null;
  /** MD5 of merged.mg, or `x`: the agent has none. */
  readonly mergedSum: string | null;
  readonly labels: readonly AgentLabel[];
  /** Labels that were left out because of a limit or of bytes that no line should have. */
  readonly labelsRefused: number;
  readonly agentIp: string | null;
};

/** Every alert of an agent carries its labels, so they are bounded more tightly than the message that brings them. */
export const LABELS_MAX = 256;
export const LABEL_KEY_BYTES_MAX = 256;
export const LABEL_VALUE_BYTES_MAX = 4096;
/** Keys and values of all labels of an agent. */
export const LABELS_BYTES_MAX = 16 * 1024;

const VERSION_CHARS_MAX = 128;
const VERSION = /\S+ v[0-9]\S*$/;
const MD5 = /^[0-9a-f]{32}$/;
const MERGED = /^([0-9a-f]{32}|x) merged\.mg$/;
const LABEL = /^([#!]{0,2})"([^"]+)":(.*)$/s;
/** All control bytes but the tab. */
const CONTROL_BYTE = /[\x00-\x08\x0a-\x1f\x7f]/;
const AGENT_IP_KEY = "_agent_ip";
const MANAGER_KEYS: ReadonlySet<string> = new Set(["_manager_hostname", "_node_name", "_wazuh_version"]);

/** Takes the text of a control message after `#!-`, up to its last newline, one char a byte. */
export function parseKeepalive(text: string): Keepalive {
  let system: SystemLine | null = null;
  let mergedSum: string | null = null;
  let agentIp: string | null = null;
  const labels = new LabelCollector();
  for (const line of text.split("\n")) {
    const label = parseLabel(line);
    if (label === null) {
      system ??= parseSystemLine(line);
      mergedSum ??= MERGED.exec(line)?.[1] ?? null;
    } else if (label.system && label.key === AGENT_IP_KEY) {
      agentIp = addressText(label.value);
    } else if (!MANAGER_KEYS.has(label.key)) {
      labels.add(label);
    }
  }
  const { version, configSum, uname } = system ?? { version: null, configSum: null, uname: null };
  return {
    system: uname === null ? null : parseUname(uname),
    version,
    configSum,
    mergedSum,
    labels: labels.taken,
    labelsRefused: labels.refused,
    agentIp,
  };
}

/** A label that does not fit is left out; those that follow may fit. */
class LabelCollector {
  readonly taken: AgentLabel[] = [];
  refused = 0;
  #bytesLeft = LABELS_BYTES_MAX;

  add(label: AgentLabel): void {
    const { key, value } = label;
    const bytes = key.length + value.length;
    const tooLong = key.length > LABEL_KEY_BYTES_MAX || value.length > LABEL_VALUE_BYTES_MAX;
    const full = this.taken.length >= LABELS_MAX || bytes > this.#bytesLeft;
    if (tooLong || full || CONTROL_BYTE.test(key) || CONTROL_BYTE.test(value)) {
      this.refused++;
      return;
    }
    this.#bytesLeft -= bytes;
    this.taken.push(label);
  }
}

type SystemLine = {
  readonly uname: string;
  readonly version: string | null;
  readonly configSum: string | null;
};

/** `<uname> - <product> v<version>[ / <md5>]`; the uname ends at the first ` - `, as with the peer. */
function parseSystemLine(line: string): SystemLine | null {
  const unameEnd = line.indexOf(" - ");
  if (unameEnd === -1 || /^["!#]/.test(line)) return null;
  const product = line.slice(unameEnd + 3);
  const slashAt = product.lastIndexOf(" / ");
  const sum = slashAt === -1 ? "" : product.slice(slashAt + 3);
  const stated = slashAt === -1 ? product : product.slice(0, slashAt);
  const version = VERSION.exec(stated.slice(-VERSION_CHARS_MAX))?.[0] ?? null;
  return { uname: line.slice(0, unameEnd), version, configSum: MD5.test(sum) ? sum : null };
}

function parseLabel(line: string): AgentLabel | null {
  const match = LABEL.exec(line);
  if (match === null) return null;
  const [, marks = "", key = "", value = ""] = match;
  return { key, value, hidden: marks.includes("!"), system: marks.includes("#") };
}

function addressText(text: string): string | null {
  const address = parsePeerAddress(text);
  return address === null ? null : formatIpAddress(address);
}
