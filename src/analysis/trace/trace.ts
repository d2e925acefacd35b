/**
 * The way of one event through the engine: the decoders and rules that were tried, in order, and why those that failed did.
 *
 * Filled by `Engine.process(raw, trace)`; one trace serves one event. It holds one entry for each decoder and each place of a rule
 * that was tried: the rule set bounds it.
 */
import type { DecodeObserver, DecoderPart } from "../decode/decode.ts";
import type { Event } from "../event.ts";
import type { CompiledRule, RuleNode } from "../match/compiled-rule.ts";
import { STATIC_FIELDS } from "../plugins/sink.ts";
import type { Decoder } from "../ruleset/decoder.ts";
import type { FailedCondition } from "./conditions.ts";
import type { SearchCount } from "./search-count.ts";

/** The peer's buffer for a line of the rules' debugging (wazuh v4.14.7: src/analysisd/analysisd.c). */
const DEBUG_LINE_BYTES_MAX = 1055;

export type Field = { readonly name: string; readonly value: string };

export type DecoderTry = {
  readonly decoder: Decoder;
  /** What did not match, and the text that it looked at; null when all that the decoder asks for was there. */
  failed: { readonly part: DecoderPart; readonly text: string } | null;
  /** What its regex or plugin found. */
  fields: readonly Field[];
};

export type RuleTry = {
  readonly node: RuleNode;
  /** Conditions that held, in the order of the peer, before one did not. */
  conditionsHeld: number;
  /** Null for a rule that matched. */
  failed: FailedCondition | null;
  /** Of a composite rule whose other conditions held. */
  search: SearchCount | null;
  /** The rules below that were tried, when this one matched. */
  readonly below: RuleTry[];
  /** The event's rule is this one or one below it. */
  won: boolean;
};

export class Trace implements DecodeObserver {
  readonly decoders: DecoderTry[] = [];
  /** Templates of the event's category. */
  readonly rules: RuleTry[] = [];
  #fieldsSeen = 0;
  #staticsSeen: readonly (string | undefined)[] = [];

  failed(decoder: Decoder, part: DecoderPart, text: string): void {
    this.#entryOf(decoder).failed = { part, text };
  }

  took(decoder: Decoder): void {
    this.#entryOf(decoder);
  }

  extracted(decoder: Decoder, event: Event): void {
    const { statics, dynamicNames, dynamicValues } = event;
    const fields: Field[] = [];
    for (const [index, name] of STATIC_FIELDS.entries()) {
      const value = statics[index];
      if (value !== undefined && value !== this.#staticsSeen[index]) fields.push({ name, value });
    }
    for (let index = this.#fieldsSeen; index < dynamicNames.length; index++) {
      fields.push({ name: dynamicNames[index] ?? "", value: dynamicValues[index] ?? "" });
    }
    this.#staticsSeen = [...statics];
    this.#fieldsSeen = dynamicNames.length;
    this.#entryOf(decoder).fields = fields;
  }

  /** What is said of one decoder comes together. */
  #entryOf(decoder: Decoder): DecoderTry {
    const last = this.decoders.at(-1);
    if (last?.decoder === decoder) return last;
    const entry: DecoderTry = { decoder, failed: null, fields: [] };
    this.decoders.push(entry);
    return entry;
  }

  /** The rules from the template down to the event's own; empty when the event has none. */
  get path(): readonly RuleTry[] {
    const path: RuleTry[] = [];
    let tries: readonly RuleTry[] = this.rules;
    for (;;) {
      const winner = tries.find(({ won }) => won);
      if (winner === undefined) return path;
      path.push(winner);
      tries = winner.below;
    }
  }
}

/** Every rule that was tried, in order, and how many stand above it. */
export function* triedRules(tries: readonly RuleTry[], depth = 0): Generator<readonly [RuleTry, number]> {
  for (const tried of tries) {
    yield [tried, depth];
    yield* triedRules(tried.below, depth + 1);
  }
}

function tryingLine({ idText, definition }: CompiledRule): string {
  return `Trying rule: ${idText} - ${definition.description}`.slice(0, DEBUG_LINE_BYTES_MAX);
}

/** The peer's lines about the rules tried, in its order. */
export function rulesDebug(trace: Trace): readonly string[] {
  const lines: string[] = [];
  for (const [{ node, failed }] of triedRules(trace.rules)) {
    lines.push(tryingLine(node.rule));
    if (failed !== null) continue;
    lines.push(`*Rule ${node.rule.idText} matched`);
    if (node.children.nodes.length > 0) lines.push("*Trying child rules");
  }
  return lines;
}
