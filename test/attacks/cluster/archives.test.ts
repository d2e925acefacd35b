/**
 * Goal: an archive of another node changes nothing but files of synchronised items, and nothing at all when a part of it is wrong; neither bombs nor
 * huge tables hurt. Method: hostile workers against a real master, a hostile master against a real worker.
 */
import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { createServer } from "node:net";
import { test } from "node:test";
import { deflateSync } from "node:zlib";
import { CHECK_PERIOD_MS } from "#cluster/integrity/times.ts";
import { attacked, Bed, startWorker, until } from "./bed.ts";
import { archive, bomb, entry, FakeNode, type Member } from "./fake-node.ts";

const MIB = 1024 * 1024;
const RULES = "etc/rules/";
const RULE = "etc/rules/evil.xml";

/** Paths that no item holds, each with the item that is claimed. */
const FOREIGN: readonly (readonly [path: string, key: string])[] = [
  ["etc/ossec.conf", "etc/"],
  ["etc/ossec.conf", RULES],
  ["etc/../etc/ossec.conf", "etc/"],
  ["etc/rules/../ossec.conf", RULES],
  ["etc/rules/../../framework/x.py", RULES],
  ["../../../../tmp/x", RULES],
  ["/etc/passwd", RULES],
  ["etc/rules//x", RULES],
  ["etc/rules/./x", RULES],
  ["etc/rules\\..\\..\\x", RULES],
  ["etc/rules/..\\x", RULES],
  ["etc/rules/a\0b", RULES],
  ["etc/rules/", RULES],
  ["etc/rules", RULES],
  ["etc/rulesx/a", RULES],
  ["etc/shared/x", RULES],
  ["etc/shared/ar.conf", "etc/shared/"],
  ["etc/x", "etc/"],
  ["var/multigroups/a/other", "var/multigroups/"],
  ["framework/x.py", "framework/"],
  ["queue/db/global.db", "queue/"],
  ["outside", ""],
  ["etc/rules/x", "__proto__"],
  ["etc/rules/x", "constructor"],
];

const DEEP = "[".repeat(1_000_000);
/** Tables that are none, by what is wrong with them. */
const TABLES: ReadonlyMap<string, Buffer> = new Map([
  ["a bomb of 10 GiB in 10 MiB", archive([], "", bomb(10_240))],
  ["60 MiB of empty objects", archive([], `[${"{},".repeat(20 * MIB)}{}]`)],
  ["a table without an end in depth", archive([], `{"a":${DEEP}`)],
  ["deep objects", archive([], `{"a":${'{"a":'.repeat(100_000)}1${"}".repeat(100_001)}`)],
  [
    "too many files",
    archive([], JSON.stringify(Object.fromEntries(Array.from({ length: 200_001 }, (_, i) => [i, 1])))),
  ],
  ["a list", archive([], [])],
  ["a text", archive([], '"x"')],
  ["no JSON", archive([], "{")],
  ["nothing", Buffer.alloc(0)],
  ["no metadata", Buffer.from("a|//@@//|b")],
  ["a file in it", archive([[RULE, "x"]], {})],
  ["two metadata", archive([["files_metadata.json", "{}"]], {})],
  ["an entry without a hash", archive([], { [RULE]: { ...entry(RULES), hash: undefined } })],
  ["an entry with another hash", archive([], { [RULE]: { ...entry(RULES), hash: "../x" } })],
  ["an endless time", archive([], `{"${RULE}": ${JSON.stringify(entry(RULES)).replace("1.5", "1e999")}}`)],
  ["prototypes", archive([], `{"__proto__": ${JSON.stringify(entry(RULES))}}`)],
  ["a stream with a wrong end", archive([], "", deflateSync("{}").subarray(0, -4))],
  ...FOREIGN.map(
    ([path, key]) => [JSON.stringify([path, key]), archive([], { [path]: entry(key) })] as const,
  ),
]);

test(
  "tables of a worker with foreign paths, keys and bombs (CVE-2026-48024, CVE-2026-74046)",
  { timeout: 60_000 },
  () =>
    attacked(async (bed) => {
      const node = await FakeNode.connect(bed.port);
      assert.equal(await node.hello("evil"), "ok Client evil added");
      const master = process.memoryUsage();
      let round = 0;
      for (const [what, content] of TABLES) {
        const before = bed.count("cluster_archives_refused");
        let taskId = "";
        await until(
          `the master takes another table before ${what}`,
          () => taskId !== "" || void next() === null,
        );
        async function next(): Promise<void> {
          const answer = await node.text("syn_i_w_m");
          if (answer.startsWith("ok ")) taskId = answer.slice(3);
        }
        const path = `queue/cluster/evil/${round++}.zip`;
        assert.equal(
          await node.sendFile(path, content, "syn_i_w_m_e", taskId),
          "ok File correctly received",
          what,
        );
        await until(`refused: ${what}`, () => bed.count("cluster_archives_refused") === before + 1);
      }
      assert(process.memoryUsage().rss - master.rss < 1536 * MIB);
      assert(!node.asked.some(({ command }) => command === "syn_m_c"), "nothing is sent back");
      await node.end();
    }),
);

/** A master that is none: it lets every worker in, takes its table and sends it an archive. */
async function hostileMaster(): Promise<{
  port: number;
  node: () => FakeNode | null;
  close: () => Promise<void>;
}> {
  let node: FakeNode | null = null;
  const server = createServer((socket) => {
    node = new FakeNode(socket);
    node.answers.set("syn_i_w_m_p", () => "True");
    node.answers.set("syn_i_w_m", () => "11111111-1111-4111-8111-111111111111");
  });
  const port = await new Promise<number>((resolve) => {
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      resolve(typeof address === "object" && address !== null ? address.port : 0);
    });
  });
  return { port, node: () => node, close: () => new Promise((done) => server.close(() => done())) };
}

type Changes = { missing?: object; shared?: object; extra?: object };

function changesArchive(members: readonly Member[], changes: Changes): Buffer {
  return archive(members, { missing: {}, shared: {}, extra: {}, ...changes });
}

const CHANGES: ReadonlyMap<string, Buffer> = new Map([
  ["a bomb", changesArchive([], {}).length > 0 ? archive([], "", bomb(2048)) : Buffer.alloc(0)],
  [
    "a member that is a bomb",
    Buffer.concat([
      Buffer.from(`${RULE}|//@@//|`),
      bomb(2048),
      Buffer.from("|@@//@@|"),
      changesArchive([], { missing: { [RULE]: entry(RULES) } }),
    ]),
  ],
  [
    "two files of a name",
    changesArchive(
      [
        [RULE, "a"],
        [RULE, "b"],
      ],
      { missing: { [RULE]: entry(RULES) } },
    ),
  ],
  ...FOREIGN.flatMap(([path, key]) => [
    [
      `missing ${path}, ${key}`,
      changesArchive([[path, "evil"]], { missing: { [path]: entry(key, "evil") } }),
    ] as const,
    [
      `shared ${path}, ${key}`,
      changesArchive([[path, "evil"]], { shared: { [path]: entry(key, "evil") } }),
    ] as const,
    [`extra ${path}, ${key}`, changesArchive([], { extra: { [path]: entry(key) } })] as const,
  ]),
]);

test("archives of a master with foreign paths, keys, removals and bombs (CVE-2026-30893, CVE-2026-61800)", {
  timeout: 60_000,
}, async () => {
  const { needs } = new Bed();
  const master = await hostileMaster();
  const { home, client } = startWorker("w1", master.port, needs);
  try {
    await until("the worker is in", () => client.session !== null);
    const node = master.node();
    assert(node !== null);
    const before = home.everything;
    let round = 0;
    const send = async (what: string, content: Buffer): Promise<void> => {
      let answer = "";
      for (let turn = 0; turn < 200 && !answer.startsWith("ok "); turn++) answer = await node.text("syn_m_c");
      const path = `queue/cluster/w1/${round++}.zip`;
      const taskId = answer.slice(3);
      assert.equal(
        await node.sendFile(path, content, "syn_m_c_e", taskId),
        "ok File correctly received",
        what,
      );
    };
    for (const [what, content] of CHANGES) {
      const refused = node.asked.length;
      await send(what, content);
      await until(`refused: ${what}`, () =>
        node.asked.slice(refused).some(({ command }) => command === "syn_i_w_m_r"),
      );
      assert.deepEqual(home.everything, before, what);
    }
    assert.equal(needs.metrics.get("cluster_archives_refused"), CHANGES.size);

    // A member that is not named, and one that is named and absent, do not hurt what is right beside them.
    const mixed = changesArchive(
      [
        ["etc/ossec.conf", "evil"],
        [RULE, "good"],
      ],
      {
        missing: { [RULE]: entry(RULES, "good"), "etc/rules/absent.xml": entry(RULES) },
        extra: { "etc/rules/local_rules.xml": entry(RULES), "etc/rules/gone.xml": entry(RULES) },
      },
    );
    await send("mixed", mixed);
    const { "etc/rules/local_rules.xml": _removed, ...kept } = before;
    await until("the right part is applied", () => home.get(RULE) === "good");
    await until("the right part is removed", () => home.get("etc/rules/local_rules.xml") === null);
    assert.deepEqual(home.everything, { ...kept, [RULE]: "good" });

    for (const path of ["/etc/ossec.conf", "/queue/cluster/w2/x", "/queue/cluster/w1/../../../etc/x"]) {
      assert.equal(await node.text("new_file", path), "err Write path not allowed");
      assert.match(await node.text("syn_m_c_e", `0 ${path.slice(1)}`), /"code": 3027/);
    }
    await until("it still asks", () => {
      needs.clock.advance(CHECK_PERIOD_MS);
      return node.asked.some(({ command }) => command === "syn_i_w_m_p");
    });
  } finally {
    client.stop();
    await master.close();
    await needs.heavy.stop();
    rmSync(home.path, { recursive: true });
  }
});
