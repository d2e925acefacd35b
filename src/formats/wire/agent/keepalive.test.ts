/**
 * Goal: what a keepalive says, whatever stands in it. Method: texts of the recorded session and by hand from the format;
 * hostile lines; damaged copies.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { SeededRandom } from "#testing/random.ts";
import {
  LABEL_KEY_BYTES_MAX,
  LABEL_VALUE_BYTES_MAX,
  LABELS_BYTES_MAX,
  LABELS_MAX,
  parseKeepalive,
} from "./keepalive.ts";

const SUM = "ab73af41699f13fdd81903b5f23d8d00";
const MERGED = "2122206a7d467379c31424e41a3de956";
const UNAME = "Linux |vm |6.18.44 |#1 SMP @0 |x86_64 [Debian GNU/Linux|debian: 12 (bookworm)]";
const FULL = [
  `${UNAME} - Wazuh v4.14.7 / ${SUM}`,
  '"site":paris: 2 - north',
  '!"owner":bob',
  '#"_internal":1',
  '#!"_hidden":2',
  `${MERGED} merged.mg`,
  '#"_agent_ip":10.1.2.3',
  "",
].join("\n");

test("parseKeepalive() reads every line", () => {
  const keepalive = parseKeepalive(FULL);
  assert.equal(keepalive.system?.osVersion, "12");
  assert.equal(keepalive.system?.osUname, "Linux |vm |6.18.44 |#1 SMP @0 |x86_64");
  assert.equal(keepalive.version, "Wazuh v4.14.7");
  assert.equal(keepalive.configSum, SUM);
  assert.equal(keepalive.mergedSum, MERGED);
  assert.equal(keepalive.agentIp, "10.1.2.3");
  assert.deepEqual(keepalive.labels, [
    { key: "site", value: "paris: 2 - north", hidden: false, system: false },
    { key: "owner", value: "bob", hidden: true, system: false },
    { key: "_internal", value: "1", hidden: false, system: true },
    { key: "_hidden", value: "2", hidden: true, system: true },
  ]);
});

test("parseKeepalive() takes any product name and a missing sum", () => {
  const rows: readonly (readonly [string, string | null, string | null])[] = [
    [`Linux - Wazuh v4.9.2 / ${SUM}`, "Wazuh v4.9.2", SUM],
    ["Linux - Wazuh v4.9.2", "Wazuh v4.9.2", null],
    ["Linux - Cyb3rhq v4.14.7", "Cyb3rhq v4.14.7", null],
    ["Linux - x |[y] - Cyb3rhq v4.14.7", "Cyb3rhq v4.14.7", null],
    ["Linux - Wazuh v4.9.2 / no sum", "Wazuh v4.9.2", null],
    ["Linux - ", null, null],
    [" - ", null, null],
    ["Linux", null, null],
  ];
  for (const [line, version, configSum] of rows) {
    const keepalive = parseKeepalive(`${line}\n`);
    assert.equal(keepalive.version, version, line);
    assert.equal(keepalive.configSum, configSum, line);
  }
});

test("parseKeepalive() tells no merged.mg from no word about it", () => {
  assert.equal(parseKeepalive("Linux - Wazuh v4.9.2\nx merged.mg\n").mergedSum, "x");
  assert.equal(parseKeepalive("Linux - Wazuh v4.9.2\n").mergedSum, null);
  assert.equal(parseKeepalive("Linux - Wazuh v4.9.2\n../../x merged.mg\n").mergedSum, null);
});

test("parseKeepalive() drops labels that only the manager can know", () => {
  const text =
    '#"_manager_hostname":evil\n"_node_name":evil\n#"_wazuh_version":evil\n"":x\n"open\n#"_agent_ip":evil\n';
  const keepalive = parseKeepalive(text);
  assert.deepEqual(keepalive.labels, []);
  assert.equal(keepalive.agentIp, null);
});

test("parseKeepalive() leaves labels out that are too long, too many or hold control bytes, and counts them", () => {
  const parse = (lines: readonly string[]) => {
    const { labels, labelsRefused } = parseKeepalive(lines.map((line) => `${line}\n`).join(""));
    return [labels.length, labelsRefused];
  };
  const label = (keyBytes: number, valueBytes: number) =>
    `"${"k".repeat(keyBytes)}":${"v".repeat(valueBytes)}`;
  assert.deepEqual(parse([label(LABEL_KEY_BYTES_MAX, 1), label(1, LABEL_VALUE_BYTES_MAX)]), [2, 0]);
  assert.deepEqual(parse([label(LABEL_KEY_BYTES_MAX + 1, 1), label(1, LABEL_VALUE_BYTES_MAX + 1)]), [0, 2]);
  assert.deepEqual(parse(Array<string>(LABELS_MAX + 3).fill('"k":')), [LABELS_MAX, 3]);
  const quarter = label(0x100, LABELS_BYTES_MAX / 4 - 0x100);
  assert.deepEqual(parse([quarter, quarter, quarter, quarter, '"k":', quarter, label(1, 1)]), [4, 3]);
  assert.deepEqual(
    parse(['"a\x1b":x', '"a":\x1b[2J', '"a":x\r', '"a":\x7f', '"a":\0', '"a\tb":c\td\x80']),
    [1, 5],
  );
  // Those that the manager drops anyway take no room.
  assert.deepEqual(parse([`#"_node_name":${"x".repeat(60_000)}`, '"k":v']), [1, 0]);
});

test("parseKeepalive() never throws", () => {
  const random = new SeededRandom(7);
  for (let round = 0; round < 3000; round++) {
    parseKeepalive(random.mutate(Buffer.from(FULL, "latin1")).toString("latin1"));
  }
  parseKeepalive('"'.repeat(65_000));
  parseKeepalive("\n".repeat(65_000));
  parseKeepalive(" - ".repeat(20_000));
  parseKeepalive(`x - ${"v4 ".repeat(20_000)}`);
});
