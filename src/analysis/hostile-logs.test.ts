/**
 * Goal: no message can make the engine throw or stop. Method: damaged and monstrous lines of many kinds through a rule set that has one
 * of everything; what comes out must be whole documents, within a bounded time each.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { LocalClock } from "#kernel/local-time.ts";
import { SeededRandom } from "#testing/random.ts";
import { alertLogText, archiveLogText } from "./alert/alert-log.ts";
import { documentOf, EngineFixture, JSON_DECODER } from "./engine.fixture.ts";
import { damagedLine, monstrousLine } from "./hostile-logs.fixture.ts";

const plugin = (name: string, prematch: string) =>
  `<decoder name="${name}"><prematch>${prematch}</prematch><plugin_decoder>${name}_Decoder</plugin_decoder></decoder>`;
const DECODERS = `${JSON_DECODER}
  <decoder name="sshd"><program_name>^sshd</program_name></decoder>
  <decoder name="sshd-fields"><parent>sshd</parent><prematch>^Failed|^Accepted</prematch><regex offset="after_prematch">for (\\.+) from (\\S+) port (\\d+)</regex><order>user, srcip, srcport</order><fts>user, srcip, location</fts></decoder>
  <decoder name="sudo"><program_name>^su</program_name><regex>(\\S+) : TTY=(\\S*) ; PWD=(\\S*)</regex><order>srcuser, tty, pwd</order><accumulate/></decoder>
  <decoder name="audit"><prematch>^type=</prematch></decoder>
  <decoder name="audit-fields"><parent>audit</parent><regex>audit\\((\\S+)\\)</regex><order>id</order></decoder>
  <decoder name="audit-fields"><parent>audit</parent><regex type="pcre2" offset="after_regex">(?:exe="([^"]*)")?.*?key="([^"]*)"</regex><order>audit.exe, audit.key</order></decoder>
  <decoder name="web"><type>web-log</type><prematch>^\\d+.\\d+.\\d+.\\d+ </prematch><regex>^(\\S+) \\S+ \\S+ [\\S+ \\S+] "(\\w+) (\\S+) HTTP\\S+" (\\d+)</regex><order>srcip, protocol, url, id</order></decoder>
  ${plugin("OSSECAlert", "^ossec: Alert Level")}${plugin("PF", "^rule |^pf: ")}${plugin("SonicWall", "^id=firewall")}${plugin("SymantecWS", "^\\d\\d,")}`;

const RULES = `
  <rule id="5715" level="3"><decoded_as>sshd</decoded_as><match>Accepted</match><description>$(dstuser) from $(srcip)</description></rule>
  <rule id="100001" level="5"><decoded_as>sshd</decoded_as><group>failures,</group><description>failed $(dstuser)</description></rule>
  <rule id="100002" level="10" frequency="3"><if_matched_sid>100001</if_matched_sid><same_source_ip/><description>many</description></rule>
  <rule id="100003" level="4"><if_sid>100001</if_sid><if_fts/><description>first</description></rule>
  <rule id="100004" level="3"><decoded_as>json</decoded_as><description>$(alert.signature)</description></rule>
  <rule id="100005" level="6"><if_sid>100004</if_sid><field name="nested.a.b.c" type="pcre2">(?i)^d+$</field><description>nested</description></rule>
  <rule id="100006" level="7" frequency="4"><if_matched_group>local</if_matched_group><different_field>event_type</different_field><global_frequency/><description>x</description></rule>
  <rule id="100007" level="8" frequency="5"><if_matched_regex>\\d+ \\S+ port</if_matched_regex><description>x</description></rule>
  <rule id="100008" level="6"><category>web-log</category><compiled_rule>is_simple_http_request</compiled_rule><description>$(url)</description></rule>
  <rule id="100009" level="7"><match>output:</match><check_diff/><description>x</description></rule>
  <rule id="100010" level="3" maxsize="2000" ignore="3"><regex>\\.</regex><description>long</description></rule>
  <rule id="100011" level="3"><compiled_rule>comp_mswin_targetuser_calleruser_diff</compiled_rule><description>x</description></rule>
  <rule id="100012" level="3"><srcip>10.0.0.0/8</srcip><description>x</description></rule>
  <rule id="100013" level="3"><regex>\\.</regex><description>any</description></rule>`;

/** On a loaded machine; an event takes some 20 µs. */
const EVENT_MS_MAX = 1000;

function run(makeLine: (random: SeededRandom) => string, seed: number, count: number): number {
  const random = new SeededRandom(seed);
  const fixture = new EngineFixture({ decoders: DECODERS, rules: RULES });
  const clock = new LocalClock();
  const rules = new Set<number>();
  for (let number = 0; number < count; number++) {
    const message = makeLine(random);
    fixture.nowMs += random.below(500);
    const location = random.below(9) === 0 ? makeLine(random) : "(web1) any->/var/log/x";
    const raw = fixture.raw(message, { location, agentId: random.pick(["000", "001"]) });
    const started = performance.now();
    const outcome = fixture.engine.process(raw);
    // A firewall's line without all its fields is not for the rules.
    if (outcome.kind !== "analysed") continue;
    const { event, verdict } = outcome;
    const document = documentOf(event, verdict);
    const text = verdict === null ? "" : alertLogText(event, verdict, clock);
    archiveLogText(event, clock);
    const tookMs = performance.now() - started;
    assert(tookMs < EVENT_MS_MAX, `${tookMs} ms for ${JSON.stringify(message.slice(0, 200))}`);
    assert.doesNotThrow(() => JSON.parse(document), document);
    assert(verdict === null || text.endsWith("\n\n"));
    if (verdict !== null) rules.add(verdict.rule.id);
  }
  return rules.size;
}

test("Engine takes damaged lines", () => {
  assert(run(damagedLine, 1, 1500) >= 10);
});

test("Engine takes lines of 64 KB made to be slow", () => {
  run(monstrousLine, 2, 80);
});
