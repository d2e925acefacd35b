/**
 * Goal: every group and list of groups has the merged.mg that the peer would make, and a new one when a file changed and only then.
 * Method: the peer's vectors as folders on a file system in memory; then one change after the other.
 */
import assert from "node:assert/strict";
import { hash } from "node:crypto";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import type { GroupName } from "#model/agent.ts";
import { FakeFiles } from "#testing/files.ts";
import { RecordingLog, RecordingMetrics } from "#testing/log.ts";
import { unmerge } from "#testing/shared-files.ts";
import { GroupEvents } from "./events.ts";
import { groupListOf, groupsOfList, multigroupFolder } from "./group-list.ts";
import { MergedFiles } from "./merged-files.ts";

type Vector = {
  readonly name: string;
  readonly first_line_name: string;
  readonly ar_conf: string | null;
  readonly files: readonly { readonly path: string; readonly hex: string }[];
  readonly merged_hex: string;
  readonly md5: string;
};
type Multigroup = { readonly groups: string; readonly folder: string };

function vectorsOf<T>(file: string): readonly T[] {
  const url = new URL(`../../test/vectors/agent/${file}`, import.meta.url);
  const { vectors }: { readonly vectors: readonly T[] } = JSON.parse(readFileSync(url, "utf8"));
  return vectors;
}

const CONF = "<agent_config>\n</agent_config>\n";
const UNC = "<agent_config><sca><policies><policy>\\\\host\\p</policy></policies></sca></agent_config>";

class Home {
  readonly files = new FakeFiles();
  readonly log = new RecordingLog();
  readonly metrics = new RecordingMetrics();
  readonly merged: MergedFiles;
  makes = true;

  constructor(files: Readonly<Record<string, string | Buffer>> = {}) {
    this.files.makeDirectory("/etc/shared");
    this.merged = new MergedFiles({
      files: this.files,
      events: new GroupEvents(this.log, this.metrics),
      home: "",
      makes: () => this.makes,
    });
    for (const [path, text] of Object.entries(files)) this.put(path, text);
  }

  put(path: string, content: string | Buffer): void {
    const place = `/etc/shared/${path}`;
    this.files.makeDirectory(place.slice(0, place.lastIndexOf("/")));
    this.files.nowMs += 1;
    this.files.replace(place, typeof content === "string" ? Buffer.from(content, "latin1") : content);
  }

  /** `list: sum` of what the look found. */
  look(): Readonly<Record<string, string | null>> {
    return Object.fromEntries(this.merged.look().map(({ list, merged }) => [list, merged?.sum ?? null]));
  }

  text(group: string): string {
    return this.files.text(`/etc/shared/${group}/merged.mg`);
  }

  paths(group: string): string[] {
    return [...unmerge(this.text(group)).files.keys()];
  }

  warnings(): string[] {
    return this.log.lines
      .splice(0)
      .flatMap(({ level, text }) => (level === "info" ? [] : [`${level}: ${text}`]));
  }
}

for (const vector of vectorsOf<Vector>("merged.json").filter(({ name }) => !name.startsWith("multigroup"))) {
  test(`MergedFiles makes the peer's file: ${vector.name}`, () => {
    const home = new Home();
    const group = vector.first_line_name;
    if (vector.ar_conf !== null) home.put("ar.conf", vector.ar_conf);
    for (const { path, hex } of vector.files) home.put(`${group}/${path}`, Buffer.from(hex, "hex"));
    assert.deepEqual(home.look(), { [group]: vector.md5 });
    assert.equal(home.files.read(`/etc/shared/${group}/merged.mg`).toString("hex"), vector.merged_hex);
  });
}

test("MergedFiles makes the peer's file of several groups", () => {
  const multigroup = vectorsOf<Vector>("merged.json").find(({ name }) => name === "multigroup default,web");
  assert(multigroup !== undefined);
  const joined = Buffer.from(multigroup.files[0]?.hex ?? "", "hex").toString("latin1");
  const [, ofDefault = "", ofWeb = ""] = joined.split(/<!-- Source file: \w+\/agent\.conf -->\n/);
  const home = new Home({ "ar.conf": multigroup.ar_conf ?? "" });
  home.put("default/agent.conf", ofDefault);
  home.put("web/agent.conf", ofWeb);
  home.merged.want("default,web");
  assert.equal(home.look()["default,web"], multigroup.md5);
  const path = `/var/multigroups/${multigroup.first_line_name}/merged.mg`;
  assert.equal(home.files.read(path).toString("hex"), multigroup.merged_hex);
});

test("multigroupFolder() names the folders as the peer does", () => {
  for (const { groups, folder } of vectorsOf<Multigroup>("multigroups.json")) {
    assert.equal(multigroupFolder(groups), folder);
    assert.equal(groupListOf(groupsOfList(groups) ?? []), groups);
  }
  assert.equal(groupsOfList("a,../b"), null);
  assert.equal(groupListOf(["a" as GroupName]), "a");
});

test("MergedFiles tells of a change once, and writes nothing when nothing changed", () => {
  const home = new Home({ "web/agent.conf": CONF, "db/a.txt": "a" });
  const sums = home.look();
  assert.deepEqual(Object.keys(sums).sort(), ["db", "web"]);
  const before = home.files.info("/etc/shared/web/merged.mg");
  assert.deepEqual(home.look(), {});
  home.put("web/agent.conf", CONF); // another file, the same content
  assert.deepEqual(home.look(), {});
  assert.deepEqual(home.files.info("/etc/shared/web/merged.mg"), before);

  home.put("web/b.txt", "b");
  const changed = home.look();
  assert.deepEqual(Object.keys(changed), ["web"]);
  assert.equal(changed["web"], hash("md5", home.files.read("/etc/shared/web/merged.mg")));
  home.put("web/merged.mg", "#web\n"); // somebody else's
  assert.deepEqual(home.look(), {}, "it is made again");
  assert.equal(hash("md5", home.files.read("/etc/shared/web/merged.mg")), changed["web"]);
  home.put("ar.conf", "x");
  assert.deepEqual(Object.keys(home.look()).sort(), ["db", "web"], "every group has ar.conf");
  home.files.removeTree("/etc/shared/db");
  assert.deepEqual(home.look(), { db: null });
});

test("MergedFiles knows a file that an earlier run left", () => {
  const home = new Home({ "web/a.txt": "a" });
  const sums = home.look();
  const info = home.files.info("/etc/shared/web/merged.mg");
  const next = new MergedFiles({
    files: home.files,
    events: new GroupEvents(home.log, home.metrics),
    home: "",
  });
  assert.deepEqual(
    next.look().map(({ list, merged }) => [list, merged?.sum]),
    Object.entries(sums),
  );
  assert.deepEqual(home.files.info("/etc/shared/web/merged.mg"), info);
});

test("MergedFiles puts several groups together in their order, the last file of a name wins", () => {
  const home = new Home({
    ...{ "a/agent.conf": CONF, "a/x.txt": "of a", "a/sub/y": "y of a", "a/only": "1" },
    ...{ "b/agent.conf": "<agent_config/>", "b/x.txt": "of b", "b/sub/y": "y of b" },
  });
  for (const list of ["a,b", "b,a", "b,missing", "a,../b", "a"]) home.merged.want(list);
  const sums = home.look();
  assert.deepEqual(Object.keys(sums).sort(), ["a", "a,b", "b", "b,a", "b,missing"]);
  const ab = unmerge(home.files.text(`/var/multigroups/${multigroupFolder("a,b")}/merged.mg`));
  assert.equal(ab.name, multigroupFolder("a,b"));
  assert.deepEqual(
    [...ab.files],
    [
      [
        "agent.conf",
        `<!-- Source file: a/agent.conf -->\n${CONF}<!-- Source file: b/agent.conf -->\n<agent_config/>`,
      ],
      ["only", "1"],
      ["sub/y", "y of b"],
      ["x.txt", "of b"],
    ],
  );
  const ba = unmerge(home.files.text(`/var/multigroups/${multigroupFolder("b,a")}/merged.mg`));
  assert.equal(ba.files.get("x.txt"), "of a");
  home.put("b/x.txt", "new");
  assert.deepEqual(Object.keys(home.look()).sort(), ["a,b", "b", "b,missing"]);
});

test("MergedFiles leaves out what agents cannot take, and says so once", () => {
  const long = "n".repeat(190);
  const home = new Home({
    ...{ "web/.hidden": "x", "web/merged.mg.old": "x", "web/nul.bin": "a\0b\n", "web/empty": "" },
    ...{ [`web/${long}`]: "x", "web/a\\b": "x", "web/new\nline": "x", "web/ok": "x" },
  });
  assert.deepEqual(Object.keys(home.look()), ["web"]);
  assert.deepEqual(home.paths("web"), ["empty", "ok"]);
  assert.deepEqual(home.warnings().sort(), [
    "warning: File '/etc/shared/web/empty' is empty.",
    'warning: Invalid name of a shared file: "etc/shared/web/a\\\\b"',
    'warning: Invalid name of a shared file: "etc/shared/web/new\\nline"',
    "warning: Invalid shared file '/etc/shared/web/nul.bin'. Ignoring it.",
    `warning: Path too long 'etc/shared/web/${long}'`,
  ]);
  home.look();
  assert.deepEqual(home.warnings(), []);
});

test("MergedFiles keeps the last good file of a group whose agent.conf has errors, and of the lists it is in", () => {
  const home = new Home({ "web/agent.conf": CONF, "web/a": "1", "db/b": "1" });
  home.merged.want("web,db");
  const good = home.look();
  home.put("web/agent.conf", UNC);
  home.put("web/a", "2");
  assert.deepEqual(home.look(), {});
  assert.equal(hash("md5", home.text("web")), good["web"]);
  const [line = "", last] = home.warnings();
  assert.match(
    line,
    /^error: etc\/shared\/web\/agent\.conf:1:\d+: error: A path of another host is not sent/,
  );
  assert.match(last ?? "", /^error: agent\.conf of group 'web' has errors: its agents keep what they have/);
  home.look();
  assert.deepEqual(home.warnings(), []);
  home.put("web/agent.conf", CONF);
  assert.deepEqual(Object.keys(home.look()).sort(), ["web", "web,db"]);
});

test("MergedFiles has no file of a new group whose agent.conf has errors", () => {
  const home = new Home({ "web/agent.conf": "<agent_config>" });
  assert.deepEqual(home.look(), {});
  assert.equal(home.files.info("/etc/shared/web/merged.mg"), null);
});

test("MergedFiles says once what it cannot read, and goes on with the other groups", () => {
  const home = new Home({ "db/a": "1", "web/a": "1" });
  home.files.deny("/etc/shared/db");
  assert.deepEqual(
    Object.keys(home.look()),
    ["web", "db"].filter((group) => group === "web"),
  );
  assert.equal(home.warnings().length, 1);
  home.look();
  assert.deepEqual(home.warnings(), []);
});

test("load() gives the bytes of a sum, and null when the file is another one", () => {
  const home = new Home({ "web/a": "1" });
  const sum = home.look()["web"] ?? "";
  const bytes = home.merged.load("web", sum);
  assert(bytes !== null);
  assert.equal(Buffer.from(bytes).toString("latin1"), home.text("web"));
  assert.equal(home.merged.load("web", "0".repeat(32)), null);
  assert.equal(home.merged.load("missing", sum), null);
  home.put("web/merged.mg", "x");
  assert.equal(home.merged.load("web", sum), null);
});

test("removeOthers() removes the folders of lists that no agent has, and nothing else", () => {
  const home = new Home({ "a/x": "1", "b/x": "1" });
  home.merged.want("a,b");
  home.look();
  for (const name of ["0badcafe", "keepthis"]) {
    home.files.makeDirectory(`/var/multigroups/${name}`);
    home.files.replace(`/var/multigroups/${name}/merged.mg`, Buffer.from("x"));
  }
  home.merged.removeOthers();
  const names = home.files.list("/var/multigroups").map(({ name }) => name);
  assert.deepEqual(names.sort(), [multigroupFolder("a,b"), "keepthis"].sort());
});

test("MergedFiles takes a merged.mg as it is where it does not make it, and makes it again afterwards", () => {
  const home = new Home({ "web/agent.conf": CONF });
  const made = home.look()["web"];
  home.makes = false;
  assert.deepEqual(home.look(), {}, "the same file");
  const given = Buffer.from("#web\n!2 a.txt\nhi");
  home.put("web/merged.mg", given);
  assert.deepEqual(home.look(), { web: hash("md5", given) });
  home.put("web/b.txt", "more");
  assert.deepEqual(home.look(), {});
  home.files.remove("/etc/shared/web/b.txt");
  home.makes = true;
  assert.deepEqual(home.look(), { web: made });
});
