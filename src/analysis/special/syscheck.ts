/** Queue `8`: file integrity. Agents since 3.11 send JSON, older ones text. */
import type { Event } from "../event.ts";
import { AgentStates } from "./agent-states.ts";
import type { SpecialDecoder, SpecialResult } from "./special.ts";
import { decodeFimJson } from "./syscheck-json.ts";
import { FimFiles, type FimFilesSnapshot } from "./syscheck-store.ts";
import { decodeFimText, type FimTextOptions } from "./syscheck-text.ts";

/** Files of one old agent: at 350 bytes each some 24,000. New ones beyond are not watched: their changes are no events. */
export const AGENT_FILES_BYTES_MAX = 8 * 1024 * 1024;
/** Of all old agents. The files of a forgotten one are taken anew as its baseline, which gives no events. */
export const FILES_BYTES_MAX = 32 * 1024 * 1024;

export const FIM_TEXT_OPTIONS_DEFAULT: FimTextOptions = { alertNewFiles: true, autoIgnore: null };

export type SyscheckSnapshot = readonly (readonly [agentId: string, files: FimFilesSnapshot])[];

export class SyscheckDecoder implements SpecialDecoder {
  readonly #options: FimTextOptions;
  readonly #agents = new AgentStates(FILES_BYTES_MAX, () => new FimFiles(AGENT_FILES_BYTES_MAX));
  #filesRefused = 0;

  constructor(options: FimTextOptions = FIM_TEXT_OPTIONS_DEFAULT) {
    this.#options = options;
  }

  decode(event: Event): SpecialResult {
    if (event.log.startsWith("{")) return decodeFimJson(event);
    const result = this.#agents.with(event.agentId, (files) => decodeFimText(event, files, this.#options));
    if (result.kind === "nothing" && result.reason === "store_full") this.#filesRefused++;
    return result;
  }

  /** What the limits cost so far. */
  get counts(): { readonly fimFilesRefused: number; readonly fimAgentsForgotten: number } {
    return { fimFilesRefused: this.#filesRefused, fimAgentsForgotten: this.#agents.forgotten };
  }

  snapshot(): SyscheckSnapshot {
    return Array.from(this.#agents.entries(), ([agentId, files]) => [agentId, files.snapshot()]);
  }

  restore(snapshot: SyscheckSnapshot): void {
    for (const [agentId, saved] of snapshot) this.#agents.with(agentId, (files) => files.restore(saved));
  }
}
