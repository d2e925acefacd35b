/** What the reader gives: a forest of elements, each with the place where it stands. */
import type { SourcePosition } from "#formats/source-position.ts";

export type XmlAttribute = {
  readonly name: string;
  readonly value: string;
  readonly position: SourcePosition;
};

export type XmlElement = {
  readonly name: string;
  readonly attributes: readonly XmlAttribute[];
  /** The text after the last child, untrimmed, as typed: no entity is decoded. Never absent: `<x/>` has the empty text. */
  readonly content: string;
  readonly contentPosition: SourcePosition;
  readonly children: readonly XmlElement[];
  /** Of the `<`. */
  readonly position: SourcePosition;
};
