/** Goal: a home becomes a node by one command, or its ossec.conf stays as it is. Method: the whole command line on a home in memory, what it wrote is read as the manager reads it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { readManagerConfig } from "#config/manager-config.ts";
import { CodedError } from "#kernel/errors.ts";
import { FakeFiles } from "#testing/files.ts";
import { runCommand } from "../environment.fixture.ts";

const CONFIG = "/home/etc/ossec.conf";
const TEXT = "<!-- mine -->\n<ossec_config>\n</ossec_config>\n";
const KEY = "c98b62a9b6169ac5f67dae55ae4a9088";
const KEY_FILE = "/cluster.key";

function homeFiles(text = TEXT, key = `${KEY}\n`): FakeFiles {
  const files = new FakeFiles();
  files.makeDirectory("/home/etc");
  files.replace(CONFIG, Buffer.from(text), 0o644);
  files.write(KEY_FILE, key);
  return files;
}

function join(files: FakeFiles, ...args: readonly string[]) {
  return runCommand(["cluster", "join", ...args, "--key-file", KEY_FILE, "--home", "/home"], { files });
}

test("cluster key prints a key that no one has", async () => {
  const keys = await Promise.all([1, 2].map(async () => (await runCommand(["cluster", "key"])).stdout.text));
  for (const key of keys) assert.match(key, /^[0-9a-f]{32}\n$/);
  assert.notEqual(keys[0], keys[1]);
});

test("cluster join makes a worker, and called again writes the block anew", async () => {
  const files = homeFiles();
  const first = await join(files, "10.0.0.1", "--node-name", "w1");
  assert.equal(first.exitCode, 0, first.stderr.text);
  assert.match(first.stdout.text, /w1 \(worker\) of cyb3rhq, master at 10\.0\.0\.1/);
  const again = await join(files, "master.example", "--node-name", "w2", "--name", "c", "--port", "1600");
  assert.equal(again.exitCode, 0, again.stderr.text);
  assert(files.text(CONFIG).startsWith(TEXT));
  assert.equal(files.text(CONFIG).match(/<cluster>/g)?.length, 1);
  const { config, problems } = readManagerConfig(files.text(CONFIG), CONFIG);
  assert.deepEqual(problems, []);
  const { disabled, name, nodeName, nodeType, masterAddress, port, key } = config.cluster;
  assert.deepEqual(
    [disabled, name, nodeName, nodeType, masterAddress, port, key.reveal()],
    [false, "c", "w2", "worker", "master.example", 1600, KEY],
  );
  assert.equal((files.info(CONFIG)?.mode ?? 0) & 0o777, 0o640, "others do not read the key");
  for (const { stdout, stderr } of [first, again]) assert(!`${stdout.text}${stderr.text}`.includes(KEY));
});

test("cluster join makes a master, with the key from stdin", async () => {
  const files = homeFiles();
  const args = ["10.0.0.1", "--type", "master", "--node-name", "m", "--key-file", "-", "--home", "/home"];
  const { exitCode } = await runCommand(["cluster", "join", ...args], { files, stdin: [KEY.slice(9), "\n"] });
  assert.equal(exitCode, 1, "a part of a key is none");
  await runCommand(["cluster", "join", ...args], { files, stdin: [KEY.slice(0, 9), `${KEY.slice(9)}\n`] });
  assert.equal(readManagerConfig(files.text(CONFIG), CONFIG).config.cluster.nodeType, "master");
});

test("cluster join leaves an ossec.conf alone that it may not write, though it may write into its folder", async () => {
  const files = homeFiles();
  const open = files.open.bind(files);
  files.open = (path, mode, permissions) => {
    if (path !== CONFIG || mode !== "update") return open(path, mode, permissions);
    throw new CodedError("file_access_denied", `EACCES: permission denied, open '${path}'`);
  };
  const { exitCode, stderr } = await join(files, "10.0.0.1", "--node-name", "w1");
  assert.equal(exitCode, 1);
  assert.match(stderr.text, /^cyb3rhq: EACCES: .*ossec\.conf'\n$/);
  assert.equal(files.text(CONFIG), TEXT);
});

test("cluster join refuses what would not be a node, and leaves ossec.conf alone", async () => {
  const inCluster = `<ossec_config><cluster><node_name>n</node_name><key>${KEY}</key><nodes><node>10.0.0.9</node></nodes></cluster></ossec_config>\n`;
  const cases: readonly (readonly [text: string, key: string, args: readonly string[], said: RegExp])[] = [
    [TEXT, "short", ["10.0.0.1", "--node-name", "w"], /\/cluster\.key is no key of 32 letters and digits/],
    [TEXT, "k".repeat(5000), ["10.0.0.1", "--node-name", "w"], /is no key/],
    [TEXT, KEY, ["10.0.0.1", "--node-name", "w.1"], /Masters refuse the node name 'w\.1'/],
    [TEXT, KEY, ["MASTER_NODE_IP", "--node-name", "w"], /placeholder/],
    [TEXT, KEY, ["localhost", "--node-name", "w"], /Invalid elements in node fields: localhost\./],
    [TEXT, KEY, ["10.0.0.1<x>", "--node-name", "w"], /'10\.0\.0\.1<x>' is no node/],
    [
      inCluster,
      KEY,
      ["10.0.0.1", "--node-name", "w"],
      /has a <cluster> block already: this home is n of wazuh/,
    ],
    ["<ossec_config><cluster/></ossec_config>", KEY, ["10.0.0.1", "--node-name", "w"], /Unspecified key/],
  ];
  for (const [text, key, args, said] of cases) {
    const files = homeFiles(text, key);
    const { exitCode, stderr } = await join(files, ...args);
    assert.equal(exitCode, 1);
    assert.match(stderr.text, said);
    assert.equal(files.text(CONFIG), text);
    assert(!stderr.text.includes(KEY));
  }
  assert.equal((await join(homeFiles(), "10.0.0.1")).exitCode, 2);
});
