/**
 * How long one event can hold the engine: 50 rules beside the peer's whose patterns go back exponentially often, and events made for
 * them. The worst event is to take 10 ms at most, whatever the patterns are.
 */
import assert from "node:assert/strict";
import { Engine } from "#analysis/engine.ts";
import { HOSTNAME } from "./analysis-line.ts";
import type { Benchmark, Figures } from "./benchmark.ts";
import { compileSources, peerSources, RULESET_FOLDER } from "./peer-ruleset.ts";
import { TemporaryFiles } from "./temporary-files.ts";

const FIRST_ID = 121_000;
const PATTERNS = 50;
const ROUNDS = 3;

/** `#` stands for a byte that no event has, another one for each rule: no two patterns are the same. */
const KINDS: Readonly<Record<string, readonly string[]>> = {
  // V8 runs these, and goes over to an engine of linear time.
  pcre2: ["^(a+)+$|#", "(a|aa)+$|#", "(a|b|ab)*#?c$", "^([a-z]+ ?)+$|#"],
  // A machine of our own runs these.
  machine: [
    "^(?=(a+)+$)#?b",
    "^((a+)\\2?)+$|#",
    "(?>a*)(a|aa)+#?b(?!c)",
    "^(a{1,30}){1,30}$|#",
    "^(?:(a|)+)+#?$",
  ],
  osregex: [
    "\\w*a\\w*a\\w*a\\w*#$",
    "\\.*a\\.*b\\.*a\\.*#",
    "a\\.+a\\.+a\\.+#$",
    "\\w+\\s*\\w+\\s*\\w+\\.#$",
    "a\\.*a\\.*a\\.*a\\.*#",
    "^\\.*a\\.*a\\.*a\\.*#",
    "(a\\.*)a(\\.+)a(\\w*)a \\.*#",
  ],
};

const EVENTS: readonly string[] = [30, 300, 1000, 3000, 4000, 30_000, 64_000].flatMap((bytes) =>
  ["a", "ab", "a b ", "aab,"].map((piece) => `${piece.repeat(bytes / piece.length)}!`),
);

/** Bytes from 0xa1 on: no event has them, and no language gives them a meaning. */
function unusedByte(index: number): string {
  return String.fromCharCode(0xa1 + index);
}

function rulesOf(kinds: readonly string[]): string {
  const patterns = kinds.flatMap((kind) => (KINDS[kind] ?? []).map((pattern) => ({ kind, pattern })));
  const rules = Array.from({ length: PATTERNS }, (_, index) => {
    const found = patterns[index % patterns.length];
    assert(found !== undefined, "a known kind of patterns");
    const type = found.kind === "osregex" ? "osregex" : "pcre2";
    const text = found.pattern.replaceAll("#", unusedByte(index));
    return `<rule id="${FIRST_ID + index}" level="15"><regex type="${type}">${text}</regex><description>x</description></rule>`;
  });
  return `<group name="exponential,">${rules.join("\n")}</group>`;
}

async function measure(corpus: string, dataDirectory: string): Promise<Figures> {
  const files = new TemporaryFiles();
  const sources = peerSources(dataDirectory);
  const kinds = corpus === "all" ? Object.keys(KINDS) : [corpus];
  const file = files.write("exponential-rules.xml", rulesOf(kinds));
  const set = compileSources({ ...sources, rules: [...sources.rules, file] });
  files.remove();
  const engine = new Engine(set, { hostname: HOSTNAME, mode: "live" });
  const worst = { ms: 0, bytes: 0, text: "" };
  let position = 0;
  for (let round = 0; round < ROUNDS; round++) {
    for (const message of EVENTS) {
      const begun = performance.now();
      const raw = { queue: "1", agentId: "001", location: "(web1) any->/var/log/x", message };
      engine.process({ ...raw, position: ++position, receivedMs: Date.now() });
      const ms = performance.now() - begun;
      // The first round warms the code up.
      if (round > 0 && ms > worst.ms) Object.assign(worst, { ms, bytes: message.length, text: message });
    }
  }
  return {
    worstMs: Number(worst.ms.toFixed(2)),
    worstBytes: worst.bytes,
    worstBegins: worst.text.slice(0, 8),
    patterns: PATTERNS,
    events: EVENTS.length,
  };
}

export const exponential: Benchmark = {
  corpora: ["all", ...Object.keys(KINDS)],
  mainFigure: "worstMs",
  needs: () => [RULESET_FOLDER],
  measure,
};
