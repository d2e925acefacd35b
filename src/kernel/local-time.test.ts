/** Goal: dates as the peer prints them, in every zone and locale. Method: fixed moments in three zones, each in a process of its own. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";

/** 2026-01-15T12:34:56.007Z and 2026-07-15T12:34:56.120Z, worked out by hand for each zone. */
const EXPECTED: Readonly<Record<string, readonly string[]>> = {
  UTC: ["2026-01-15T12:34:56.007+0000", "2026 Jan 15 12:34:56", "2026-07-15T12:34:56.120+0000"],
  "America/New_York": [
    "2026-01-15T07:34:56.007-0500",
    "2026 Jan 15 07:34:56",
    "2026-07-15T08:34:56.120-0400",
  ],
  "Asia/Kathmandu": ["2026-01-15T18:19:56.007+0545", "2026 Jan 15 18:19:56", "2026-07-15T18:19:56.120+0545"],
};

const PROGRAM = `
  import { LocalClock } from "${new URL("./local-time.ts", import.meta.url).href}";
  const clock = new LocalClock();
  const winter = Date.UTC(2026, 0, 15, 12, 34, 56, 7);
  const summer = Date.UTC(2026, 6, 15, 12, 34, 56, 120);
  console.log(JSON.stringify([clock.isoWithMilliseconds(winter), clock.logDate(winter), clock.isoWithMilliseconds(summer)]));
`;

for (const [zone, expected] of Object.entries(EXPECTED)) {
  test(`LocalClock prints local time with its offset in ${zone}, whatever the locale`, () => {
    const env = { ...process.env, TZ: zone, LANG: "tr_TR.UTF-8", LC_ALL: "tr_TR.UTF-8" };
    const output = execFileSync(process.execPath, ["--input-type=module", "-e", PROGRAM], {
      env,
      encoding: "utf8",
    });
    assert.deepEqual(JSON.parse(output), expected);
  });
}
