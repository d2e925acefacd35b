/** Goal: the peer's reading of the password file, but for its defect. Method: small files by hand. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { systemRandom } from "#kernel/platform/random.ts";
import { FakeFiles } from "#testing/files.ts";
import { readPassword } from "./password.ts";

const PATH = "/etc/authd.pass";

function read(content: string): string | undefined {
  const files = new FakeFiles();
  files.write(PATH, content);
  return readPassword(files, PATH, systemRandom).password?.reveal();
}

test("readPassword() takes the first line", () => {
  assert.equal(read("s3cret pass\n"), "s3cret pass");
  assert.equal(read("s3cret\nsecond line\n"), "s3cret");
  assert.equal(read("abc"), "abc");
  assert.equal(read("ab\n"), "ab");
  assert.equal(read("x".repeat(5000)), "x".repeat(4094));
});

test("readPassword() refuses a file that would leave the door open", () => {
  assert.throws(() => read(""), { code: "password_empty", message: "Empty password provided." });
  assert.throws(() => read("\n"), { code: "password_empty" });
  for (const content of ["a\n", "ab", "\nabcdef\n"]) {
    assert.throws(() => read(content), { code: "password_too_short" }, JSON.stringify(content));
  }
});

test("readPassword() makes a new random password each time when there is no file", () => {
  const files = new FakeFiles();
  const first = readPassword(files, PATH, systemRandom);
  const second = readPassword(files, PATH, systemRandom);
  assert.match(first.password?.reveal() ?? "", /^[0-9a-f]{32}$/);
  assert.notEqual(first.password?.reveal(), second.password?.reveal());
  assert.equal(first.text, `Random password chosen for agent authentication: ${first.password?.reveal()}`);
});
