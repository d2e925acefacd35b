/**
 * Goal: a process that has no open file left turns new clients away at once, keeps its connections, costs nothing by it, and takes clients
 * again as soon as one has gone. Method: a listener in a process with few open files, and more clients than that.
 */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { connect, type Socket } from "node:net";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";

const HOST = "127.0.0.1";
const OPEN_FILES = 64;
const CLIENTS = 100;
const IDLE_MS = 200;
/** A loop that is told of the same client again and again takes all of a core. */
const CORE_SHARE_MAX = 0.5;
const NETWORK = fileURLToPath(new URL("network.ts", import.meta.url));

/** Tells its port, and each time it is sent a line, its connections and what it used of a core since the last. */
const LISTENER = `
  const { systemNetwork } = await import(${JSON.stringify(NETWORK)});
  let connections = 0;
  const handler = { data: () => {}, closed: () => connections-- };
  const accept = (connection) => {
    connections++;
    connection.write(Buffer.from("hello"));
    return handler;
  };
  const { local } = await systemNetwork.listen({ host: "${HOST}", port: 0, backlog: ${CLIENTS} }, accept);
  console.log(local.port);
  let [usage, at] = [process.cpuUsage(), performance.now()];
  process.stdin.on("data", () => {
    const { user, system } = process.cpuUsage(usage);
    console.log(connections, (user + system) / 1000 / (performance.now() - at));
    [usage, at] = [process.cpuUsage(), performance.now()];
  });
  process.stdin.on("end", () => process.exit());
`;

/** Who is served is greeted. */
function outcome(client: Socket): Promise<"served" | "closed"> {
  return new Promise((resolve) => {
    client.on("error", () => {});
    client.on("data", () => resolve("served"));
    client.on("close", () => resolve("closed"));
  });
}

test("listen() turns clients away that there is no open file for, and goes on", async (context) => {
  const script = [process.execPath, "--input-type=module", "--eval", LISTENER];
  const child = spawn("sh", ["-c", `ulimit -n ${OPEN_FILES}; exec "$@"`, "sh", ...script], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  context.after(() => child.stdin.end());
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  const nextLine = async () => String((await lines.next()).value);
  const port = Number(await nextLine());
  const look = async () => {
    child.stdin.write("\n");
    const [connections, coreShare] = (await nextLine()).split(" ").map(Number);
    return { connections: connections ?? Number.NaN, coreShare: coreShare ?? Number.NaN };
  };
  const clients = Array.from({ length: CLIENTS }, () => connect(port, HOST));
  const states = await Promise.all(clients.map(outcome));
  const served = clients.filter((_, index) => states[index] === "served");
  assert(served.length > 0 && served.length < OPEN_FILES, `${served.length} clients are served`);
  assert.equal((await look()).connections, served.length, "the others know that they are not");

  // A file that the process itself had open for a moment leaves room for one more; then there is none.
  let last = connect(port, HOST);
  while ((await outcome(last)) === "served") {
    clients.push(last);
    served.push(last);
    assert(served.length < OPEN_FILES, `${served.length} clients are served`);
    last = connect(port, HOST);
  }
  await look();
  await delay(IDLE_MS);
  const { coreShare } = await look();
  assert(coreShare < CORE_SHARE_MAX, `${coreShare} of a core`);

  served[0]?.destroy();
  while ((await look()).connections === served.length);
  const next = connect(port, HOST);
  assert.equal(await outcome(next), "served");
  for (const client of [...clients, next]) client.destroy();
});
