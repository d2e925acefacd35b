/**
 * Queue `9`: findings of rootcheck, plain text (wazuh v4.14.7: src/analysisd/decoders/rootcheck.c).
 *
 * Every finding goes to the rules, also one that was seen before; only `if_fts` tells them apart.
 */
import type { Event } from "../event.ts";
import { ownCopy } from "../own-copy.ts";
import { type AgentState, AgentStates } from "./agent-states.ts";
import type { SpecialDecoder, SpecialResult } from "./special.ts";

const DECODER_NAME = "rootcheck";

/** The peer's query: what differs only behind this is one finding. */
const FINDING_BYTES_MAX = 6144;
/** What a finding costs beside its text. */
const FINDING_OVERHEAD_BYTES = 64;
/** Some hundred findings of a long line each; then the agent's oldest go, and are new when they come again. */
export const AGENT_FINDINGS_BYTES_MAX = 128 * 1024;
/** Room for some thousand agents. The findings of a forgotten agent are new when they come again. */
export const FINDINGS_BYTES_MAX = 16 * 1024 * 1024;

const AUDIT_PREFIX = "System Audit: ";
const FILE_KEY = "File: ";
const QUOTED_FILE_KEYS = ["File '", "file '"] as const;

export type RootcheckSnapshot = readonly (readonly [agentId: string, findings: readonly string[]])[];

/** The findings of one agent, the oldest first. */
class Findings implements AgentState {
  readonly texts = new Set<string>();
  #bytes = 0;

  get weight(): number {
    return this.#bytes;
  }

  /** True for one that was not known. */
  add(text: string): boolean {
    if (this.texts.has(text)) return false;
    this.texts.add(ownCopy(text));
    this.#bytes += bytesOf(text);
    for (const oldest of this.texts) {
      if (this.#bytes <= AGENT_FINDINGS_BYTES_MAX) break;
      this.texts.delete(oldest);
      this.#bytes -= bytesOf(oldest);
    }
    return true;
  }
}

function bytesOf(finding: string): number {
  return finding.length + FINDING_OVERHEAD_BYTES;
}

export class RootcheckDecoder implements SpecialDecoder {
  readonly #agents = new AgentStates(FINDINGS_BYTES_MAX, () => new Findings());

  decode(event: Event): SpecialResult {
    const { log } = event;
    const finding = log.slice(0, FINDING_BYTES_MAX);
    const firstTimeSeen = this.#agents.with(event.agentId, (findings) => findings.add(finding));
    const title = titleOf(log);
    const file = fileOf(log);
    if (title !== null) event.addDynamic("title", title);
    if (file !== null) event.addDynamic("file", file);
    return { kind: "event", decoderName: DECODER_NAME, firstTimeSeen };
  }

  /** What the limits cost so far. */
  get counts(): { readonly rootcheckAgentsForgotten: number } {
    return { rootcheckAgentsForgotten: this.#agents.forgotten };
  }

  snapshot(): RootcheckSnapshot {
    return Array.from(this.#agents.entries(), ([agentId, { texts }]) => [agentId, [...texts]]);
  }

  restore(snapshot: RootcheckSnapshot): void {
    for (const [agentId, texts] of snapshot) {
      this.#agents.with(agentId, (findings) => {
        for (const text of texts) findings.add(text);
      });
    }
  }
}

/** The first sentence, without the kind of the finding, its requirements and the file's name. Null when nothing else is there. */
function titleOf(log: string): string | null {
  const requirements = log.indexOf(" {");
  if (requirements === 0) return null;
  let title = requirements < 0 ? log : log.slice(0, requirements);

  const audit = title.indexOf(AUDIT_PREFIX);
  const dash = title.indexOf(" - ");
  if (audit >= 0 && (dash < 0 || audit < dash)) title = title.slice(audit + AUDIT_PREFIX.length);

  const sentenceEnd = title.indexOf(". ");
  if (sentenceEnd >= 0) title = title.slice(0, sentenceEnd + 1);

  const name = quotedFileStart(title);
  const nameEnd = name < 0 ? -1 : title.indexOf("' ", name);
  return nameEnd < 0 ? title : title.slice(0, name - 1) + title.slice(nameEnd + 2);
}

function fileOf(log: string): string | null {
  const listed = log.indexOf(FILE_KEY);
  if (listed >= 0) return upTo(log.slice(listed + FILE_KEY.length), ".");
  const name = quotedFileStart(log);
  return name < 0 ? null : upTo(log.slice(name), "'");
}

/** Where the name begins in `File 'name'`; -1 when there is none. */
function quotedFileStart(text: string): number {
  for (const key of QUOTED_FILE_KEYS) {
    const at = text.indexOf(key);
    if (at >= 0) return at + key.length;
  }
  return -1;
}

/** The text before the mark that a blank or the end follows. Null when there is no such mark. */
function upTo(text: string, mark: string): string | null {
  const end = text.indexOf(`${mark} `);
  if (end >= 0) return text.slice(0, end);
  return text.endsWith(mark) ? text.slice(0, -1) : null;
}
