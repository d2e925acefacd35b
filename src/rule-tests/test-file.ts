/** A file of rule tests, by the ending of its name. */
import { CodedError } from "#kernel/errors.ts";
import type { Files } from "#kernel/ports/files.ts";
import { readIniTests } from "./ini-tests.ts";
import type { RuleTestFile } from "./rule-test.ts";
import { readYamlTests } from "./yaml-tests.ts";

/** Far above any test file; a log or a device given by mistake is refused before it is read. */
const FILE_BYTES_MAX = 4_194_304;

function broken(file: string, message: string, expected: string): RuleTestFile {
  const position = { file, line: 1, column: 1 };
  return { tests: [], problems: [{ severity: "error", position, message, expected }] };
}

export function readTestFile(files: Files, path: string): RuleTestFile {
  const ending = /\.(ini|ya?ml)$/.exec(path)?.[1];
  if (ending === undefined)
    return broken(path, "no known kind of test file", "a name in .ini, .yml or .yaml");
  try {
    const info = files.info(path);
    if (info?.kind === "directory") return broken(path, "is a directory", "a file");
    if (info !== null && info.bytes > FILE_BYTES_MAX) {
      return broken(path, `larger than ${FILE_BYTES_MAX} bytes`, "several files");
    }
    const bytes = files.read(path);
    return ending === "ini" ? readIniTests(bytes.toString("latin1"), path) : readYamlTests(bytes, path);
  } catch (error) {
    if (!(error instanceof CodedError)) throw error;
    return broken(path, `cannot be read: ${error.message}`, "");
  }
}
