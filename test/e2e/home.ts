/** Home directories for tests of the running manager: temporary, on loopback, with free ports. */
import { randomInt } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { gunzipSync } from "node:zlib";

export const LOOPBACK = "127.0.0.1";
/** Below the range that the system takes for outgoing connections: a test's own clients could else get a port first. */
const PORT_MIN = 20_000;
const PORT_MAX = 32_000;

export type TestHome = {
  readonly path: string;
  readonly agentPort: number;
  readonly enrollmentPort: number;
};

/** On every address: nodes of other tests listen on other addresses of loopback. */
function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(port, "0.0.0.0", () => server.close(() => resolve(true)));
  });
}

export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(PORT_MIN, PORT_MAX);
    if (await isFree(port)) return port;
  }
}

export function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, LOOPBACK, () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}

function configOf(agentPort: number, enrollmentPort: number): string {
  return `<ossec_config>
  <global>
    <alerts_log>yes</alerts_log>
    <jsonout_output>yes</jsonout_output>
    <logall>yes</logall>
    <logall_json>yes</logall_json>
  </global>
  <alerts>
    <log_alert_level>3</log_alert_level>
    <email_alert_level>12</email_alert_level>
  </alerts>
  <remote>
    <connection>secure</connection>
    <port>${agentPort}</port>
    <local_ip>${LOOPBACK}</local_ip>
  </remote>
  <auth>
    <port>${enrollmentPort}</port>
  </auth>
  <ruleset>
    <decoder_dir>ruleset/decoders</decoder_dir>
    <rule_dir>ruleset/rules</rule_dir>
    <rule_dir>etc/rules</rule_dir>
  </ruleset>
</ossec_config>
`;
}

export function temporaryDirectory(): string {
  return mkdtempSync(join(tmpdir(), "cyb3rhq-test-"));
}

/** The caller removes it. */
export async function makeHome(): Promise<TestHome> {
  const path = temporaryDirectory();
  const agentPort = await freePort();
  const enrollmentPort = await freePort();
  writeInto(path, "etc/ossec.conf", configOf(agentPort, enrollmentPort));
  return { path, agentPort, enrollmentPort };
}

export function removeHome(home: TestHome): void {
  rmSync(home.path, { recursive: true, force: true });
}

export function writeInto(directory: string, name: string, text: string): void {
  const path = join(directory, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}

export function readLog(home: TestHome): string {
  return readFileSync(join(home.path, "logs/ossec.log"), "latin1");
}

/** All that was written to one kind of output, from its first day on, whatever became of the files since. */
export function readOutput(home: TestHome, kind: "alerts" | "archive", extension: "json" | "log"): string {
  const top = join(home.path, "logs", kind === "alerts" ? "alerts" : "archives");
  if (!existsSync(top)) return "";
  const name = new RegExp(`/ossec-${kind}-[\\d-]+\\.${extension}(?:\\.gz)?$`);
  return readdirSync(top, { recursive: true, encoding: "utf8" })
    .map((entry) => join(top, entry))
    .filter((path) => name.test(path))
    .sort()
    .map((path) => {
      const bytes = readFileSync(path);
      return (path.endsWith(".gz") ? gunzipSync(bytes) : bytes).toString("latin1");
    })
    .join("");
}

export type AlertDocument = {
  readonly id: string;
  readonly rule?: { readonly id: string; readonly level: number; readonly firedtimes: number };
  readonly agent: { readonly id: string; readonly name: string };
  readonly cluster?: { readonly name: string; readonly node: string };
  readonly full_log: string;
};

/** Of the whole lines: the last one may be half written while the manager runs. */
export function readDocuments(home: TestHome, kind: "alerts" | "archive"): AlertDocument[] {
  const text = readOutput(home, kind, "json");
  const lines = text.slice(0, text.lastIndexOf("\n") + 1).split("\n");
  return lines.slice(0, -1).map((line) => JSON.parse(line));
}
