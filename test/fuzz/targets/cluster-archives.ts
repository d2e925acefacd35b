/**
 * Archives of other nodes, applied to files in memory: whatever they hold, only files of synchronised items change, none when the archive is refused,
 * and nothing is left of it. An input is an archive, or behind `made:` JSON of its members and metadata, which are packed here.
 */
import assert from "node:assert/strict";
import { deflateSync } from "node:zlib";
import { runHeavyJob } from "#cluster/heavy-work.ts";
import { ARCHIVE_REFUSED, type HeavyJob } from "#cluster/needs.ts";
import { CodedError } from "#kernel/errors.ts";
import { FakeFiles } from "#testing/files.ts";
import type { SeededRandom } from "#testing/random.ts";
import { damagedJson, damagedText } from "../damage.ts";
import type { Target } from "../target.ts";

/** It goes into a line and to the other node. */
const MESSAGE_CHARS_MAX = 4096;
const HOME = "/home";
const ARCHIVE = `${HOME}/queue/cluster/w1/a.zip`;
const MADE = "made:";
const HASH = "0123456789abcdef".repeat(8);
const KEYS = ["etc/", "etc/rules/", "etc/shared/", "var/multigroups/", "etc/lists/", "framework/"];
const PATHS = [
  "etc/client.keys",
  "etc/rules/a.xml",
  "etc/shared/default/agent.conf",
  "etc/shared/default/ar.conf",
  "var/multigroups/ab/merged.mg",
  "etc/lists/a",
  "etc/ossec.conf",
  "framework/x.py",
  "etc/rules/../ossec.conf",
];
const WORDS = [
  "|//@@//|",
  "|@@//@@|",
  "files_metadata.json",
  "../",
  "/",
  "\\",
  "\0",
  "etc/ossec.conf",
  "x\x9c\x03\0\0\0\0\x01",
  "x\x01",
];
const STANDING = [
  "etc/ossec.conf",
  "etc/client.keys",
  "etc/rules/a.xml",
  "etc/shared/default/agent.conf",
  "etc/shared/default/ar.conf",
  "framework/x.py",
  "queue/db/global.db",
];
/** What may change: the items of the protocol's description. */
const SYNCED =
  /^\/home\/(?:etc\/client\.keys|etc\/(?:shared|rules|decoders|lists)\/.+|var\/multigroups\/(?:.+\/)?merged\.mg)$/s;

type Made = { readonly members?: unknown; readonly metadata?: unknown };

function packed({ members, metadata }: Made): Buffer {
  const pairs = Array.isArray(members) ? members : [];
  const parts = pairs.flatMap((pair) => [
    Buffer.from(`${String(pair?.[0])}|//@@//|`),
    deflateSync(Buffer.from(String(pair?.[1]))),
    Buffer.from("|@@//@@|"),
  ]);
  const text = Buffer.from(JSON.stringify(metadata) ?? "");
  return Buffer.concat([...parts, Buffer.from("files_metadata.json|//@@//|"), deflateSync(text)]);
}

function bytesOf(input: string): Buffer | null {
  if (!input.startsWith(MADE)) return Buffer.from(input, "latin1");
  try {
    const made: unknown = JSON.parse(input.slice(MADE.length));
    return typeof made === "object" && made !== null ? packed(made) : null;
  } catch {
    return null;
  }
}

function disk(archive: Buffer): FakeFiles {
  const files = new FakeFiles();
  for (const path of STANDING) {
    const absolute = `${HOME}/${path}`;
    files.makeDirectory(absolute.slice(0, absolute.lastIndexOf("/")));
    files.write(absolute, path);
  }
  files.makeDirectory(`${HOME}/queue/cluster/w1`);
  files.write(ARCHIVE, archive.toString("latin1"));
  return files;
}

function contents(files: FakeFiles): Map<string, string> {
  return new Map(files.paths().map((path) => [path, files.text(path)]));
}

/** Whether it was not refused. */
function applied(files: FakeFiles, job: HeavyJob): boolean {
  try {
    runHeavyJob(files, job);
    return true;
  } catch (error) {
    assert(error instanceof CodedError && error.code === ARCHIVE_REFUSED, String(error));
    assert(error.message.length < MESSAGE_CHARS_MAX);
    return false;
  }
}

function run(input: string): void {
  const archive = bytesOf(input);
  if (archive === null) return;
  const files = disk(archive);
  const before = contents(files);
  applied(files, { kind: "compare_table", archive: ARCHIVE, table: new Map() });
  assert.deepEqual(contents(files), before);
  const isApplied = applied(files, { kind: "apply_changes", home: HOME, archive: ARCHIVE });
  const after = contents(files);
  for (const path of new Set([...before.keys(), ...after.keys()])) {
    if (before.get(path) === after.get(path)) continue;
    assert(isApplied, `refused, and changed: ${path}`);
    assert(SYNCED.test(path) && !path.split("/").includes(".."), path);
  }
}

function make(random: SeededRandom): string {
  const paths = Array.from({ length: random.below(4) }, () => random.pick(PATHS));
  const table = (): object =>
    Object.fromEntries(
      paths
        .filter(() => random.below(2) === 0)
        .map((path) => {
          const key = KEYS.find((item) => path.startsWith(item) && random.below(3) > 0) ?? random.pick(KEYS);
          return [path, { mod_time: 1.5, cluster_item_key: key, merged: false, hash: HASH }];
        }),
    );
  const made = {
    members: paths.map((path, index) => [path, `content ${index}`]),
    metadata: { missing: table(), shared: table(), extra: table() },
  };
  switch (random.below(3)) {
    case 0:
      return MADE + JSON.stringify(made);
    case 1:
      return MADE + damagedJson(random, JSON.stringify(made));
    default:
      return damagedText(random, packed(made).toString("latin1"), WORDS);
  }
}

export const clusterArchivesTarget: Target = {
  make,
  change: (random, input, other) =>
    input.startsWith(MADE) && random.below(3) > 0
      ? MADE + damagedJson(random, input.slice(MADE.length))
      : damagedText(random, input, [...WORDS, other.slice(0, 60)]),
  run,
};
