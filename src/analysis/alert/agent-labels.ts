/**
 * What alerts of an agent carry beside its name: its labels and the address that it gives itself.
 *
 * Made ready once, when they become known; an alert copies them, and looks in vain when its agent has none.
 */
import { fieldLine, oneLine } from "./alert-log.ts";
import { objectJson } from "./data-object.ts";

export type AgentLabel = {
  /** May hold dots: `a.b` is the member `b` of `a`. */
  readonly key: string;
  readonly value: string;
  readonly hidden: boolean;
  /** Reserved for the product; so is every key that begins with `_`. Never shown. */
  readonly system: boolean;
};

export type AgentFacts = {
  /** Null when the agent said none. */
  readonly address: string | null;
  readonly labels: readonly AgentLabel[];
};

export type ShownLabels = {
  /** Null: the location of the event tells it. */
  readonly address: string | null;
  /** For the `agent` object: `,"labels":{…}`, or empty. */
  readonly json: string;
  /** For alerts.log: `key: value` behind a line feed each. */
  readonly lines: string;
};

function linesOf(labels: readonly AgentLabel[]): string {
  return labels.map(({ key, value }) => `\n${fieldLine(key, oneLine(value))}`).join("");
}

export class AgentLabels {
  readonly #showsHidden: boolean;
  readonly #shown = new Map<string, ShownLabels>();

  /** `analysisd.show_hidden_labels`. */
  constructor(showsHidden: boolean) {
    this.#showsHidden = showsHidden;
  }

  /** Replaces what was known of the agent. */
  set(agentId: string, { address, labels }: AgentFacts): void {
    const known = labels.filter(({ key, system }) => !system && !key.startsWith("_"));
    if (address === null && known.length === 0) {
      this.#shown.delete(agentId);
      return;
    }
    const shown = known.filter(({ hidden }) => this.#showsHidden || !hidden);
    const object = objectJson(
      shown.map(({ key }) => key),
      shown.map(({ value }) => value),
    );
    // As in the peer, the object is there, and empty, when all labels are hidden.
    const json = known.length === 0 ? "" : `,"labels":${object}`;
    this.#shown.set(agentId, { address, json, lines: linesOf(shown) });
  }

  of(agentId: string): ShownLabels | undefined {
    return this.#shown.get(agentId);
  }
}
