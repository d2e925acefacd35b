/** For the tests of this folder: a helper with the real programs and files of this host, its accounts below a temporary folder. */
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SystemClock } from "#kernel/platform/clock.ts";
import { systemFiles } from "#kernel/platform/files.ts";
import { guardedFiles } from "#kernel/platform/guarded-files.ts";
import { systemProcessTable } from "#kernel/platform/process-table.ts";
import { systemPrograms } from "#kernel/platform/programs.ts";
import type { Programs } from "#kernel/ports/programs.ts";
import type { HostActionOutcome } from "#model/host-action.ts";
import { type HelperOptions, PROGRAM_FOLDERS, RootHelper } from "./helper.ts";

/** 4003 is the account of the program itself. */
const PASSWD = `root:x:0:0::/root:/bin/sh
toor:x:0:0::/root:/bin/sh
mira:x:4001:4001::/home/mira:/bin/sh
noor:x:4002:4002::/home/noor:/bin/sh
cyb3rhq:x:4003:4003::/var/ossec:/bin/sh
odd:x::4004::/:/bin/sh
`;
const SHADOW = `root:*:19000::::::
mira:$6$salt$hash:19000:0:99999:7:::
noor:!$6$salt$hash:19000:0:99999:7:::
`;

export class HelperBench {
  readonly directory = realpathSync(mkdtempSync(join(tmpdir(), "cyb3rhq-helper-")));
  readonly home = join(this.directory, "home");
  readonly prefix = join(this.directory, "system");
  readonly helper: RootHelper;
  #number = 0;

  constructor(changes: Partial<HelperOptions> = {}, programs: Programs = systemPrograms) {
    mkdirSync(this.home);
    mkdirSync(join(this.prefix, "etc"), { recursive: true });
    writeFileSync(join(this.prefix, "etc/passwd"), PASSWD);
    writeFileSync(join(this.prefix, "etc/shadow"), SHADOW);
    const options: HelperOptions = {
      quarantine: join(this.home, "quarantine"),
      ownFolders: [this.home],
      ownProcesses: [],
      ownUserIds: [4003],
      manager: { pid: 0, startTicks: "", bySystemd: true, path: "/absent", args: [], environment: {} },
      programFolders: PROGRAM_FOLDERS,
      prefix: this.prefix,
      ...changes,
    };
    this.helper = new RootHelper(options, {
      clock: new SystemClock(),
      files: systemFiles,
      guarded: guardedFiles,
      processes: systemProcessTable,
      programs,
    });
  }

  async ask(action: object, dryRun = false): Promise<HostActionOutcome> {
    const id = ++this.#number;
    const answer = JSON.parse(await this.helper.answer(JSON.stringify({ id, action, dryRun })));
    return { ok: answer.ok, code: answer.code, text: answer.text };
  }

  remove(): void {
    rmSync(this.directory, { recursive: true, force: true });
  }
}
