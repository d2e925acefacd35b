/** Goal: nobody relies on a setting that nothing acts on. Method: one small configuration for each. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { readManagerConfig } from "#config/manager-config.ts";
import { shippedConfig } from "#config/shipped-config.ts";
import { unusedSettings } from "./unused-settings.ts";

const AGENTS = "<remote><connection>secure</connection></remote><auth><disabled>no</disabled></auth>";

const CASES: readonly (readonly [xml: string, expected: RegExp])[] = [
  ["", /^$/],
  ["<remote><connection>syslog</connection><allowed-ips>10.0.0.0/8</allowed-ips></remote>", /^$/],
  [
    "<command><name>c</name><executable>e</executable></command><active-response><command>c</command><location>server</location></active-response>",
    /^$/,
  ],
  [
    "<localfile><log_format>command</log_format><command>df</command></localfile>",
    /^Commands and formats of other systems/,
  ],
];

for (const [xml, expected] of CASES) {
  test(`unusedSettings() says what nothing acts on: ${xml || "nothing"}`, () => {
    const { config } = readManagerConfig(`<ossec_config>${AGENTS}${xml}</ossec_config>`, "ossec.conf");
    assert.match(unusedSettings(config).join("\n"), expected);
  });
}

test("unusedSettings() has nothing to say of the configuration of a new home", () => {
  assert.deepEqual(unusedSettings(readManagerConfig(shippedConfig(), "ossec.conf").config), []);
});

test("unusedSettings() says when no agent is served", () => {
  const { config } = readManagerConfig("<ossec_config/>", "ossec.conf");
  assert.equal(unusedSettings(config).length, 2);
});
