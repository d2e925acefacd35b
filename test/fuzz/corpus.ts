/** The inputs that are kept, one file each in `corpus/<target>/`: what failed once, and what reached code that others did not. */
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { TargetName } from "./targets.ts";

const CORPUS = fileURLToPath(new URL("corpus", import.meta.url));

export type KeptInput = { readonly name: string; readonly input: string };

export function readCorpus(target: TargetName): readonly KeptInput[] {
  const directory = join(CORPUS, target);
  if (!existsSync(directory)) return [];
  return readdirSync(directory)
    .sort()
    .map((name) => ({ name, input: readFileSync(join(directory, name), "latin1") }));
}

export type Keeping = {
  /** `failure` or `reach`: the beginning of the file's name. */
  readonly reason: "failure" | "reach";
  /** It stays out of the repository then. */
  readonly foreign: boolean;
};

/** The path of the file. */
export function keepInput(target: TargetName, input: string, { reason, foreign }: Keeping): string {
  const directory = foreign ? join(tmpdir(), "cyb3rhq-fuzz", target) : join(CORPUS, target);
  mkdirSync(directory, { recursive: true });
  const digest = createHash("sha256").update(input, "latin1").digest("hex").slice(0, 12);
  const path = join(directory, `${reason}-${digest}`);
  writeFileSync(path, input, "latin1");
  return path;
}
