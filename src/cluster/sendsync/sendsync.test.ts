/**
 * Goal: a worker's programs have the master's services do what they ask, and hear why when that fails. Method: the recorded enrollment with this
 * program as either side; two nodes back to back; hostile requests.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { recorded } from "#formats/wire/cluster/recorded.fixture.ts";
import { CodedError } from "#kernel/errors.ts";
import { Channel } from "../channel.ts";
import { fakeNeeds, HOME, settled, testCipher, wire } from "../fixture.ts";
import { LocalClient } from "../local/server.ts";
import { type HandlerTable, ok } from "../replies.ts";
import { Session } from "../session.ts";
import { type MasterServices, SendSync, sendSyncHandlers } from "./sendsync.ts";

type Frame = { readonly dir: string; readonly command_field: string; readonly payload: string };
type Recorded = {
  readonly daemon_request: string;
  readonly local_socket_of_worker: { readonly request_frame_hex: string; readonly reply_payload: string };
  readonly frames_worker_master: readonly Frame[];
};
const RECORDED = recorded<Recorded>("transcript_sendsync_4_14_7");
const HEADER_BYTES = 20;
const REQUEST = Buffer.from(RECORDED.local_socket_of_worker.request_frame_hex, "hex").subarray(HEADER_BYTES);
const ANSWER = RECORDED.local_socket_of_worker.reply_payload;

function pair(services: MasterServices) {
  const [near, far] = wire();
  const make = (link: typeof near, seed: number) => {
    const needs = fakeNeeds(seed);
    const options = { link, cipher: testCipher(needs), log: needs.log, home: HOME, closed: () => {} };
    const session = new Session(options, needs);
    link.handler = { data: (chunk) => session.channel.data(chunk), closed: () => session.close() };
    session.enter("w1");
    return { needs, session };
  };
  const [worker, master] = [make(near, 1), make(far, 2)];
  const sendSync = new SendSync(worker.needs);
  worker.session.serve(sendSync.master(worker.session));
  master.session.serve(sendSyncHandlers(master.session, services, master.needs));
  return { worker, master, sendSync };
}

/** A program of the worker's host, which notes what it is told. */
function program(sendSync: SendSync) {
  const needs = fakeNeeds(3);
  const [near, far] = wire();
  const told: string[] = [];
  const note = (word: string) => (payload: Buffer) => {
    told.push(`${word} ${payload.toString()}`);
    return ok("Sendsync response received");
  };
  const own: HandlerTable = new Map([
    ["ok", note("ok")],
    ["err", note("err")],
  ]);
  let handlers: HandlerTable = own;
  const channel = (link: typeof near, table: () => HandlerTable) => {
    const made: Channel = new Channel(
      {
        link,
        cipher: null,
        log: needs.log,
        handlerOf: (name) => table().get(name) ?? null,
        closed: () => {},
      },
      needs,
    );
    link.handler = { data: (chunk) => made.data(chunk), closed: () => made.close() };
    return made;
  };
  const asking = channel(near, () => own);
  handlers = sendSync.local(
    new LocalClient(
      "121239",
      channel(far, () => handlers),
    ),
  );
  return { asking, told };
}

test("an enrollment goes to the master's service, and its answer to the program, as recorded", async () => {
  const asked: string[] = [];
  const { sendSync, worker } = pair({
    ask: async (service, message) => {
      asked.push(`${service} b'${message}'`);
      return ANSWER;
    },
  });
  const { asking, told } = program(sendSync);
  void asking.request("sendsync", REQUEST);
  await settled();
  await settled();
  assert.deepEqual(asked, [`authd ${RECORDED.daemon_request}`]);
  assert.deepEqual(told, [`ok ${ANSWER}`]);
  assert.deepEqual(worker.needs.log.texts("error"), []);
});

test("the master answers a worker as recorded", async () => {
  const [near, far] = wire();
  const needs = fakeNeeds(5);
  const options = { cipher: testCipher(needs), log: needs.log, home: HOME, closed: () => {} };
  const [worker, master] = [
    new Session({ ...options, link: near }, needs),
    new Session({ ...options, link: far }, needs),
  ];
  for (const [link, session] of [
    [near, worker],
    [far, master],
  ] as const) {
    link.handler = { data: (chunk) => session.channel.data(chunk), closed: () => session.close() };
    session.enter("w1");
  }
  master.serve(sendSyncHandlers(master, { ask: async () => ANSWER }, needs));
  const came: string[] = [];
  worker.serve(
    new Map([
      [
        "sendsyn_res",
        (payload) => {
          const [id = "", string = ""] = payload.toString().split(" ");
          came.push(`${id} ${worker.takeString(string)?.toString()}`);
          return ok("Response forwarded to worker");
        },
      ],
    ]),
  );
  const [request, reply, , , string] = RECORDED.frames_worker_master;
  const outcome = await worker.request("sendsync", request?.payload ?? "");
  assert.equal(outcome.kind === "ok" && outcome.payload.toString(), reply?.payload);
  await settled();
  assert.deepEqual(came, [`121239 ${string?.payload.slice("697456486 ".length)}`]);
});

test("the program hears why it failed", async () => {
  const down = pair({
    ask: async () => {
      throw new CodedError("service_unreachable", "x");
    },
  });
  const first = program(down.sendSync);
  void first.asking.request("sendsync", REQUEST);
  await settled();
  await settled();
  assert.deepEqual(first.told, ["err Error 1013 - Unable to connect with socket: auth"]);

  down.sendSync.masterLeft();
  const second = program(down.sendSync);
  const now = await second.asking.request("sendasync", REQUEST);
  assert.equal(now.kind === "ok" && now.payload.toString(), "Added request to sendsync requests queue");
  await settled();
  assert.deepEqual(second.told, ["err Error 3023 - Worker node is not connected to master"]);
});

test("what is no such request reaches no service", async () => {
  let asked = 0;
  const { sendSync } = pair({
    ask: async () => {
      asked++;
      return "";
    },
  });
  const requests: readonly (readonly [string | Buffer, RegExp])[] = [
    ["", /3036/],
    ["[]", /3036/],
    ['{"daemon_name": "authd"}', /3036/],
    ['{"daemon_name": 1, "message": {}}', /3036/],
    [
      '{"daemon_name": "wazuh-db", "message": "global sql SELECT 1"}',
      /^err Error 1014 - Error communicating with socket: 'wazuh-db'$/,
    ],
    ['{"daemon_name": "constructor", "message": ""}', /1014 .*'constructor'/],
    ['{"daemon_name": "authd", "message": {"__proto__": 1}}', /3036/],
    [Buffer.alloc(1_000_001, 0x20), /3050/],
  ];
  for (const [request, expected] of requests) {
    const { asking, told } = program(sendSync);
    void asking.request("sendsync", Buffer.from(request));
    await settled();
    await settled();
    assert.match(told.join(), expected);
  }
  assert.equal(asked, 0);
});

test("what waits for a master that goes away fails at once", async () => {
  const { sendSync, worker } = pair({ ask: () => new Promise(() => {}) });
  const asked = sendSync.ask("authd", {}, 20_000);
  await settled();
  worker.session.close();
  sendSync.masterLeft();
  assert.equal((await asked).kind, "failed");
  const slow = pair({ ask: () => new Promise(() => {}) });
  const timed = slow.sendSync.ask("authd", {}, 20_000);
  await settled();
  slow.worker.needs.clock.advance(20_000);
  assert.equal((await timed).kind, "failed");
});
