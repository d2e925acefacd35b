/**
 * Goal: an alert is one readable line of the terminal's width, and nothing that a stranger wrote acts on the terminal. Method:
 * lines written by hand; every control character in every field, raw and as UTF-8; seeded bytes.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { LocalClock } from "#kernel/local-time.ts";
import { SeededRandom } from "#testing/random.ts";
import { type ScreenAlert, screenLine } from "./screen.ts";

const ALERT: ScreenAlert = {
  timeMs: new Date(2026, 10, 21, 6, 44, 10).getTime(),
  level: 5,
  ruleId: "5710",
  agentName: "web1",
  description: "sshd: Attempt to login using a non-existent user",
  user: "admin",
  srcip: "203.0.113.9",
  program: "sshd",
  location: "/var/log/auth.log",
};

function line(changes: Partial<ScreenAlert> = {}, width = 200, coloured = false): string {
  return screenLine({ ...ALERT, ...changes }, { clock: new LocalClock(), width, coloured });
}

test("screenLine() shows time, level, rule, agent, description, who, what and where", () => {
  assert.equal(
    line(),
    "06:44:10   5    5710  web1          sshd: Attempt to login using a non-existent user" +
      "  user=admin  srcip=203.0.113.9  program=sshd  /var/log/auth.log",
  );
});

test("screenLine() leaves out what is not known", () => {
  assert.equal(
    line({
      user: undefined,
      srcip: undefined,
      program: undefined,
      level: 12,
      agentName: "a-long-agent-name",
    }),
    "06:44:10  12    5710  a-long-agent-name  sshd: Attempt to login using a non-existent user  /var/log/auth.log",
  );
});

test("screenLine() colours by level, only when asked", () => {
  assert.equal(line({ level: 12 }, 10, true), "\x1b[1;31m06:44:10 \u2026\x1b[0m");
  assert.equal(line({ level: 7 }, 10, true), "\x1b[33m06:44:10 \u2026\x1b[0m");
  assert.equal(line({ level: 6 }, 10, true), "06:44:10 \u2026");
  assert.equal(line({ level: 15 }, 10), "06:44:10 \u2026");
});

test("screenLine() is cut to the width, in characters as they are seen", () => {
  const full = line();
  assert.equal(line({}, full.length), full);
  assert.equal(line({}, full.length - 1), `${full.slice(0, full.length - 2)}\u2026`);
  const bytes = (text: string): string => Buffer.from(text).toString("latin1");
  const head = "06:44:10   5    5710  web1          ";
  assert.equal(
    line({ description: bytes("é".repeat(50)) }, head.length + 10),
    `${head}${"é".repeat(9)}\u2026`,
  );
  assert.equal(
    line({ description: bytes("漢".repeat(50)) }, head.length + 10),
    `${head}${"漢".repeat(4)}\u2026`,
  );
});

test("screenLine() shows control characters of every field as text", () => {
  const fields = ["ruleId", "agentName", "description", "user", "srcip", "program", "location"] as const;
  const controls = Array.from({ length: 0xa0 }, (_, code) => code).filter(
    (code) => code < 0x20 || code >= 0x7f,
  );
  for (const field of fields) {
    for (const code of controls) {
      for (const bytes of [
        String.fromCharCode(code),
        Buffer.from(String.fromCharCode(code)).toString("latin1"),
      ]) {
        const shown = line({ [field]: `a${bytes}[2Jb` });
        assert.doesNotMatch(shown, /[\x00-\x1f\x7f-\x9f]/, `${field}, code ${code}`);
        assert.ok(shown.includes("[2Jb"), `${field}, code ${code}`);
      }
    }
  }
  assert.ok(line({ user: "\x1b]0;title\x07\r\n" }).includes("user=\\x1b]0;title\\x07\\x0d\\x0a"));
  assert.ok(
    line({ user: "\xc2\x9b2J" }).includes("user=\\x9b2J"),
    "the control sequence introducer in UTF-8",
  );
});

test("screenLine() shows what would reorder or hide text as text", () => {
  for (const character of ["\u202e", "\u2066", "\u200b", "\u2028", "\u061c", "\ufeff", "\u{e0041}"]) {
    const shown = line({ user: Buffer.from(`a${character}b`).toString("latin1") });
    assert.ok(shown.includes(`user=a\\u{${character.codePointAt(0)?.toString(16)}}b`));
  }
});

test("screenLine() never passes a control character on, whatever it is given", () => {
  const random = new SeededRandom(3);
  for (let round = 0; round < 500; round++) {
    const bytes = (): string => random.bytes(random.below(200)).toString("latin1");
    const shown = line(
      { ruleId: bytes(), agentName: bytes(), description: bytes(), user: bytes() },
      1 + random.below(200),
    );
    assert.doesNotMatch(shown, /[\p{C}\p{Zl}\p{Zp}]/u, `round ${round}`);
  }
});
