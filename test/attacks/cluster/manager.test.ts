/**
 * Goal: the commands of a whole master give a hostile worker nothing that is not on their lists. Method: a manager as a process, attacked through its
 * cluster port; its files and its answers afterwards.
 */
import assert from "node:assert/strict";
import { appendFileSync, existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { freePort, LOOPBACK, makeHome, removeHome } from "../../e2e/home.ts";
import { ManagerProcess } from "../../e2e/manager-process.ts";
import { until } from "./bed.ts";
import { FakeNode, KEY } from "./fake-node.ts";

type Attack = {
  readonly node: FakeNode;
  /** Sends a request whose answer comes later, as one of these commands; all that the master said until then. */
  readonly told: (command: string, payload: string, answers: readonly string[]) => Promise<string>;
  /** A file that would be there if something of a payload had been run. */
  readonly mark: string;
};

/** The configuration is as it was afterwards, nothing was run, and the master still answers. */
async function attackMaster(t: TestContext, attack: (attack: Attack) => Promise<void>): Promise<void> {
  const port = await freePort();
  const home = await makeHome();
  t.after(() => removeHome(home));
  const configurationPath = join(home.path, "etc/ossec.conf");
  const cluster = `<ossec_config><cluster><node_name>em</node_name><node_type>master</node_type><key>${KEY}</key>
    <port>${port}</port><bind_addr>${LOOPBACK}</bind_addr><nodes><node>${LOOPBACK}</node></nodes></cluster></ossec_config>\n`;
  appendFileSync(configurationPath, cluster);
  const configuration = readFileSync(configurationPath, "utf8");
  const manager = await ManagerProcess.start(home, ["--quiet"]);
  t.after(() => manager.kill());
  const node = await FakeNode.connect(port, "127.0.0.2");
  node.answers.set("new_str", () => "1");
  assert.equal(await node.hello("evil"), "ok Client evil added");
  const told = async (command: string, payload: string, answers: readonly string[]): Promise<string> => {
    const from = node.asked.length;
    await node.request(command, payload);
    const fresh = () => node.asked.slice(from);
    const isAnswered = () => fresh().some((asked) => answers.includes(asked.command));
    await until(`an answer to ${payload.slice(0, 200)}`, isAnswered);
    return fresh()
      .map((asked) => asked.payload.toString("utf8"))
      .join("\n");
  };
  const mark = join(home.path, "executed");
  await attack({ node, told, mark });
  assert.equal(await node.text("echo", "alive"), "ok alive");
  assert(!existsSync(mark));
  assert.equal(readFileSync(configurationPath, "utf8"), configuration);
  await node.end();
}

const callable = (module: string, name: string) => ({
  __callable__: { __name__: name, __module__: module, __qualname__: name, __type__: "function" },
});
const GET_AGENTS = callable("wazuh.agent", "get_agents");
const FUNCTIONS = [
  ["os", "system"],
  ["subprocess", "getoutput"],
  ["builtins", "eval"],
  ["wazuh.core.configuration", "write_ossec_conf"],
  ["wazuh.manager", "update_ossec_conf"],
  ["wazuh.core.cluster.utils", "read_config"],
  ["__proto__", "constructor"],
  ["constructor", "constructor"],
  ["", "toString"],
] as const;

test("functions and permissions that a worker forges (CVE-2026-25769, CVE-2026-44252)", (t) =>
  attackMaster(t, async ({ told, mark }) => {
    const dapi = (request: object): Promise<string> => {
      const json = JSON.stringify({ request_type: "local_master", ...request });
      return told("dapi", `77 ${json}`, ["dapi_res", "dapi_err"]);
    };
    const rights = {
      rbac_permissions: { rbac_mode: "black" },
      current_user: "wazuh",
      wait_for_complete: true,
    };
    const allowed = { f: GET_AGENTS, f_kwargs: {}, ...rights };
    assert.match(await dapi(allowed), /affected_items/, "what is on the list is answered");
    const command = `touch ${mark}`;
    for (const [module, name] of FUNCTIONS) {
      const request = { f: callable(module, name), f_kwargs: { command }, ...rights };
      assert.match(await dapi(request), /Error 1000|"code": ?1000/, `${module}.${name}`);
    }
    const malformed = [
      { f: { __unhandled_exc__: { __class__: "os.system", __args__: [command] } } },
      { f: "os.system" },
      { f: null },
      { f: GET_AGENTS, f_kwargs: "x" },
      JSON.parse(`{"f": ${JSON.stringify(GET_AGENTS)}, "__proto__": {"isAdmin": true}}`),
    ];
    for (const request of malformed) assert.doesNotMatch(await dapi(request), /affected_items/);
  }));

test("services of the master that are not for workers", (t) =>
  attackMaster(t, async ({ told }) => {
    const services = [
      "wazuh-db",
      "../../etc/ossec.conf",
      "__proto__",
      "constructor",
      "",
      "analysis",
      "wmodules",
    ];
    for (const service of services) {
      const payload = `77 ${JSON.stringify({ daemon_name: service, message: "global sql select 1" })}`;
      const answer = await told("sendsync", payload, ["sendsyn_res", "sendsyn_err"]);
      assert.match(answer, /Error 1014|Error 3036/, service);
    }
  }));

test("questions and reports that no worker has (CVE-2026-61802)", (t) =>
  attackMaster(t, async ({ node }) => {
    for (const command of ["get_config", "get_hash", "dapi_fwd", "send_file"]) {
      assert.match(await node.text(command), /^err unknown command/);
    }
    for (const question of [
      "",
      "null",
      "[]",
      "[[[]]]",
      '{"limit": -1}',
      '{"select": ["key"]}',
      '{"sort": 1}',
      "{",
    ]) {
      for (const command of ["get_nodes", "get_health"]) {
        const answer = await node.text(command, question);
        assert(!answer.includes(KEY) && /^(?:ok|err) /.test(answer), `${command} ${question}: ${answer}`);
      }
    }
    const command = { set_data_command: "global sql", payload: {}, chunks: ["drop table agent"] };
    const report = Buffer.from(JSON.stringify(command));
    const id = (await node.text("new_str", String(report.length))).slice(3);
    await node.request("str_upd", Buffer.concat([Buffer.from(`${id} `), report]));
    assert.match(await node.text("syn_a_w_m", id), /^(?:ok|err) /);
    assert.match(await node.text("syn_a_w_m", "../../x"), /^(?:ok|err) /);
  }));
