/**
 * Goal: programs of the home and built-in responses are run, spoken with and undone, also over a restart, and nobody's rights grow by them.
 * Method: real processes below a temporary home; a helper that only notes what it is asked.
 */
import assert from "node:assert/strict";
import {
  appendFileSync,
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { SystemClock } from "#kernel/platform/clock.ts";
import { systemFiles } from "#kernel/platform/files.ts";
import { systemPrograms } from "#kernel/platform/programs.ts";
import type { HostAction, HostActionOutcome } from "#model/host-action.ts";
import { FakeClock } from "#testing/clock.ts";
import { RecordingLog, RecordingMetrics } from "#testing/log.ts";
import { ResponseEvents } from "../events.ts";
import { BuiltIns } from "./built-in.ts";
import { HostResponses, type ScriptAudit } from "./host-responses.ts";
import { ScriptFolder } from "./script-folder.ts";

const isRoot = process.getuid?.() === 0;
const ADDRESS = "203.0.113.9";
/** Says its key, notes what it is told and who it is. */
const SCRIPT = `#!/bin/sh
read -r line; echo "$line" >> told; id -u >> told
case $line in *'"command":"delete"'*) exit 0;; esac
echo '{"version":1,"origin":{"name":"note","module":"active-response"},"command":"check_keys","parameters":{"keys":["k"]}}'
read -r line; echo "$line" >> told
`;

function alertAbout(srcip: string) {
  return { data: { srcip } };
}

class Bench {
  readonly home = mkdtempSync(join(tmpdir(), "cyb3rhq-host-"));
  readonly clock = new FakeClock();
  readonly log = new RecordingLog();
  readonly metrics = new RecordingMetrics();
  readonly asked: { readonly action: HostAction; readonly asker: string; readonly dryRun: boolean }[] = [];
  readonly audited: ScriptAudit[] = [];
  readonly logged: string[] = [];
  outcome: HostActionOutcome = { ok: true, code: "done", text: "done" };
  started = { startTicks: "5", startedMs: 0 };
  hasRights = true;
  responses = this.#make();

  constructor() {
    mkdirSync(join(this.home, "active-response/bin"), { recursive: true, mode: 0o755 });
    mkdirSync(join(this.home, "queue"));
  }

  addScript(name: string, text = SCRIPT): string {
    const path = join(this.home, "active-response/bin", name);
    writeFileSync(path, text);
    chmodSync(path, 0o755);
    return path;
  }

  /** As a manager that is started again after the one before was killed. */
  restart(): void {
    this.responses = this.#make();
    this.responses.start();
  }

  message(command: string, alert: object = {}): string {
    return JSON.stringify({
      version: 1,
      origin: { name: "", module: "x" },
      command,
      parameters: { extra_args: [], alert },
    });
  }

  run(name: string, alert: object = {}): Promise<{ readonly ok: boolean; readonly text: string }> {
    const found = this.responses.resolve(name);
    assert(found !== null, name);
    return this.responses.perform({ ...found, message: JSON.parse(this.message(name, alert)) });
  }

  remove(): void {
    rmSync(this.home, { recursive: true });
  }

  #make(): HostResponses {
    const { clock, log } = this;
    const builtIns = new BuiltIns({
      actions: {
        ask: async (action, asker, { dryRun }) => {
          this.asked.push({ action, asker, dryRun });
          return this.outcome;
        },
      },
      processes: { find: (pid) => ({ pid, parentPid: 1, threadGroup: pid, name: "x", ...this.started }) },
      log: (program, text) => this.logged.push(`${program}: ${text}`),
    });
    const userId = process.getuid?.() ?? -1;
    return new HostResponses({
      ...{ clock, log, builtIns, files: systemFiles, repeatedOffenderMinutes: [] },
      events: new ResponseEvents(this),
      scripts: new ScriptFolder({
        clock: new SystemClock(),
        programs: systemPrograms,
        home: this.home,
        userId,
      }),
      hasRights: this.hasRights,
      audit: (line) => "command" in line && this.audited.push(line),
      standingPath: join(this.home, "queue/standing.jsonl"),
      commands: [
        { name: "note60", executable: "note", timeoutSeconds: 60 },
        { name: "drop60", executable: "firewall-drop", timeoutSeconds: 60 },
        { name: "stop0", executable: "stop-process", timeoutSeconds: 0 },
      ],
    });
  }
}

function told(bench: Bench): string[] {
  const lines = readFileSync(join(bench.home, "told"), "latin1").trimEnd().split("\n");
  return lines.map((line) => (line.startsWith("{") ? JSON.parse(line).command : line));
}

test("HostResponses runs a program of the home and undoes it in its time", async () => {
  const bench = new Bench();
  bench.addScript("note");
  bench.responses.start();
  assert.deepEqual(await bench.run("note60"), { ok: true, text: "active-response/bin/note ended with 0" });
  const userId = String(process.getuid?.());
  assert.deepEqual(told(bench), ["add", userId, "continue"]);
  const [standing] = bench.responses.list();
  assert.deepEqual([standing?.key, standing?.untilMs], ["note-k", bench.clock.wallMs() + 60_000]);
  bench.clock.advance(62_000);
  assert.deepEqual(bench.responses.list(), []);
  await bench.responses.stop();
  assert.deepEqual(told(bench), ["add", userId, "continue", "delete", userId]);
  assert.deepEqual(
    bench.audited.map(({ program, command, ok }) => [program, command, ok]),
    [
      ["note", "add", true],
      ["note", "delete", true],
    ],
  );
  bench.remove();
});

test("HostResponses undoes at a stop, and after a crash what is overdue at once", async () => {
  const bench = new Bench();
  bench.addScript("note");
  bench.responses.start();
  await bench.run("note60");
  const file = join(bench.home, "queue/standing.jsonl");
  // The change of a crash in the middle of a line was not made.
  appendFileSync(file, '{"version":1,"key":"note-k","ov');
  bench.restart();
  assert.equal(bench.responses.list().length, 1);
  bench.clock.advance(3_600_000);
  await bench.responses.stop();
  assert.equal(told(bench).filter((word) => word === "delete").length, 2, "both managers saw it through");
  bench.restart();
  assert.deepEqual(bench.responses.list(), []);
  await bench.run("drop60", alertAbout(ADDRESS));
  await bench.responses.stop();
  assert.deepEqual(bench.asked.at(-1)?.action, { kind: "unban", address: ADDRESS });
  assert.equal(bench.log.texts("info").at(-1), "(1314): Shutdown received. Deleting responses.");
  bench.restart();
  assert.deepEqual(bench.responses.list(), []);
  bench.remove();
});

test("HostResponses asks for built-in responses and logs them like the peer's scripts", async () => {
  const bench = new Bench();
  bench.addScript("firewall-drop", "#!/bin/sh\nexit 1\n");
  bench.responses.start();
  const alert = { id: "17.5", rule: { id: "5712" }, data: { srcip: `::ffff:${ADDRESS}` } };
  assert.deepEqual(await bench.run("drop60", alert), { ok: true, text: "done" });
  assert.deepEqual(bench.asked, [
    { action: { kind: "ban", address: ADDRESS }, asker: "alert 17.5 of rule 5712", dryRun: false },
  ]);
  const lines = bench.logged.map((line) => line.replace("active-response/bin/firewall-drop: ", ""));
  assert.deepEqual([lines[0], lines.at(-1)], ["Starting", "Ended"]);
  assert.deepEqual(
    lines.slice(1, -1).map((line) => JSON.parse(line).command),
    ["add", "check_keys", "continue"],
  );
  assert.equal(bench.responses.list()[0]?.key, `firewall-drop-${ADDRESS}`);
  await bench.run("drop60", alert);
  assert.equal(bench.asked.length, 1, "it stands already");
  assert.equal(bench.logged.at(-1), "active-response/bin/firewall-drop: Aborted");
  assert.deepEqual(await bench.responses.undo(`firewall-drop-${ADDRESS}`), { ok: true, text: "done" });
  assert.equal((await bench.responses.undo(`firewall-drop-${ADDRESS}`)).ok, false);
  await bench.responses.stop();
  bench.remove();
});

test("HostResponses without rights tries a file of the name first, and asks when there is none", async () => {
  const bench = new Bench();
  bench.hasRights = false;
  bench.restart();
  await bench.run("drop60", alertAbout(ADDRESS));
  assert.equal(bench.asked.length, 1);
  bench.addScript("firewall-drop");
  await bench.run("drop60", alertAbout("203.0.113.10"));
  assert.deepEqual([bench.asked.length, told(bench)[0]], [1, "add"]);
  await bench.responses.stop();
  bench.remove();
});

test("HostResponses does not take for in force what the helper refused", async () => {
  const bench = new Bench();
  bench.responses.start();
  bench.outcome = { ok: false, code: "program_failed", text: "nft ended with 1" };
  assert.deepEqual(await bench.run("drop60", alertAbout(ADDRESS)), {
    ok: false,
    text: "nft ended with 1",
  });
  assert.deepEqual(bench.responses.list(), []);
  assert.deepEqual(bench.log.texts("error"), [
    "The active response 'firewall-drop' failed: nft ended with 1",
  ]);
  await bench.responses.stop();
  bench.remove();
});

test("HostResponses asks nothing for texts of attackers", async () => {
  const bench = new Bench();
  bench.responses.start();
  const hostile = [
    "1.1.1.1\n0.0.0.0",
    "-o x",
    "host.example",
    "-j",
    "--",
    "",
    "10.1",
    "x".repeat(300),
    "127.0.0.1",
  ];
  for (const srcip of hostile)
    assert.equal((await bench.run("drop60", { data: { srcip } })).ok, false, srcip);
  for (const dstuser of ["-d root", "--", "", "a b", "../x"])
    assert.equal((await bench.run("!disable-account", { data: { dstuser } })).ok, false, dstuser);
  for (const pid of ["0", "1", "-1", "1 2", "9999999"])
    assert.equal((await bench.run("stop0", { data: { pid } })).ok, false);
  for (const path of ["/tmp/../etc/passwd", "x", "/a\nb"])
    assert.equal((await bench.run("!quarantine-file", { syscheck: { path } })).ok, false);
  for (const alert of [{}, { data: null }, { data: { srcip: 7 } }, { data: ["srcip"] }])
    assert.equal((await bench.run("drop60", alert)).ok, false);
  assert.deepEqual(bench.asked, []);
  await bench.responses.stop();
  bench.remove();
});

test("HostResponses stops the process of an alert only when it was there by then", async () => {
  const bench = new Bench();
  bench.responses.start();
  const alert = { timestamp: "2026-11-21T10:00:00.000+0000", data: { pid: "4000" } };
  bench.started.startedMs = Date.UTC(2026, 10, 21, 9);
  assert.equal((await bench.run("stop0", alert)).ok, true);
  assert.deepEqual(bench.asked[0]?.action, { kind: "stop_process", pid: 4000, startTicks: "5" });
  bench.started.startedMs = Date.UTC(2026, 10, 21, 11);
  assert.equal((await bench.run("stop0", alert)).ok, false);
  assert.equal(bench.asked.length, 1);
  await bench.responses.stop();
  bench.remove();
});

test("HostResponses tells what it would run and runs nothing", async () => {
  const bench = new Bench();
  bench.addScript("note");
  bench.responses.start();
  const rehearse = (executable: string, alert: object) =>
    bench.responses.rehearse({
      executable,
      args: [],
      timeoutSeconds: 0,
      message: JSON.parse(bench.message("x", alert)),
    });
  assert.match(
    (await rehearse("note", {})).text,
    /^would run: active-response\/bin\/note <<< '\{"version":1,/,
  );
  await rehearse("firewall-drop", alertAbout(ADDRESS));
  assert.deepEqual(
    bench.asked.map(({ dryRun }) => dryRun),
    [true],
  );
  assert.equal((await rehearse("absent", {})).ok, false);
  assert.deepEqual(bench.responses.list(), []);
  await bench.responses.stop();
  bench.remove();
});

test("ScriptFolder runs nothing that others could have written, nor through links", async () => {
  const bench = new Bench();
  bench.responses.start();
  const path = bench.addScript("note");
  chmodSync(path, 0o775);
  assert.match((await bench.run("note60")).text, /can be written by others/);
  chmodSync(path, 0o755);
  chmodSync(join(bench.home, "active-response"), 0o777);
  assert.match((await bench.run("note60")).text, /can be written by others/);
  chmodSync(join(bench.home, "active-response"), 0o755);
  symlinkSync("/bin/sh", join(bench.home, "active-response/bin/link"));
  assert.match((await bench.run("!link")).text, /is no file/);
  assert.equal((await bench.run("!absent")).ok, false);
  assert.equal((await bench.run("note60")).ok, true);
  await bench.responses.stop();
  bench.remove();
});

test("ScriptFolder runs a program as its owner, when it is not root's", {
  skip: isRoot ? false : "needs root",
}, async () => {
  const bench = new Bench();
  bench.responses.start();
  const path = bench.addScript(
    "note",
    SCRIPT.replaceAll(">> told", ">> /dev/null").replace(
      "read -r line;",
      'echo "$(id -u) $(id -G)" >&2; exit 3;',
    ),
  );
  chownSync(path, 65_534, 65_534);
  chmodSync(bench.home, 0o755);
  assert.equal((await bench.run("note60")).text, "active-response/bin/note ended with 3: 65534 65534");
  chownSync(join(bench.home, "active-response"), 65_533, 65_533);
  assert.match((await bench.run("note60")).text, /belong to different accounts/);
  await bench.responses.stop();
  bench.remove();
});
