/** Goal: agents never take the last open file, and a low limit is said with what to do. Method: the kernel's text, and limits by hand. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { FakeFiles } from "#testing/files.ts";
import { connectionsWithin, fileLimitWarning, openFilesMax } from "./file-limit.ts";

function limits(openFiles: string): FakeFiles {
  const files = new FakeFiles();
  files.makeDirectory("/proc/self");
  const text = `Limit                     Soft Limit           Hard Limit           Units     \nMax processes             96285                96285                processes \n${openFiles}Max locked memory         8388608              8388608              bytes     \n`;
  files.replace("/proc/self/limits", Buffer.from(text), 0o444);
  return files;
}

test("openFilesMax() reads the soft limit of /proc/self/limits", () => {
  const line = "Max open files            4096                 524288               files     \n";
  assert.equal(openFilesMax(limits(line)), 4096);
  assert.equal(
    openFilesMax(limits("Max open files            unlimited            unlimited            files\n")),
    null,
  );
  assert.equal(openFilesMax(limits("")), null);
  assert.equal(openFilesMax(new FakeFiles()), null);
});

test("connectionsWithin() leaves files for everything that is no agent", () => {
  assert.equal(connectionsWithin(null, 50_000), 50_000);
  assert.equal(connectionsWithin(1_048_576, 50_000), 50_000);
  assert.equal(connectionsWithin(20_000, 50_000), 18_000);
  assert.equal(connectionsWithin(4096, 50_000), 2096);
  assert.equal(connectionsWithin(1024, 50_000), 512);
  assert.equal(connectionsWithin(20_000, 3), 3);
});

test("fileLimitWarning() says limit, room, agents and the remedy, and nothing when there is room", () => {
  assert.equal(fileLimitWarning(4096, 2096, 2096), null);
  assert.equal(fileLimitWarning(null, 10, 11), null);
  const warning = fileLimitWarning(4096, 2096, 2097);
  assert.match(
    warning ?? "",
    /4096: 2096 agents .* 2097 are registered\. Raise it \(ulimit -n, LimitNOFILE=/,
  );
});
