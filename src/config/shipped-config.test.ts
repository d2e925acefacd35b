/** Goal: a new home's file loads without a word and says what it promises. Method: read it back, with and without choices. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { readManagerConfig } from "./manager-config.ts";
import { shippedConfig, USUAL_LISTS } from "./shipped-config.ts";

test("shippedConfig() loads without any problem and holds the promised values", () => {
  const { config, problems } = readManagerConfig(shippedConfig(), "etc/ossec.conf");
  assert.deepEqual(problems, []);
  assert.deepEqual([config.alerts.logLevel, config.alerts.emailLevel], [3, 12]);
  assert.deepEqual([config.auth.disabled, config.auth.purge, config.auth.usePassword], [false, true, false]);
  assert.deepEqual(config.auth.force, {
    enabled: true,
    keyMismatch: true,
    disconnectedTime: { enabled: true, seconds: 3600 },
    afterRegistrationSeconds: 3600,
  });
  assert.deepEqual(config.remote.secure?.protocols, { tcp: true, udp: false });
  assert.deepEqual([config.remote.secure?.port, config.remote.secure?.localIp], [1514, "127.0.0.1"]);
  assert.deepEqual(
    config.ruleset.ruleDirectories.map(({ path }) => path),
    ["ruleset/rules", "etc/rules"],
  );
  assert.deepEqual(
    config.ruleset.decoderDirectories.map(({ path }) => path),
    ["ruleset/decoders", "etc/decoders"],
  );
  assert.deepEqual(config.ruleset.ruleExcludes, ["0215-policy_rules.xml"]);
  assert.deepEqual(config.ruleset.lists, []);
  assert.equal(config.cluster.disabled, true);
});

test("shippedConfig() takes another address and the lists that are there", () => {
  const text = shippedConfig({ localIp: "::1", lists: USUAL_LISTS });
  const { config, problems } = readManagerConfig(text, "etc/ossec.conf");
  assert.deepEqual(problems, []);
  assert.equal(config.remote.secure?.localIp, "::1");
  assert.deepEqual(config.ruleset.lists, USUAL_LISTS);
});
