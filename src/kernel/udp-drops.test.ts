/** Goal: the kernel's drops are found by port. Method: tables as Linux prints them, damaged ones, and the kernel itself once. */
import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { test } from "node:test";
import { FakeFiles } from "#testing/files.ts";
import { SeededRandom } from "#testing/random.ts";
import { systemFiles } from "./platform/files.ts";
import { dropsOfPort, UdpDrops } from "./udp-drops.ts";

const HEAD =
  "   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops             \n";
const UDP = `${HEAD}  342: 0100007F:0202 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 21531 2 00000000d1b5a0c0 17        
 1012: 00000000:05EA 00000000:0000 07 00000000:00034A00 00:00000000 00000000   998        0 19005 2 0000000068a5e2a1 123456    
`;
const UDP6 = `${HEAD.replace("local_address", "local_address                        ")}  342: 00000000000000000000000000000000:0202 00000000000000000000000000000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 21537 2 0000000012345678 5
`;

function filesWith(udp: string, udp6: string): FakeFiles {
  const files = new FakeFiles();
  files.replace("/proc/net/udp", Buffer.from(udp));
  files.replace("/proc/net/udp6", Buffer.from(udp6));
  return files;
}

test("dropsOfPort() adds up the sockets of a port", () => {
  assert.equal(dropsOfPort(UDP, 514), 17);
  assert.equal(dropsOfPort(UDP, 1514), 123_456);
  assert.equal(dropsOfPort(UDP6, 514), 5);
  assert.equal(dropsOfPort(UDP, 53), 0);
});

test("dropsOfPort() takes damaged tables for silence", () => {
  const random = new SeededRandom(3);
  for (let round = 0; round < 2000; round++) {
    const drops = dropsOfPort(random.mutate(Buffer.from(UDP)).toString("latin1"), 514);
    assert(Number.isSafeInteger(drops) && drops >= 0);
  }
  assert.equal(dropsOfPort("x".repeat(1_000_000), 514), 0);
});

test("UdpDrops gives what came since the last call, and nothing when a socket is gone", () => {
  const files = filesWith(UDP, UDP6);
  const drops = new UdpDrops(files, 514);
  assert.equal(drops.fresh(), 0);
  files.replace("/proc/net/udp", Buffer.from(UDP.replace(" 17 ", " 40 ")));
  assert.equal(drops.fresh(), 23);
  files.replace("/proc/net/udp", Buffer.from(HEAD));
  assert.equal(drops.fresh(), 0);
  files.replace("/proc/net/udp", Buffer.from(UDP));
  assert.equal(drops.fresh(), 17);
});

test("UdpDrops finds nothing where there are no tables", () => {
  assert.equal(new UdpDrops(new FakeFiles(), 514).fresh(), 0);
});

test("UdpDrops sees what the kernel drops", { skip: !existsSync("/proc/net/udp") }, async (context) => {
  const receiver = createSocket({ type: "udp4", recvBufferSize: 1 });
  const sender = createSocket("udp4");
  context.after(() => {
    receiver.close();
    sender.close();
  });
  receiver.bind(0, "127.0.0.1");
  await once(receiver, "listening");
  const { port } = receiver.address();
  const drops = new UdpDrops(systemFiles, port);
  // Loopback delivers while it sends: nobody reads before the last one is sent.
  let sent = 0;
  await new Promise<void>((resolve, reject) => {
    for (let index = 0; index < 200; index++) {
      sender.send(Buffer.alloc(1000), port, "127.0.0.1", (error) => {
        if (error !== null) reject(error);
        else if (++sent === 200) resolve();
      });
    }
  });
  assert(drops.fresh() > 0);
});
