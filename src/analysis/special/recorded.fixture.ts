/** What the peer was sent and what it made of it (test/vectors). */
import { readFileSync } from "node:fs";

const VECTORS = new URL("../../../test/vectors/", import.meta.url);

export type RecordedDocument = {
  readonly full_log: string;
  readonly decoder: { readonly name: string };
  readonly syscheck?: Readonly<Record<string, unknown>>;
  readonly data?: Readonly<Record<string, string>>;
};

export type Recorded = { readonly datagram: string; readonly archive: RecordedDocument };

function linesOf<Row>(path: string): Row[] {
  const lines = readFileSync(new URL(path, VECTORS), "utf8").trimEnd().split("\n");
  return lines.map((line) => JSON.parse(line));
}

/** Messages of one kind that gave an event. */
export function recordedOf(category: string): Recorded[] {
  type Row = {
    readonly category: string;
    readonly datagram: string;
    readonly archive: readonly RecordedDocument[];
  };
  return linesOf<Row>("analysis/queue.jsonl").flatMap(({ category: of, datagram, archive: [archive] }) =>
    of === category && archive !== undefined ? [{ datagram, archive }] : [],
  );
}

/** The file integrity messages of a real agent. */
export function recordedFimSession(): Recorded[] {
  type Frame = { readonly plain?: string };
  const datagrams = linesOf<Frame>("agent/session/frames.jsonl")
    .map(({ plain = "" }) => plain)
    .filter((plain) => plain.startsWith("8:syscheck:") && plain.includes('"type":"event"'))
    .map((plain) => plain.replace("8:", "8:[006] (web1) any->"));
  const archives = linesOf<RecordedDocument>("agent/session/archives.jsonl").filter(
    ({ syscheck }) => syscheck !== undefined,
  );
  return archives.flatMap((archive, index) => {
    const datagram = datagrams[index];
    return datagram === undefined ? [] : [{ datagram, archive }];
  });
}
