/** Goal: agents find every command by its name. Method: the file for one configuration, line by line, and its mode. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { readManagerConfig } from "#config/manager-config.ts";
import { FakeFiles } from "#testing/files.ts";
import { writeArConf } from "./ar-conf.ts";

const RECORDED: { ar_conf_line: string } = JSON.parse(
  readFileSync(new URL("../../test/vectors/agent/execd.json", import.meta.url), "utf8"),
);

test("writeArConf() replaces the file by the restarts and a line for each response", () => {
  const files = new FakeFiles();
  files.makeDirectory("/home/etc/shared");
  files.write("/home/etc/shared/ar.conf", "old");
  const { config } = readManagerConfig(
    `<ossec_config>
      <command><name>firewall-drop</name><executable>firewall-drop</executable></command>
      <command><name>mail</name><executable>mail.sh</executable><timeout_allowed>no</timeout_allowed></command>
      <active-response><command>firewall-drop</command><location>local</location><timeout>600</timeout></active-response>
      <active-response><command>mail</command><location>server</location><timeout>600</timeout></active-response>
    </ossec_config>`,
    "ossec.conf",
  );
  writeArConf(files, "/home", config.activeResponse.responses);
  assert.deepEqual(files.text("/home/etc/shared/ar.conf").split("\n"), [
    "restart-ossec0 - restart-ossec.sh - 0",
    "restart-ossec0 - restart-ossec.cmd - 0",
    "restart-wazuh0 - restart-ossec.sh - 0",
    "restart-wazuh0 - restart-ossec.cmd - 0",
    "restart-wazuh0 - restart-wazuh - 0",
    "restart-wazuh0 - restart-wazuh.exe - 0",
    RECORDED.ar_conf_line,
    "mail0 - mail.sh - 0",
    "",
  ]);
  assert.equal(files.info("/home/etc/shared/ar.conf")?.mode, 0o640);
});
