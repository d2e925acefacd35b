/**
 * Where the test input that belongs to others lies, beside the clone; a user's clone has none, and the tests that need it say so
 * and are skipped there. With `CYB3RHQ_REQUIRE_SHARED=1` (as `.ci/run` sets it) a missing folder is a failure.
 */
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

export const SHARED_DIRECTORY = fileURLToPath(new URL("../../../shared", import.meta.url));
export const RULESET_DIRECTORY = `${SHARED_DIRECTORY}/data/wazuh-ruleset`;
export const RULESET_TESTS_DIRECTORY = `${SHARED_DIRECTORY}/data/wazuh-ruleset-tests`;

/** What to pass as `skip` to a test: false when the data is there. */
export function skipWithoutShared(): string | false {
  if (existsSync(SHARED_DIRECTORY)) return false;
  if (process.env["CYB3RHQ_REQUIRE_SHARED"] === "1") throw new Error(`no test data at ${SHARED_DIRECTORY}`);
  return `SKIPPED: needs the test data of others at ${SHARED_DIRECTORY}`;
}
