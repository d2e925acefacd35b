/**
 * Goal: the page on configuration says what the program does. Method: it is made again and compared; the names that the generator
 * adds by hand are looked up in the definitions, and sections without use are given to the reader.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { describeInternalOptions } from "#config/internal-options.ts";
import { describeOptions, readManagerConfig } from "#config/manager-config.ts";
import {
  ACTED_ON,
  CONFIGURATION_PAGE,
  configurationPage,
  DEFAULTS,
  INTERNAL_ACTED_ON,
  NOTES,
  UNUSED_SECTIONS,
} from "./configuration-doc.ts";

test("configurationPage() is what docs/operating/configuration.md holds", () => {
  const advice = "run: node_modules/.bin/node tools/generate/configuration-doc.ts";
  assert.equal(readFileSync(CONFIGURATION_PAGE, "utf8"), configurationPage(), advice);
});

test("configurationPage() speaks of options that exist", () => {
  const paths = describeOptions().map(({ path }) => path);
  for (const path of [...ACTED_ON, ...NOTES.keys(), ...DEFAULTS.keys()]) {
    assert(
      paths.some((known) => known === path || (path.endsWith("/") && known.startsWith(path))),
      path,
    );
  }
  const internal = describeInternalOptions().map(({ name }) => name);
  for (const name of INTERNAL_ACTED_ON) assert(internal.includes(name), name);
});

test("configurationPage() has a default by hand only where the definition gives none", () => {
  for (const { path, fallback } of describeOptions()) assert(fallback === "" || !DEFAULTS.has(path), path);
});

for (const name of UNUSED_SECTIONS) {
  test(`readManagerConfig() warns that <${name}> is not used`, () => {
    const { problems } = readManagerConfig(`<ossec_config><${name}/></ossec_config>`, "ossec.conf");
    assert.deepEqual(
      problems.map(({ severity, message }) => [severity, message]),
      [["warning", `section <${name}> is not used by this version`]],
    );
  });
}
