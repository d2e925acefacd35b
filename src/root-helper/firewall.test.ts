/**
 * Goal: banned addresses are dropped by the real packet filters, and nothing of the administrator's rules is touched. Method: nft,
 * iptables and ip of this machine inside a network namespace of its own; skipped, and said, where none can be made.
 */
import assert from "node:assert/strict";
import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { systemPrograms } from "#kernel/platform/programs.ts";
import type { Programs } from "#kernel/ports/programs.ts";
import { HelperBench } from "./fixture.ts";
import { PROGRAM_FOLDERS } from "./helper.ts";

const ADDRESS = "203.0.113.9";
const IPV6 = "2001:db8::9";
const COMMANDS = ["unshare", "nsenter", "nft", "iptables", "ip6tables", "ip"];

const missing = COMMANDS.filter((name) => !PROGRAM_FOLDERS.some((folder) => existsSync(`${folder}/${name}`)));
const canMake = missing.length === 0 && spawnSync("unshare", ["-n", "true"]).status === 0;
const skip = canMake
  ? false
  : `no network namespace here (missing: ${missing.join(", ") || "the right to make one"})`;

let namespace: ChildProcess;
let iptablesOnly: string;

before(async () => {
  if (skip !== false) return;
  namespace = spawn("unshare", ["-n", "sh", "-c", "ip link set lo up && echo up && exec sleep 60"], {
    stdio: ["ignore", "pipe", "ignore"],
  });
  await new Promise((resolve) => namespace.stdout?.once("data", resolve));
  iptablesOnly = mkdtempSync(join(tmpdir(), "cyb3rhq-programs-"));
  mkdirSync(iptablesOnly, { recursive: true });
  for (const name of ["iptables", "ip6tables"]) {
    const folder = PROGRAM_FOLDERS.find((each) => existsSync(`${each}/${name}`));
    symlinkSync(`${folder}/${name}`, join(iptablesOnly, name));
  }
});

after(() => {
  if (skip !== false) return;
  namespace.kill("SIGKILL");
  rmSync(iptablesOnly, { recursive: true });
});

function inside(...command: string[]): string {
  return execFileSync("nsenter", ["-t", String(namespace.pid), "-n", ...command], { encoding: "latin1" });
}

/** The real programs, inside the namespace. */
const programs: Programs = {
  ...systemPrograms,
  start: ({ path, args, ...rest }, handler) => {
    const command = ["-t", String(namespace.pid), "-n", "--", path, ...args];
    return systemPrograms.start({ path: "/usr/bin/nsenter", args: command, ...rest }, handler);
  },
};

test("RootHelper bans and unbans with nftables, however often it is asked", { skip }, async () => {
  const bench = new HelperBench({}, programs);
  inside("nft", "add table inet filter { chain input { type filter hook input priority 0; } ; }");
  for (const address of [ADDRESS, IPV6, ADDRESS])
    assert.equal((await bench.ask({ kind: "ban", address })).code, "done");
  const table = inside("nft", "list", "table", "inet", "cyb3rhq");
  assert.match(table, /set banned4 \{[^}]*elements = \{ 203\.0\.113\.9 \}/);
  assert.match(table, /set banned6 \{[^}]*elements = \{ 2001:db8::9 \}/);
  assert.equal(table.match(/ip saddr @banned4 drop/g)?.length, 2, "once in each chain");
  assert.equal(table.match(/ip6 saddr @banned6 drop/g)?.length, 2);
  for (const address of [ADDRESS, "198.51.100.1"])
    assert.equal((await bench.ask({ kind: "unban", address: `::ffff:${address}` })).code, "done");
  const left = inside("nft", "list", "table", "inet", "cyb3rhq");
  assert.doesNotMatch(left, /203\.0\.113\.9|198\.51\.100\.1/);
  assert.match(left, /2001:db8::9/);
  assert.match(inside("nft", "list", "ruleset"), /table inet filter \{/);
  bench.remove();
});

test("RootHelper drops packets of a banned address", { skip }, async () => {
  const bench = new HelperBench({}, programs);
  inside("ip", "addr", "add", `${ADDRESS}/32`, "dev", "lo");
  // A datagram to the port itself comes back through input.
  const arrives = () =>
    spawnSync("nsenter", [
      ...["-t", String(namespace.pid), "-n", process.execPath, "-e"],
      `const s=require("node:dgram").createSocket("udp4");s.on("message",()=>process.exit(0));
       s.bind(9999,"${ADDRESS}",()=>{s.send("x",9999,"${ADDRESS}",()=>setTimeout(()=>process.exit(1),200))});s.on("error",()=>process.exit(1))`,
    ]).status === 0;
  assert.equal(arrives(), true);
  await bench.ask({ kind: "ban", address: ADDRESS });
  assert.equal(arrives(), false);
  await bench.ask({ kind: "unban", address: ADDRESS });
  assert.equal(arrives(), true);
  bench.remove();
});

test("RootHelper uses a chain of its own where only iptables is", { skip }, async () => {
  const bench = new HelperBench({ programFolders: [iptablesOnly] }, programs);
  for (const address of [ADDRESS, ADDRESS, IPV6]) {
    const { code, text } = await bench.ask({ kind: "ban", address });
    assert.equal(code, "done", text);
  }
  const rules = inside("iptables", "-S");
  assert.equal(rules.match(/-A CYB3RHQ -s 203\.0\.113\.9\/32 -j DROP/g)?.length, 1);
  assert.match(rules, /-A INPUT -j CYB3RHQ\n/);
  assert.match(rules, /-A FORWARD -j CYB3RHQ\n/);
  assert.match(inside("ip6tables", "-S"), /-A CYB3RHQ -s 2001:db8::9\/128 -j DROP/);
  for (const address of [ADDRESS, ADDRESS, IPV6]) {
    const { code, text } = await bench.ask({ kind: "unban", address });
    assert.equal(code, "done", text);
  }
  assert.doesNotMatch(inside("iptables", "-S") + inside("ip6tables", "-S"), /DROP/);
  bench.remove();
});

test("RootHelper makes and removes routes that lead nowhere", { skip }, async () => {
  const bench = new HelperBench({}, programs);
  for (const address of ["198.51.100.7", "198.51.100.7", "2001:db8::7"]) {
    const { code, text } = await bench.ask({ kind: "add_null_route", address });
    assert.equal(code, "done", text);
  }
  assert.match(inside("ip", "route"), /blackhole 198\.51\.100\.7 proto 214/);
  assert.match(inside("ip", "-6", "route"), /blackhole 2001:db8::7 .*proto 214/);
  for (const address of ["198.51.100.7", "198.51.100.7", "2001:db8::7"]) {
    const { code, text } = await bench.ask({ kind: "remove_null_route", address });
    assert.equal(code, "done", text);
  }
  assert.doesNotMatch(inside("ip", "route") + inside("ip", "-6", "route"), /blackhole/);
  bench.remove();
});

test("RootHelper says what a dry run would run, and changes nothing", { skip }, async () => {
  const bench = new HelperBench({}, programs);
  const before = inside("nft", "list", "ruleset");
  const { code, text } = await bench.ask({ kind: "ban", address: "198.51.100.9" }, true);
  assert.deepEqual(
    [code, text],
    ["would_run", 'would run: nft -f - <<< "add element inet cyb3rhq banned4 { 198.51.100.9 }"'],
  );
  assert.equal(inside("nft", "list", "ruleset"), before);
  bench.remove();
});
