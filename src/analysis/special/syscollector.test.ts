/**
 * Goal: the fields of inventory messages as the peer sets them, and no harm from a hostile one. Method: messages by hand in the form
 * of the agents' modules; for every table a row of which each member goes missing and has every wrong kind of value.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { dataJson } from "#analysis/alert/data-object.ts";
import { SeededRandom } from "#testing/random.ts";
import { DYNAMIC_FIELDS_MAX, type Event } from "../event.ts";
import type { SpecialResult } from "./special.ts";
import { damaged, eventOf, fieldsOf } from "./special-message.fixture.ts";
import { SyscollectorDecoder } from "./syscollector.ts";
import { DELTA_TABLES, SCAN_MESSAGES } from "./syscollector-tables.ts";

const SEEN = { kind: "event", decoderName: "syscollector" };

const decoder = new SyscollectorDecoder();

function decodeText(
  message: string,
  location = "(agent1) any->syscollector",
): { event: Event; result: SpecialResult } {
  const event = eventOf(`d:[001] ${location}:${message}`);
  return { event, result: decoder.decode(event) };
}

function decode(message: unknown) {
  return decodeText(JSON.stringify(message));
}

/** The fields that are not empty. */
function fieldsOfMessage(message: unknown): Record<string, string> {
  const { event, result } = decode(message);
  assert.deepEqual(result, SEEN);
  return Object.fromEntries(fieldsOf(event).filter(([, value]) => value !== ""));
}

test("SyscollectorDecoder sets the fields of a hotfix", () => {
  const { event, result } = decodeText(
    `{"data":{"checksum":"0","hotfix":"KB5031356"},"operation":"INSERTED","type":"dbsync_hotfixes"}`,
  );
  assert.deepEqual(result, SEEN);
  assert.deepEqual(fieldsOf(event), [
    ["type", "dbsync_hotfixes"],
    ["hotfix", "KB5031356"],
    ["operation_type", "INSERTED"],
  ]);
});

test("SyscollectorDecoder names the protocol of an address", () => {
  const data = { address: "192.0.2.2", broadcast: "192.0.2.255", iface: "eth0", netmask: "255.255.255.0" };
  const fields = (proto: unknown) =>
    fieldsOfMessage({ data: { ...data, proto }, operation: "INSERTED", type: "dbsync_network_address" });
  assert.deepEqual(fields(0), {
    type: "dbsync_network_address",
    "netinfo.addr.iface": "eth0",
    "netinfo.addr.proto": "ipv4",
    "netinfo.addr.address": "192.0.2.2",
    "netinfo.addr.netmask": "255.255.255.0",
    "netinfo.addr.broadcast": "192.0.2.255",
    operation_type: "INSERTED",
  });
  assert.equal(fields(1)["netinfo.addr.proto"], "ipv6");
  assert.equal(fields("0")["netinfo.addr.proto"], "0");
});

test("SyscollectorDecoder sets every column of a table in order, empty where the row has none", () => {
  const { event } = decode({
    data: { pid: 5, name: 1.5, state: null, ppid: true },
    operation: "MODIFIED",
    type: "dbsync_ports",
  });
  assert.deepEqual(fieldsOf(event), [
    ["type", "dbsync_ports"],
    ["port.protocol", ""],
    ["port.local_ip", ""],
    ["port.local_port", ""],
    ["port.remote_ip", ""],
    ["port.remote_port", ""],
    ["port.tx_queue", ""],
    ["port.rx_queue", ""],
    ["port.inode", ""],
    ["port.state", ""],
    ["port.pid", "5"],
    ["port.process", ""],
    ["operation_type", "MODIFIED"],
  ]);
});

test("SyscollectorDecoder writes numbers as C does", () => {
  const size = (value: number) =>
    fieldsOfMessage({ data: { size: value }, operation: "INSERTED", type: "dbsync_packages" })[
      "program.size"
    ];
  assert.deepEqual([0, -7, 2_147_483_647, 2_147_483_648, 1.5].map(size), [
    "0",
    "-7",
    "2147483647",
    "2147483648.000000",
    "1.500000",
  ]);
});

test("SyscollectorDecoder gives documents the first version of a system that is not empty", () => {
  const version = (data: object) => {
    const { event } = decode({ data, operation: "MODIFIED", type: "dbsync_osinfo" });
    return JSON.parse(dataJson(event) ?? "").os;
  };
  assert.deepEqual(version({ os_version: "12", version: "#1 SMP" }), { version: "12" });
  assert.deepEqual(version({ version: "#1 SMP" }), { version: "#1 SMP" });
});

test("SyscollectorDecoder renames columns", () => {
  const packages = { data: { groups: "admin" }, operation: "INSERTED", type: "dbsync_packages" };
  assert.equal(fieldsOfMessage(packages)["program.section"], "admin");
  const processes = { data: { argvs: "-D" }, operation: "INSERTED", type: "dbsync_processes" };
  assert.equal(fieldsOfMessage(processes)["process.args"], "-D");
  const hardware = { data: { board_serial: "X1" }, operation: "INSERTED", type: "dbsync_hwinfo" };
  assert.equal(fieldsOfMessage(hardware)["hardware.serial"], "X1");
});

test("SyscollectorDecoder knows the whole scans of old agents", () => {
  const scan = { ID: 7, timestamp: "2020/01/01 00:00:00" };
  assert.deepEqual(
    fieldsOfMessage({ ...scan, type: "port", port: { local_port: 22, PID: 5, process: "sshd" } }),
    {
      type: "port",
      "port.local_port": "22",
      "port.pid": "5",
      "port.process": "sshd",
    },
  );
  assert.deepEqual(
    fieldsOfMessage({ ...scan, type: "process", process: { argvs: ["-D", "x"], utime: 1e12 } }),
    {
      type: "process",
      "process.utime": "2147483647",
      "process.args": '["-D", "x"]',
    },
  );
  assert.deepEqual(
    fieldsOfMessage({ ...scan, type: "program", program: { group: "admin", "multi-arch": "same" } }),
    {
      type: "program",
      "program.section": "admin",
      "program.multiarch": "same",
    },
  );
  assert.deepEqual(fieldsOfMessage({ type: "hardware", inventory: { cpu_mhz: 2400, cpu_cores: 4 } }), {
    type: "hardware",
    "hardware.cpu_cores": "4",
    "hardware.cpu_mhz": "2400.000000",
  });
  assert.deepEqual(fieldsOfMessage({ type: "OS", inventory: { version: "#1", os_name: "Debian" } }), {
    type: "OS",
    "os.name": "Debian",
    "os.release_version": "#1",
  });
  assert.deepEqual(fieldsOfMessage({ ...scan, type: "hotfix", hotfix: "KB1" }), {
    type: "hotfix",
    hotfix: "KB1",
  });
  assert.deepEqual(fieldsOfMessage({ ...scan, type: "process_end" }), { type: "process_end" });
});

test("SyscollectorDecoder takes the addresses of an interface", () => {
  const iface = {
    name: "eth0",
    MTU: 1500,
    IPv4: { address: ["192.0.2.2", "192.0.2.3"], metric: 100 },
    IPv6: { dhcp: "enabled" },
  };
  assert.deepEqual(fieldsOfMessage({ type: "network", iface }), {
    type: "network",
    "netinfo.iface.name": "eth0",
    "netinfo.iface.mtu": "1500",
    "netinfo.iface.ipv4.metric": "100",
    "netinfo.iface.ipv4.address": '["192.0.2.2", "192.0.2.3"]',
    "netinfo.iface.ipv6.dhcp": "enabled",
  });
});

test("SyscollectorDecoder drops what is no inventory message", () => {
  const delta = { data: {}, operation: "INSERTED", type: "dbsync_hotfixes" };
  const reasonOf = ({ event, result }: { event: Event; result: SpecialResult }) => {
    assert.equal(event.dynamicNames.length, 0, "nothing is set");
    return result.kind === "nothing" ? result.reason : result.kind;
  };
  assert.equal(reasonOf(decode({ ...delta, type: "dbsync_" })), "unknown_type");
  assert.equal(reasonOf(decode({ ...delta, type: "dbsync_Hotfixes" })), "unknown_type");
  assert.equal(reasonOf(decode({ ...delta, type: "hotfixes" })), "unknown_type");
  assert.equal(reasonOf(decode({ ...delta, data: [] })), "incomplete");
  assert.equal(reasonOf(decode({ ...delta, operation: 1 })), "incomplete");
  assert.equal(reasonOf(decode({ type: "port", port: {} })), "incomplete");
  assert.equal(reasonOf(decode({ type: "network", ID: 1 })), "incomplete");
  assert.equal(reasonOf(decode({ type: "network_end" })), "incomplete");
  assert.equal(reasonOf(decode({ ...delta, type: null })), "no_type");
  assert.equal(reasonOf(decode([])), "no_type");
  assert.equal(reasonOf(decodeText("x")), "malformed");
  const text = JSON.stringify(delta);
  assert.equal(reasonOf(decodeText(text, "(agent1) any->syscheck")), "other_location");
  assert.equal(reasonOf(decodeText(text, "(agent1) any")), "other_location");
  assert.deepEqual(
    decodeText(text, "(a>syscollector) any->syscollector").result.kind,
    "nothing",
    "the first arrow counts",
  );
});

test("SyscollectorDecoder takes messages of this host", () => {
  const event = eventOf(`d:syscollector:{"type":"dbsync_hotfixes","data":{},"operation":"x"}`);
  assert.deepEqual(decoder.decode(event), SEEN);
});

test("SyscollectorDecoder survives each member of each message missing or of a wrong kind", () => {
  const messages: object[] = [...DELTA_TABLES].map(([name, table]) => ({
    type: `dbsync_${name}`,
    operation: "INSERTED",
    // A few columns are as good as all.
    data: Object.fromEntries(table.slice(0, 4).map(({ column }) => [column, "x"])),
  }));
  for (const [type, { member }] of SCAN_MESSAGES) {
    messages.push({
      type,
      ID: 1,
      [member ?? "hotfix"]: { name: "x", argvs: ["a"], IPv4: { address: ["a"], metric: 1 } },
    });
  }
  for (const message of messages) {
    for (const wrong of damaged(JSON.parse(JSON.stringify(message)))) {
      const { event, result } = decode(wrong);
      if (result.kind === "event") dataJson(event);
      assert(event.dynamicNames.length <= DYNAMIC_FIELDS_MAX);
    }
  }
});

test("SyscollectorDecoder survives long, deep and damaged messages", () => {
  const deep = `${"[".repeat(990)}${"]".repeat(990)}`;
  for (const argvs of [deep, `[${"{},".repeat(20_000)}{}]`, `[${"[".repeat(10_000)}`]) {
    const { event } = decodeText(`{"type":"process","ID":1,"process":{"argvs":${argvs}}}`);
    assert(event.dynamicValues.every((value) => value.length <= 65_536));
  }
  const random = new SeededRandom(5);
  const row = Object.fromEntries(
    (DELTA_TABLES.get("services") ?? []).map(({ column }, index) => [column, index]),
  );
  const bytes = Buffer.from(JSON.stringify({ type: "dbsync_services", operation: "MODIFIED", data: row }));
  for (let round = 0; round < 1000; round++) decodeText(random.mutate(bytes).toString("latin1"));
});
