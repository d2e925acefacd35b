/** Runs the decoder tree on an event (wazuh v4.14.7: src/analysisd/decoders/decoder.c). */
import type { Event } from "../event.ts";
import type { LiteralScanner } from "../match/literal-scanner.ts";
import { ownCopy } from "../own-copy.ts";
import { type Decoder, NO_DECODER } from "../ruleset/decoder.ts";
import type { DecoderTree } from "../ruleset/decoder-tree.ts";
import { type KnowsRule, runPlugin } from "./run-plugin.ts";

/** Program names come from outside: beyond this many distinct ones the memo starts again. */
const PROGRAM_NAMES_REMEMBERED_MAX = 4096;
/** Longer ones are nobody's program and are looked up each time. */
const PROGRAM_NAME_REMEMBERED_BYTES_MAX = 128;

/** Where the parts of a log begin that patterns may be asked to look at; the end of the log stands for "nothing left". */
type Places = {
  readonly afterParent: number;
  readonly afterPrematch: number;
};

/** A decoder with the literals of which its prematch needs one; null when nothing can be told by literals. */
type Candidate = { readonly decoder: Decoder; readonly literals: readonly number[] | null };

/** The candidates that a log's first byte allows, by that byte (a fifth fewer prematches are run); an empty log has all. */
class ByFirstByte {
  readonly all: readonly Candidate[];
  readonly #of: readonly (readonly Candidate[])[];

  constructor(all: readonly Candidate[]) {
    this.all = all;
    const starts = all.map(({ decoder }) => decoder.prematch?.firstBytes ?? null);
    this.#of = Array.from({ length: 256 }, (_, byte) =>
      all.filter((_, index) => starts[index]?.[byte] !== 0),
    );
  }

  of(log: string): readonly Candidate[] {
    return this.#of[log.charCodeAt(0)] ?? this.all;
  }
}

export type DecoderPart = "program_name" | "prematch" | "regex";

/** Sees every step of a decoding, for those who ask why; live events have none. */
export interface DecodeObserver {
  /** A pattern of the decoder did not match the text that it looks at. */
  failed(decoder: Decoder, part: DecoderPart, text: string): void;
  /** The program name and the prematch of the decoder match, where it has them. */
  took(decoder: Decoder): void;
  /** The decoder's regex matched or its plugin ran: the event has what was found. */
  extracted(decoder: Decoder, event: Event): void;
}

export class DecoderRunner {
  readonly #scanner: LiteralScanner;
  readonly #knowsRule: KnowsRule;
  readonly #withProgramName: readonly Candidate[];
  readonly #withoutProgramName: ByFirstByte;
  readonly #childrenOf: ReadonlyMap<Decoder, readonly Candidate[]>;
  readonly #candidatesOf = new Map<string, readonly Candidate[]>();

  /** Names its literals to the scanner, which is compiled afterwards. */
  constructor(tree: DecoderTree, scanner: LiteralScanner, knowsRule: KnowsRule) {
    this.#scanner = scanner;
    this.#knowsRule = knowsRule;
    const candidate = (decoder: Decoder): Candidate => ({
      decoder,
      literals: scanner.idsOf(decoder.prematch?.required ?? null),
    });
    this.#withProgramName = tree.withProgramName.map(candidate);
    this.#withoutProgramName = new ByFirstByte(tree.withoutProgramName.map(candidate));
    const all = [...tree.withProgramName, ...tree.withoutProgramName];
    this.#childrenOf = new Map(all.map((decoder) => [decoder, decoder.children.map(candidate)]));
  }

  decode(event: Event, observer: DecodeObserver | null = null): void {
    const { log, programName } = event;
    const candidates = observer === null ? this.#candidates(programName, log) : this.#allFor(programName);
    for (const { decoder, literals } of candidates) {
      if (observer !== null && programName !== null && !takesProgram(decoder, programName)) {
        observer.failed(decoder, "program_name", programName);
        continue;
      }
      let afterParent = 0;
      if (decoder.prematch !== null) {
        const possible = literals === null || this.#scanner.sees(literals);
        const found = possible ? decoder.prematch.match(log) : null;
        if (found === null) {
          observer?.failed(decoder, "prematch", log);
          continue;
        }
        afterParent = startAfter(found.end, event);
      }
      observer?.took(decoder);
      event.decoder = decoder;
      event.category = decoder.category;
      if (decoder.children.length === 0) {
        this.#runFrom([decoder], 0, event, { afterParent, afterPrematch: afterParent }, observer);
      } else this.#runChildren(decoder, event, afterParent, observer);
      return;
    }
    event.decoder = NO_DECODER;
  }

  /** An event with a program name tries only the decoders that ask for one, and the other way round. */
  #allFor(programName: string | null): readonly Candidate[] {
    return programName === null ? this.#withoutProgramName.all : this.#withProgramName;
  }

  /** Those of them that take the program, or may take the log. */
  #candidates(programName: string | null, log: string): readonly Candidate[] {
    if (programName === null) return this.#withoutProgramName.of(log);
    const known = this.#candidatesOf.get(programName);
    if (known !== undefined) return known;
    const candidates = this.#withProgramName.filter(({ decoder }) => takesProgram(decoder, programName));
    if (programName.length <= PROGRAM_NAME_REMEMBERED_BYTES_MAX) {
      if (this.#candidatesOf.size >= PROGRAM_NAMES_REMEMBERED_MAX) this.#candidatesOf.clear();
      this.#candidatesOf.set(ownCopy(programName), candidates);
    }
    return candidates;
  }

  #runChildren(decoder: Decoder, event: Event, afterParent: number, observer: DecodeObserver | null): void {
    const { children } = decoder;
    const candidates = this.#childrenOf.get(decoder) ?? [];
    const { log } = event;
    let index = 0;
    for (;;) {
      const child = children[index];
      if (child === undefined) return;
      const literals = candidates[index]?.literals ?? null;
      if (child.prematch === null) {
        this.#runFrom(children, index, event, { afterParent, afterPrematch: afterParent }, observer);
        return;
      }
      const base = child.prematchOffset === "after_parent" ? afterParent : 0;
      const possible = literals === null || this.#scanner.sees(literals);
      const found = possible ? child.prematch.match(log, base) : null;
      if (found !== null) {
        observer?.took(child);
        event.decoder = child;
        event.category = child.category;
        const afterPrematch = startAfter(found.end, event);
        this.#runFrom(children, index, event, { afterParent, afterPrematch }, observer);
        return;
      }
      observer?.failed(child, "prematch", log.slice(base));
      // The siblings of a multi-regex decoder stand or fall with its first one.
      if (child.next) while (children[++index]?.next === true);
      index++;
    }
  }

  /** Runs the decoder at `index`, and the siblings that go on from it. */
  #runFrom(
    siblings: readonly Decoder[],
    index: number,
    event: Event,
    places: Places,
    observer: DecodeObserver | null,
  ): void {
    let afterRegex: number | null = null;
    for (let at = index; ; at++) {
      const decoder = siblings[at];
      if (decoder === undefined) return;
      if (decoder.plugin !== null) {
        runPlugin(decoder.plugin, event, pluginText(event, places), this.#knowsRule);
        observer?.extracted(decoder, event);
        return;
      }
      if (decoder.regex === null) return;
      const base = baseOf(decoder, places, afterRegex);
      const found = decoder.regex.match(event.log, base);
      if (found !== null) {
        afterRegex = startAfter(found.end, event);
        assign(decoder, event, found.captures);
        observer?.extracted(decoder, event);
      } else observer?.failed(decoder, "regex", event.log.slice(base));
      if (!decoder.next) return;
    }
  }
}

function takesProgram(decoder: Decoder, programName: string): boolean {
  return decoder.programName?.test(programName) === true;
}

/** Where the text after a match begins: behind its last byte. */
function startAfter(end: number, event: Event): number {
  const { log } = event;
  // An empty match at the very start: the peer looks at the byte in front, and finds nothing left when that is a NUL.
  if (end < 0 && event.logFollowsNul) return log.length;
  return Math.min(end + 1, log.length);
}

function baseOf(decoder: Decoder, places: Places, afterRegex: number | null): number {
  switch (decoder.regexOffset) {
    case "after_parent":
      return places.afterParent;
    case "after_prematch":
      return places.afterPrematch;
    case "after_regex":
      return afterRegex ?? places.afterPrematch;
    default:
      return 0;
  }
}

/** The text for a plugin, by the offset of the decoder that the event is known by. */
function pluginText(event: Event, places: Places): string {
  switch (event.decoder.pluginOffset) {
    case "after_parent":
      return event.log.slice(places.afterParent);
    case "after_prematch":
      return event.log.slice(places.afterPrematch);
    default:
      return event.log;
  }
}

function assign(decoder: Decoder, event: Event, captures: readonly string[]): void {
  const count = Math.min(captures.length, decoder.order.length);
  for (let index = 0; index < count; index++) {
    const target = decoder.order[index];
    const value = captures[index];
    if (target === undefined || value === undefined) continue;
    if (target.kind === "static") event.setStatic(target.field, value);
    else event.addDynamic(target.name, value);
  }
}
