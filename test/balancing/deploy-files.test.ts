/**
 * Goal: what deploy/ ships works as it is written. Method: HAProxy and NGINX check their files; their settings against the guide's;
 * the service script with a real HAProxy, its words and its codes; the container's first process with a Data Plane API that is not one.
 */
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { type TestContext, test } from "node:test";
import { parse } from "yaml";
import { freePort } from "../e2e/home.ts";
import { until } from "../e2e/until.ts";
import { configurationProblem } from "../haproxy/haproxy-process.ts";
import { DEPLOY, NO_HAPROXY, NO_NGINX, nginxProblem } from "./balancers.ts";

const SERVICE = join(DEPLOY, "haproxy/docker/haproxy-service");
const ENTRYPOINT = join(DEPLOY, "haproxy/docker/entrypoint.sh");
const WAIT_MS_MAX = 10_000;

function read(file: string): string {
  return readFileSync(join(DEPLOY, file), "utf8");
}

function scratch(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), "deploy-"));
  t.after(() => rmSync(directory, { recursive: true }));
  return directory;
}

/** Without comments, with single blanks. */
function settingsOf(text: string): readonly string[] {
  const lines = text.split("\n").map((line) => line.replace(/#.*/, "").trim().replaceAll(/\s+/g, " "));
  return lines.filter((line) => line !== "");
}

/** The guide's, but for `pidfile` and addresses. */
const HAPROXY_SETTINGS = [
  ...["global", "chroot /var/lib/haproxy", "maxconn 4000", "user haproxy", "group haproxy"],
  ...["stats socket /var/lib/haproxy/stats level admin", "log 127.0.0.1 local2 info"],
  ...["defaults", "mode http", "maxconn 4000", "log global", "option redispatch", "option dontlognull"],
  ...["option tcplog", "timeout check 10s", "timeout connect 10s", "timeout client 1m", "timeout queue 1m"],
  ...["timeout server 1m", "retries 3"],
  ...["frontend cyb3rhq_register", "mode tcp", "bind :1515", "default_backend cyb3rhq_register"],
  ...["backend cyb3rhq_register", "mode tcp", "balance leastconn", "server master 192.0.2.11:1515 check"],
  ...["server worker1 192.0.2.12:1515 check", "server worker2 192.0.2.13:1515 check"],
  ...["frontend cyb3rhq_reporting_front", "mode tcp", "bind :1514 name cyb3rhq_reporting_front_bind"],
  ...["default_backend cyb3rhq_reporting", "backend cyb3rhq_reporting", "mode tcp", "balance leastconn"],
  ...["server master 192.0.2.11:1514 check", "server worker1 192.0.2.12:1514 check"],
  "server worker2 192.0.2.13:1514 check",
];

test("haproxy.cfg and agents.cfg have the guide's settings", () => {
  const both = read("haproxy/haproxy.cfg") + read("haproxy/agents.cfg");
  assert.deepEqual(settingsOf(both), HAPROXY_SETTINGS);
});

test("HAProxy takes haproxy.cfg with and without agents.cfg", { skip: NO_HAPROXY }, () => {
  const [main, agents] = ["haproxy.cfg", "agents.cfg"].map((name) => join(DEPLOY, "haproxy", name));
  assert(main !== undefined && agents !== undefined);
  assert.equal(configurationProblem([main]), null);
  assert.equal(configurationProblem([main, agents]), null);
});

test("NGINX takes stream.conf and stream-udp.conf", { skip: NO_NGINX }, (t) => {
  const directory = scratch(t);
  for (const file of ["stream.conf", "stream-udp.conf"])
    assert.equal(nginxProblem(directory, read(`nginx/${file}`)), null, file);
});

/** The guide of 2020, with addresses in the place of its words. */
const GUIDE_2020 = `stream {
    upstream cluster {
        hash $remote_addr consistent;
        server 192.0.2.11:1514;
        server 192.0.2.12:1514;
        server 192.0.2.13:1514;
    }
    upstream master {
        server 192.0.2.11:1515;
    }
    server {
        listen 1514;
        proxy_pass cluster;
    }
    server {
        listen 1515;
        proxy_pass master;
    }
}
`;

test("stream.conf is the older guide's but for a name, order and what it adds, and NGINX takes both", {
  skip: NO_NGINX,
}, (t) => {
  assert.equal(nginxProblem(scratch(t), GUIDE_2020), null);
  const shipped = settingsOf(read("nginx/stream.conf").replaceAll("mycluster", "cluster"));
  const lacking = settingsOf(GUIDE_2020).filter(
    (line) => !shipped.some((own) => own.startsWith(line.replace(";", ""))),
  );
  assert.deepEqual(lacking, []);
});

test("NGINX's files have the guide's settings", () => {
  const settings = settingsOf(read("nginx/stream.conf")).join(" ");
  assert(settings.includes("upstream master { server 192.0.2.11:1515; }"));
  assert(settings.includes("upstream mycluster { hash $remote_addr consistent; server 192.0.2.11:1514;"));
  assert(settings.includes("server { listen 1515; proxy_pass master; }"));
  assert(settings.includes("server { listen 1514; proxy_pass mycluster;"));
  assert(settingsOf(read("nginx/stream-udp.conf")).includes("listen 1514 udp;"));
});

test("dataplaneapi.yml and its TLS variant say what the helper needs", () => {
  const plain = parse(read("haproxy/dataplaneapi.yml"));
  assert.equal(plain.dataplaneapi.port, 5555);
  assert.equal(plain.dataplaneapi.user[0].insecure, true);
  assert.equal(plain.haproxy.reload.reload_cmd, "service haproxy reload");
  assert.equal(plain.haproxy.reload.restart_cmd, "service haproxy restart");
  assert.equal(plain.haproxy.config_file, "/etc/haproxy/haproxy.cfg");
  const tls = parse(read("haproxy/dataplaneapi-tls.yml"));
  assert.deepEqual(tls.dataplaneapi.scheme, ["https"]);
  assert.equal(tls.dataplaneapi.tls.tls_port, 6443);
  assert.deepEqual(Object.keys(tls.dataplaneapi.tls), ["tls_port", "tls_certificate", "tls_key", "tls_ca"]);
  assert.deepEqual(tls.haproxy, plain.haproxy);
});

test("the container's files copy what is there", () => {
  for (const name of [
    "docker/Dockerfile",
    "docker/dataplane/Dockerfile",
    "docker/dataplane/tls.Dockerfile",
  ]) {
    const copied = [...read(`haproxy/${name}`).matchAll(/^COPY (.+) \S+$/gm)].flatMap(([, files = ""]) =>
      files.split(" "),
    );
    // Keys are the user's own.
    const missing = copied.filter(
      (file) => !file.startsWith("ssl/") && !existsSync(join(DEPLOY, "haproxy", file)),
    );
    assert(copied.length > 0);
    assert.deepEqual(missing, [], name);
  }
});

const NO_SHELLCHECK = spawnSync("shellcheck", ["--version"]).status !== 0 && "no shellcheck program";

test("shellcheck has nothing to say", { skip: NO_SHELLCHECK }, () => {
  assert.equal(spawnSync("shellcheck", [SERVICE, ENTRYPOINT], { encoding: "utf8" }).stdout, "");
});

/** The script's places in a directory of the test's. */
async function serviceIn(directory: string) {
  const port = await freePort();
  const config = join(directory, "haproxy.cfg");
  const timeouts = "timeout connect 1s\n  timeout client 1s\n  timeout server 1s";
  writeFileSync(
    config,
    `defaults\n  mode tcp\n  ${timeouts}\nlisten a\n  bind 127.0.0.1:${port}\n  server s 127.0.0.1:1\n`,
  );
  const pidFile = join(directory, "haproxy.pid");
  const places = { CONFIG: config, PIDFILE: pidFile, RUNDIR: join(directory, "run"), DEFAULTS: "/dev/null" };
  const env = { ...process.env, ...places };
  const run = (...args: readonly string[]) => {
    const { status, stdout } = spawnSync(SERVICE, args, { env, encoding: "utf8" });
    return [status, stdout];
  };
  return { run, env, config, pidFile };
}

test("haproxy-service starts, reloads, restarts and stops HAProxy and says so", {
  skip: NO_HAPROXY,
}, async (t) => {
  const { run, config, pidFile } = await serviceIn(scratch(t));
  t.after(() => run("stop"));
  const pid = () => readFileSync(pidFile, "utf8");
  const running = [0, "haproxy is running.\n"];

  assert.deepEqual(run("status"), [3, "haproxy not running.\n"]);
  assert.deepEqual(run("start"), [0, "Starting haproxy\n"]);
  assert.deepEqual(run("status"), running);
  assert.deepEqual(run("start"), [
    0,
    `Starting haproxy\npid file '${pidFile}' found, haproxy not started.\n`,
  ]);

  const first = pid();
  assert.deepEqual(run("reload"), [0, "Reloading haproxy\n"]);
  assert.deepEqual(run("status"), running);
  assert.notEqual(pid(), first);
  const good = readFileSync(config);
  writeFileSync(config, "nonsense\n");
  const second = pid();
  assert.deepEqual(run("restart"), [1, "Restarting haproxy\n"]);
  assert.deepEqual([run("status"), pid()], [running, second], "a file with a mistake takes nothing down");
  writeFileSync(config, good);
  assert.deepEqual(run("restart"), [0, "Restarting haproxy\n"]);
  assert.notEqual(pid(), second);

  process.kill(Number(pid()), "SIGKILL");
  await until("it is dead", WAIT_MS_MAX, () => run("status")[0] !== 0);
  assert.deepEqual(run("status"), [1, `haproxy dead, but ${pidFile} exists.\n`]);
  assert.deepEqual(run("start"), [0, "Starting haproxy\n"]);
  assert.deepEqual(run("stop"), [0, "Stopping haproxy\n"]);
  assert.deepEqual(run("status"), [3, "haproxy not running.\n"]);
  assert.deepEqual(run("stop"), [0, "Stopping haproxy\n"]);
  const usage = "Usage: /etc/init.d/haproxy {start|stop|reload|restart|status}\n";
  assert.deepEqual(run("dance"), [2, usage]);
  // Elsewhere than in a test the file of its words is the guide's.
  assert.match(readFileSync(SERVICE, "utf8"), /PIDFILE:=\/var\/run\/haproxy\.pid\}/);
});

test("entrypoint.sh runs HAProxy and the Data Plane API until it is told to stop", {
  skip: NO_HAPROXY,
}, async (t) => {
  const directory = scratch(t);
  const { run, env, pidFile } = await serviceIn(directory);
  const api = join(directory, "bin/dataplaneapi");
  const started = join(directory, "started");
  mkdirSync(dirname(api));
  writeFileSync(api, `#!/bin/sh\necho "$@" > ${started}\n`);
  chmodSync(api, 0o755);
  const config = join(directory, "dataplaneapi.yml");
  writeFileSync(config, "");
  const child = spawn(ENTRYPOINT, {
    env: { ...env, SERVICE, DATAPLANE_CONFIG: config, PATH: `${dirname(api)}:${process.env["PATH"]}` },
    stdio: "ignore",
  });
  const ended = new Promise<number | null>((resolve) => child.on("exit", resolve));
  await until("HAProxy runs", WAIT_MS_MAX, () => run("status")[0] === 0);
  await until("the API was started", WAIT_MS_MAX, () => existsSync(started));
  assert.equal(readFileSync(started, "utf8"), `-f ${config}\n`);
  child.kill("SIGTERM");
  assert.equal(await ended, 0);
  assert.equal(existsSync(pidFile), false);
});
