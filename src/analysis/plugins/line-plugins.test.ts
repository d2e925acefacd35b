/**
 * Goal: the plugins for lines of one product give the fields that their descriptions promise. Method: lines of each kind
 * with fields read off by hand, every cut of them, and damaged ones.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { SeededRandom } from "#testing/random.ts";
import { decodeOssecAlert, type OssecAlert } from "./ossec-alert.ts";
import { decodePf } from "./pf.ts";
import { RecordingSink } from "./recording-sink.fixture.ts";
import type { FieldSink } from "./sink.ts";
import { decodeSonicWall } from "./sonicwall.ts";
import { decodeSymantecWs } from "./symantec-ws.ts";

const PF =
  "Mar 30 15:32:33.483712 rule 2/(match) pass in on xl0: 10.0.0.3.6667 > 10.2.0.10.16290: P 7408:7677(269) ack";
const SYMANTEC = "20070717,73614,1=5,11=10.1.1.3,1106=News,60=http://a.example/,10=userX,1000=10.9.9.9,2=27";
const SONICWALL =
  'id=firewall sn=0 time="2007-01-03 14:48:06" fw=10.1.1.1 pri=6 c=262144 m=98 msg="Opened" n=2 src=10.2.2.2:36701:WAN dst=10.1.1.1:50000:WAN proto=tcp/50000';
const ALERT =
  "ossec: Alert Level: 3; Rule: 5715 - SSHD success.; Location: (web) 10.0.0.9->/var/log/auth.log; srcip: 10.0.0.1; user: root;  Jul 25 sshd[2]: x; y";

function fieldsOf(decode: (sink: FieldSink) => void): Record<string, string> {
  const sink = new RecordingSink();
  decode(sink);
  assert.deepEqual(sink.dynamics, []);
  return sink.statics;
}

const pf = (line: string) => fieldsOf((sink) => decodePf(line, sink));
const symantec = (line: string) => fieldsOf((sink) => decodeSymantecWs(line, sink));

test("decodePf() reads an address with and without port", () => {
  assert.deepEqual(pf(PF), {
    protocol: "TCP",
    action: "pass",
    srcip: "10.0.0.3",
    srcport: "6667",
    dstip: "10.2.0.10",
    dstport: "16290",
  });
  assert.deepEqual(pf("rule 2/(match) block in on lo0: 127.0.0.1 > 127.0.0.2: icmp: echo request"), {
    protocol: "ICMP",
    action: "block",
    srcip: "127.0.0.1",
    dstip: "127.0.0.2",
  });
  assert.equal(pf("(match) pass out on xl0: 10.2.0.10.1514 > 10.2.0.1.1030:  udp 73")["protocol"], "UDP");
});

test("decodePf() keeps what it had when the line goes wrong", () => {
  assert.deepEqual(pf("(match)pass in on xl0: 1.2.3.4 > 5.6.7.8: udp"), {});
  assert.deepEqual(pf("(match) match in on xl0: 1.2.3.4 > 5.6.7.8: udp"), {});
  assert.deepEqual(pf("(match) pass in on xl0:1.2.3.4 > 5.6.7.8: udp"), { action: "pass" });
  assert.deepEqual(pf("(match) pass in on xl0: 1.2.3.4"), { action: "pass" });
  assert.deepEqual(pf("(match) pass in on xl0: 1.2.3.4 < 5.6.7.8: udp"), {
    action: "pass",
    srcip: "1.2.3.4",
  });
  assert.deepEqual(pf("(match) pass in on xl0: 1.2.3.4 > 5.6.7.8"), { action: "pass", srcip: "1.2.3.4" });
  const noProtocol = { action: "pass", srcip: "1.2.3.4", dstip: "5.6.7.8" };
  assert.deepEqual(pf("(match) pass in on xl0: 1.2.3.4 > 5.6.7.8:  "), noProtocol);
});

test("decodeSymantecWs() takes the first of each item", () => {
  assert.deepEqual(symantec(SYMANTEC), {
    srcip: "10.1.1.3",
    dstuser: "userX",
    id: "2=27",
    url: "http://a.example/",
  });
  assert.deepEqual(symantec("1,10=a,10=b,11=,11=1.2.3.4"), { srcip: "", dstuser: "a" });
  assert.deepEqual(symantec("10=a"), {});
});

test("decodeSymantecWs() takes nine bytes for the id, whatever they are", () => {
  assert.deepEqual(symantec("1,3=1,2=1,11=1.2.3.4,10=a"), { dstuser: "a", id: "3=1,2=1,1" });
  assert.deepEqual(symantec("1,3=7,2=29"), { id: "3=7,2=29" });
});

test("decodeSymantecWs() cuts long values and keeps fields that are set", () => {
  const long = "x".repeat(2000);
  const fields = symantec(`1,10=${long},60=${long}`);
  assert.equal(fields["dstuser"]?.length, 128);
  assert.equal(fields["url"]?.length, 1024);
  const sink = new RecordingSink();
  sink.setStatic("dstuser", "earlier");
  decodeSymantecWs(SYMANTEC, sink);
  assert.equal(sink.statics["dstuser"], "earlier");
});

function sonicwall(line: string): [string, Record<string, string>] {
  const sink = new RecordingSink();
  return [decodeSonicWall(line, sink), sink.statics];
}

test("decodeSonicWall() reads numbers, addresses and protocol", () => {
  const endpoints = { srcip: "10.2.2.2", srcport: "36701", dstip: "10.1.1.1", dstport: "50000" };
  assert.deepEqual(sonicwall(SONICWALL), [
    "firewall",
    { protocol: "tcp", action: "pass", ...endpoints, id: "98", status: "6" },
  ]);
  assert.deepEqual(
    sonicwall(SONICWALL.replace("proto=tcp/50000", "proto=abcdefgh/1"))[1]["protocol"],
    "abcdef",
  );
  assert.deepEqual(sonicwall(SONICWALL.replace(" proto=", " x proto="))[1]["protocol"], undefined);
});

test("decodeSonicWall() derives type and action from the numbers", () => {
  const typeOf = (category: string, id: string) => {
    const [type, fields] = sonicwall(SONICWALL.replace("c=262144 m=98", `c=${category} m=${id}`));
    return [type, fields["action"]];
  };
  for (const id of ["98", "597", "598"]) assert.deepEqual(typeOf("1", id), ["firewall", "pass"]);
  for (const id of ["36", "37", "38", "173", "174"]) assert.deepEqual(typeOf("1", id), ["firewall", "drop"]);
  assert.deepEqual(typeOf("1", "537"), ["firewall", "close"]);
  assert.deepEqual(typeOf("32", "98"), ["ids", undefined]);
  assert.deepEqual(typeOf("320", "99"), ["syslog", undefined]);
});

test("decodeSonicWall() takes the answer's number and address of a proxy line", () => {
  const proxy = SONICWALL.replace("m=98", "m=97");
  const [type, fields] = sonicwall(`${proxy} op=1 result=404 dstname=www.example.com arg=/a/b`);
  assert.equal(type, "squid");
  assert.deepEqual([fields["id"], fields["url"]], ["404", "www.example.com/a/b"]);
  assert.deepEqual(sonicwall(proxy)[1]["id"], "97");
});

test("decodeSonicWall() stays with syslog when the line has another form", () => {
  assert.deepEqual(sonicwall("pri=6 c=32"), ["syslog", {}]);
  assert.deepEqual(sonicwall("pri=6 c=32 m=98 src=x dst=y"), ["syslog", { id: "98", status: "6" }]);
});

function ossecAlert(line: string): [OssecAlert, Record<string, string>] {
  const sink = new RecordingSink();
  return [decodeOssecAlert(line, "10.0.0.7", (ruleId) => ruleId === "5715", sink), sink.statics];
}

test("decodeOssecAlert() names the rule and takes the log out", () => {
  const alert = {
    kind: "alert",
    ruleId: "5715",
    location: "10.0.0.7|(web) 10.0.0.9->/var/log/auth.log",
    log: "Jul 25 sshd[2]: x; y",
  };
  assert.deepEqual(ossecAlert(ALERT), [alert, { srcip: "10.0.0.1", dstuser: "root" }]);
  assert.deepEqual(ossecAlert(ALERT.replace("ossec: ", ""))[0], alert);
  assert.deepEqual(ossecAlert("Alert Level: 3; Rule: 5715 - x; Location: a;")[0], {
    ...alert,
    location: "10.0.0.7|a",
    log: "",
  });
});

test("decodeOssecAlert() cuts location and log to the peer's buffers", () => {
  const long = "x".repeat(5000);
  const [alert] = ossecAlert(`Alert Level: 3; Rule: 5715 - x; Location: ${long};  ${long}`);
  assert.ok(alert.kind === "alert");
  assert.equal(alert.location.length, 254);
  assert.equal(alert.log.length, 4094);
});

test("decodeOssecAlert() changes nothing for another form or rule", () => {
  assert.deepEqual(ossecAlert(ALERT.replace("5715", "5716")), [{ kind: "unknown_rule", ruleId: "5716" }, {}]);
  for (const line of [
    "x Alert Level: 3; Rule: 5715 - x; Location: a;",
    "Alert Level: 3, Rule: 5715 - x",
    "Alert Level: 3; Rule:5715 - x; Location: a;",
    "Alert Level: 3; Rule: 5715",
    "Alert Level: 3; Rule: 5715 - x",
    "Alert Level: 3; Rule: 5715 - x; Place: a;",
    "Alert Level: 3; Rule: 5715 - x; Location: a",
  ]) {
    assert.deepEqual(ossecAlert(line), [{ kind: "none" }, {}], line);
  }
});

test("decodeOssecAlert() keeps the new location of a line that breaks off", () => {
  const [alert, fields] = ossecAlert(
    "Alert Level: 3; Rule: 5715 - x; Location: a; srcip: 10.0.0.1; user: ro",
  );
  assert.deepEqual(alert, { kind: "relocated", location: "10.0.0.7|a" });
  assert.deepEqual(fields, { srcip: "10.0.0.1" });
});

test("the line plugins take every cut and damage", () => {
  const random = new SeededRandom(7);
  const decodeAll = (line: string) => {
    pf(line);
    symantec(line);
    sonicwall(line);
    ossecAlert(line);
  };
  for (const line of [PF, SYMANTEC, SONICWALL, ALERT]) {
    for (let cut = 0; cut <= line.length; cut++) decodeAll(line.slice(0, cut));
    for (let round = 0; round < 2_000; round++)
      decodeAll(random.mutate(Buffer.from(line)).toString("latin1"));
  }
});
