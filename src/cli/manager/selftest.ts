/** Starts and stops a manager without ports in a home of its own. */
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { homePaths } from "#daemons/home.ts";
import { Manager } from "#daemons/manager.ts";
import { utf8Bytes } from "../bytes.ts";
import { type Environment, EXIT_OK } from "../environment.ts";
import { programVersion } from "../program-version.ts";

const CONFIG = `<ossec_config>
  <auth>
    <disabled>yes</disabled>
  </auth>
</ossec_config>
`;

export async function selfTest(environment: Environment): Promise<number> {
  const { files, clock } = environment;
  const home = mkdtempSync(join(tmpdir(), "cyb3rhq-selftest-"));
  try {
    const paths = homePaths(home);
    files.makeDirectory(`${home}/etc`);
    files.replace(paths.config, Buffer.from(CONFIG, "utf8"));
    const manager = new Manager({
      home,
      ruleset: null,
      version: programVersion(files),
      hostname: environment.hostname,
      rights: null,
      startArguments: [],
      warnings: [],
      show: null,
      echo: (level, line) => {
        if (level === "error" || level === "critical") environment.stderr.write(utf8Bytes(line));
      },
      failed: () => {},
    });
    const begunMs = clock.monotonicMs();
    await manager.start();
    const seconds = (clock.monotonicMs() - begunMs) / 1000;
    await manager.stop();
    environment.stdout.write(
      `Every part started in ${seconds.toFixed(1)} s and stopped; this machine can run the manager\n`,
    );
    return EXIT_OK;
  } finally {
    files.removeTree(home);
  }
}
