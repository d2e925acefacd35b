/**
 * The files below `stats/`: totals of hours and days, and averages (wazuh v4.14.7: src/analysisd/stats.c).
 *
 * A record comes a few times an hour at most, so each file is replaced whole: never half a record, and on disk at once. After a
 * crash replay brings records again: a file of totals that has the record stays as it is. Throws `CodedError`.
 */
import { CodedError } from "#kernel/errors.ts";
import type { Files } from "#kernel/ports/files.ts";
import { parentOf } from "./day-files.ts";

const DIRECTORY = "stats";
const TOTALS = "totals/";

export type StatisticsFilesNeeds = {
  readonly files: Files;
  /** Absolute. */
  readonly home: string;
};

export class StatisticsFiles {
  readonly #needs: StatisticsFilesNeeds;

  constructor(needs: StatisticsFilesNeeds) {
    this.#needs = needs;
  }

  /** A line with the path below `stats/`; what follows is the file, or what it ends with for totals. */
  write(record: string): void {
    const { files, home } = this.#needs;
    const lineEnd = record.indexOf("\n");
    const name = record.slice(0, lineEnd);
    const text = record.slice(lineEnd + 1);
    const path = `${home}/${DIRECTORY}/${name}`;
    const before = name.startsWith(TOTALS) ? this.#textOf(path) : "";
    if (hasLines(before, text)) return;
    files.makeDirectory(parentOf(path));
    files.replace(path, Buffer.from(before + text, "latin1"));
  }

  #textOf(path: string): string {
    try {
      return this.#needs.files.read(path).toString("latin1");
    } catch (error) {
      if (error instanceof CodedError && error.code === "file_not_found") return "";
      throw error;
    }
  }
}

/** The hour is in its lines, so that two records of a day differ. */
function hasLines(text: string, lines: string): boolean {
  return text.startsWith(lines) || text.includes(`\n${lines}`);
}
