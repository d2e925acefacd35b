/**
 * The one door to the XML dialect of ossec.conf, agent.conf, rules and decoders: a text becomes elements or one problem.
 * Nothing is thrown, whatever the text holds.
 */
import type { Problem } from "#formats/source-position.ts";
import type { XmlElement } from "./elements.ts";
import { type ParseOptions, parseElements } from "./parse.ts";
import { applyVariables } from "./variables.ts";
import { XmlError } from "./xml-error.ts";

export type XmlFailure = {
  readonly ok: false;
  /** `reason` wrapped for the log, with our own words on what to do. */
  readonly problem: Problem;
  /** The peer's text, such as `XMLERR: Element 'x' not closed.` */
  readonly reason: string;
  readonly line: number;
};

export type XmlOutcome = { readonly ok: true; readonly elements: readonly XmlElement[] } | XmlFailure;

/** Reads a file that people write: elements with their variables applied; `<var>` elements are left out. */
export function readXml(text: string, file: string): XmlOutcome {
  const outcome = readPlainXml(text, file);
  if (!outcome.ok) return outcome;
  return attempt(
    () => applyVariables(outcome.elements),
    (error) => `(1227): Error applying XML variables '${file}': ${error.reason}.`,
  );
}

/** Reads without variables: for XML that programs write, such as Windows events. */
export function readPlainXml(text: string, file: string, options: ParseOptions = {}): XmlOutcome {
  return attempt(
    () => parseElements(text, file, options),
    (error) => `(1226): Error reading XML file '${file}': ${error.reason} (line ${error.line}).`,
  );
}

function attempt(read: () => readonly XmlElement[], wrap: (error: XmlError) => string): XmlOutcome {
  try {
    return { ok: true, elements: read() };
  } catch (error) {
    if (!(error instanceof XmlError)) throw error;
    return failure(error, wrap(error));
  }
}

function failure({ reason, line, position, expected }: XmlError, message: string): XmlFailure {
  return { ok: false, problem: { severity: "error", position, message, expected }, reason, line };
}
