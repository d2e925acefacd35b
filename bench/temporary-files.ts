/** A directory that a benchmark writes files to, gone when it is done. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { RulesetFile } from "#analysis/ruleset/sources.ts";

export class TemporaryFiles {
  readonly #directory = mkdtempSync(join(tmpdir(), "cyb3rhq-bench-"));

  /** `text` is latin1. */
  write(name: string, text: string): RulesetFile {
    const path = join(this.#directory, name);
    writeFileSync(path, text, "latin1");
    return { name: `bench/${name}`, path };
  }

  remove(): void {
    rmSync(this.#directory, { recursive: true, force: true });
  }
}
