/**
 * The repository's own rules as a program: who may import whom, how long files and functions may be, which calls belong to one place,
 * and files that nothing uses. Run by `npm run -s check` and as a test.
 */
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));

/** A screen; what is longer does more than one thing. */
const FUNCTION_LINES_MAX = 70;
const FILE_LINES_MAX = 800;
const LINE_CHARS_MAX = 200;

/** Functions that may be longer, each with its reason. */
const LONG_FUNCTIONS: ReadonlyMap<string, string> = new Map([
  ["src/config/shipped-config.ts", "one text: the configuration file that a new home gets"],
]);

/** What each part may import, beside itself. Services never import services: `daemons/` and `cli/` put them together. */
const IMPORTS: Readonly<Record<string, readonly string[]>> = {
  kernel: [],
  model: ["kernel"],
  formats: ["kernel", "model"],
  config: ["kernel", "model", "formats"],
  registry: ["kernel", "model", "formats", "config"],
  enrollment: ["kernel", "model", "formats", "config", "registry"],
  connection: ["kernel", "model", "formats", "config", "registry"],
  groups: ["kernel", "model", "formats", "config", "registry"],
  journal: ["kernel", "model", "formats", "config"],
  "host-logs": ["kernel", "model", "formats", "config"],
  "syslog-input": ["kernel", "model", "formats", "config"],
  analysis: ["kernel", "model", "formats", "config", "registry"],
  output: ["kernel", "model", "formats", "config"],
  response: ["kernel", "model", "formats", "config"],
  "root-helper": ["kernel", "model", "formats"],
  cluster: ["kernel", "model", "formats", "config", "registry"],
  "haproxy-helper": ["kernel", "model", "formats", "config"],
  upgrade: ["kernel", "model", "formats"],
  "local-sockets": ["kernel", "model", "formats"],
  "rule-tests": ["kernel", "model", "formats", "analysis"],
  logtest: ["kernel", "model", "formats", "analysis", "rule-tests", "local-sockets"],
  daemons: [
    "kernel",
    "model",
    "formats",
    "config",
    "registry",
    "enrollment",
    "connection",
    "groups",
    "journal",
    "host-logs",
    "syslog-input",
    "analysis",
    "output",
    "response",
    "root-helper",
    "cluster",
    "haproxy-helper",
    "upgrade",
    "local-sockets",
    "logtest",
  ],
  cli: [
    "kernel",
    "model",
    "formats",
    "config",
    "registry",
    "groups",
    "analysis",
    "output",
    "rule-tests",
    "local-sockets",
    "daemons",
  ],
  testing: ["kernel", "model"],
};

/** Only these parts may touch Node's modules for the world outside; `formats` is pure. */
const PLATFORM_PARTS = new Set(["kernel/platform", "daemons", "cli", "testing"]);
const PURE_MODULES = new Set([
  "node:assert",
  "node:assert/strict",
  "node:buffer",
  "node:crypto",
  "node:util",
  "node:zlib",
]);
/** Modules of the world that one service owns, with the reason. */
const OWNED_MODULES: Readonly<Record<string, readonly string[]>> = {
  registry: ["node:sqlite"],
};

const BANNED: readonly {
  readonly call: RegExp;
  readonly allowed: readonly string[];
  readonly instead: string;
}[] = [
  {
    call: /\bDate\.now\(\)/,
    allowed: ["src/kernel/platform", "src/daemons", "src/cli"],
    instead: "the Clock port",
  },
  { call: /\bMath\.random\(\)/, allowed: [], instead: "the Random port or SeededRandom" },
  {
    call: /(?<![\w.])(?:setTimeout|setInterval|setImmediate)\(/,
    allowed: ["src/kernel/platform", "src/daemons", "src/cli", "src/testing"],
    instead: "the Clock port",
  },
  { call: /\bconsole\.\w+\(/, allowed: [], instead: "the Log port" },
  {
    call: /\bprocess\.exit\(/,
    allowed: ["src/cli/main.ts", "src/cli/manager/start.ts"],
    instead: "a thrown CodedError",
  },
  { call: /\bIntl\./, allowed: [], instead: "#kernel/local-time.ts" },
  { call: /:\s*any\b|\bas any\b|\bas unknown as\b/, allowed: [], instead: "a type" },
  { call: /\b(?:TODO|FIXME|XXX|HACK)\b/, allowed: [], instead: "doing it" },
];

export type Violation = { readonly file: string; readonly line: number; readonly text: string };

export type Source = { readonly file: string; readonly lines: readonly string[]; readonly isTest: boolean };

function listFiles(directory: string, ending: string): string[] {
  return readdirSync(directory, { withFileTypes: true }).flatMap((entry) => {
    const path = join(directory, entry.name);
    if (entry.isDirectory())
      return entry.name === "node_modules" || entry.name === "fixtures" ? [] : listFiles(path, ending);
    return entry.name.endsWith(ending) ? [path] : [];
  });
}

function readSource(path: string): Source {
  const file = relative(ROOT, path);
  const isTest =
    /(?:\.test|fixture)\.ts$/.test(file) || file.startsWith("test/") || file.startsWith("src/testing/");
  return { file, lines: readFileSync(path, "utf8").split("\n"), isTest };
}

function partOf(file: string): string {
  return file.split("/")[1] ?? "";
}

const IMPORT_LINE = /(?:^(?:import|export|\}).*\bfrom |^import |\bimport\()["']([^"']+)["']/;

function importsOf(source: Source): { readonly line: number; readonly target: string }[] {
  return source.lines.flatMap((text, index) => {
    const target = IMPORT_LINE.exec(text)?.[1];
    return target === undefined ? [] : [{ line: index + 1, target }];
  });
}

function checkImports(source: Source): Violation[] {
  if (!source.file.startsWith("src/")) return [];
  const part = partOf(source.file);
  const allowed = IMPORTS[part];
  if (allowed === undefined)
    return [{ file: source.file, line: 1, text: `part '${part}' is not in the import table` }];
  return importsOf(source).flatMap(({ line, target }): Violation[] => {
    const violation = (text: string) => [{ file: source.file, line, text }];
    if (target.startsWith("#")) {
      const other = target.slice(1).split("/")[0] ?? "";
      if (other === part || allowed.includes(other)) return [];
      if (source.isTest || other === "testing")
        return source.isTest ? [] : violation("only tests import #testing");
      return violation(`${part} must not import ${other}`);
    }
    if (target.startsWith("../")) {
      const resolved = join(dirname(source.file), target);
      return partOf(resolved) === part && resolved.startsWith("src/")
        ? []
        : violation(`write #… instead of ${target}`);
    }
    if (!target.startsWith("node:") || source.isTest) return [];
    const owner = source.file.startsWith("src/kernel/platform") ? "kernel/platform" : part;
    if (PLATFORM_PARTS.has(owner) || PURE_MODULES.has(target) || OWNED_MODULES[part]?.includes(target))
      return [];
    return violation(`${target} belongs to kernel/platform`);
  });
}

function checkCalls(source: Source): Violation[] {
  if (source.isTest || source.file.startsWith("tools/") || source.file.startsWith("bench/")) return [];
  return source.lines.flatMap((text, index) => {
    if (/^\s*(?:\*|\/\/|\/\*)/.test(text)) return [];
    return BANNED.filter(
      ({ call, allowed }) => call.test(text) && !allowed.some((place) => source.file.startsWith(place)),
    ).map(({ instead }) => ({
      file: source.file,
      line: index + 1,
      text: `use ${instead}: ${text.trim().slice(0, 60)}`,
    }));
  });
}

/** Functions begin and end at the same indentation, as the formatter writes them. */
const FUNCTION_START =
  /^(\s*)(?:export )?(?:default )?(?:async )?(?:function\b|(?:static |private |override )*(?:async )?(?:get |set )?[#\w]+\([^)]*\)(?:: [^{]+)? \{$|(?:const|let) \w+ = (?:async )?\()/;

function checkSizes(source: Source): Violation[] {
  const violations: Violation[] = [];
  if (source.lines.length > FILE_LINES_MAX) {
    violations.push({
      file: source.file,
      line: 1,
      text: `${source.lines.length} lines; split at ${FILE_LINES_MAX}`,
    });
  }
  for (const [index, text] of source.lines.entries()) {
    if (!source.isTest && text.length > LINE_CHARS_MAX) {
      violations.push({ file: source.file, line: index + 1, text: `line of ${text.length} characters` });
    }
    const indent = source.isTest ? undefined : FUNCTION_START.exec(text)?.[1];
    if (indent === undefined || !/[{(]$/.test(text)) continue;
    const length = source.lines.slice(index + 1).findIndex((line) => line.startsWith(`${indent}}`)) + 2;
    if (length > FUNCTION_LINES_MAX && !LONG_FUNCTIONS.has(source.file)) {
      violations.push({ file: source.file, line: index + 1, text: `function of ${length} lines` });
    }
  }
  return violations;
}

/** Files that a person or a launcher starts; everything else must be imported by something. */
const ENTRY_POINTS =
  /^(?:tools|bench|test)\/|(?:\.test|fixture)\.ts$|^src\/cli\/(?:main|commands\/)|^src\/daemons\/[a-z]+-thread\.ts$/;

function checkDeadFiles(sources: readonly Source[]): Violation[] {
  const imported = new Set<string>();
  for (const source of sources) {
    for (const { target } of importsOf(source)) {
      if (target.startsWith("#")) imported.add(`src/${target.slice(1)}`);
      else if (target.startsWith(".")) imported.add(join(dirname(source.file), target));
    }
    for (const text of source.lines) {
      const url = /new URL\("([^"]+)", import\.meta\.url\)/.exec(text)?.[1];
      if (url !== undefined) imported.add(join(dirname(source.file), url));
    }
  }
  return sources
    .filter(({ file }) => !ENTRY_POINTS.test(file) && !imported.has(file))
    .map(({ file }) => ({ file, line: 1, text: "nothing imports this file" }));
}

function checkReadmes(): Violation[] {
  const parts = readdirSync(join(ROOT, "src"), { withFileTypes: true }).filter((entry) =>
    entry.isDirectory(),
  );
  return parts
    .filter(({ name }) => !readdirSync(join(ROOT, "src", name)).includes("README.md"))
    .map(({ name }) => ({ file: `src/${name}`, line: 1, text: "a part has a README.md" }));
}

/** What one file breaks by itself. */
export function violationsIn(source: Source): readonly Violation[] {
  return [...checkImports(source), ...checkCalls(source), ...checkSizes(source)];
}

/** Every violation of the tree. */
export function tidy(): readonly Violation[] {
  const sources = ["src", "tools", "bench", "test"]
    .flatMap((name) => listFiles(join(ROOT, name), ".ts"))
    .map(readSource);
  const each = sources.flatMap(violationsIn);
  return [...each, ...checkDeadFiles(sources), ...checkReadmes()];
}

if (import.meta.main) {
  const violations = tidy();
  for (const { file, line, text } of violations) process.stdout.write(`${file}:${line}: ${text}\n`);
  process.stdout.write(
    violations.length === 0 ? "tidy: nothing to mend\n" : `tidy: ${violations.length} to mend\n`,
  );
  process.exitCode = violations.length === 0 ? 0 : 1;
}
