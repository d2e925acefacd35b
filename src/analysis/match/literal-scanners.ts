/** The literals that rules and decoders ask for, by the part of an event that they are looked for in: the log, a field, the location. */
import type { Event } from "../event.ts";
import type { Subject } from "../ruleset/rule.ts";
import { LiteralScanner } from "./literal-scanner.ts";
import { type SubjectReader, type SubjectTools, subjectKey, subjectReader } from "./subjects.ts";

/** One part of events, with a scanner of its own: rules that look into the same field share its scan. */
export class SubjectLiterals {
  /** As `subjectKey` gives it. */
  readonly key: string;
  readonly scanner: LiteralScanner;
  readonly #read: SubjectReader;

  constructor(key: string, scanner: LiteralScanner, read: SubjectReader) {
    this.key = key;
    this.scanner = scanner;
    this.#read = read;
  }

  /** The ids of the literals that the event may have there; null when it has nothing there. */
  seen(event: Event): readonly number[] | null {
    const text = this.#read(event);
    if (text === undefined || text === null) return null;
    this.scanner.begin(text);
    return this.scanner.seen;
  }
}

export class LiteralScanners {
  /** Decoders ask it, too. */
  readonly log = new LiteralScanner();
  readonly #ofSubject = new Map<string, SubjectLiterals>();

  /** Before `compile`. */
  of(subject: Subject, tools: SubjectTools): SubjectLiterals {
    const key = subjectKey(subject);
    let literals = this.#ofSubject.get(key);
    if (literals === undefined) {
      const scanner = subject.kind === "log" ? this.log : new LiteralScanner();
      literals = new SubjectLiterals(key, scanner, subjectReader(subject, tools));
      this.#ofSubject.set(key, literals);
    }
    return literals;
  }

  /** When everybody has named the literals. */
  compile(): void {
    this.log.compile();
    for (const { scanner } of this.#ofSubject.values()) if (scanner !== this.log) scanner.compile();
  }
}
