/**
 * Goal: each condition of a rule holds when the specification says so. Method: one rule with that one condition, and JSON events that
 * set the fields; times are asked under several zones.
 */
import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { EngineFixture, JSON_DECODER, type RulesetTexts } from "#analysis/engine.fixture.ts";

const RULE = 100_001;
const HEADER = "Nov 21 06:44:10 web1 ";

type Fields = Readonly<Record<string, string>>;

/** Whether a rule of this body holds, for a message or for fields. */
function asker(
  body: string,
  options: Pick<RulesetTexts, "lists" | "places"> & { readonly attributes?: string } = {},
): (input: string | Fields, place?: { location: string; agentId: string }) => boolean {
  const rules = `<rule id="${RULE}" level="5" ${options.attributes ?? ""}>${body}<description>x</description></rule>`;
  const { lists = {}, places = {} } = options;
  const fixture = new EngineFixture({ decoders: JSON_DECODER, rules, lists, places });
  return (input, place = { location: "/var/log/x", agentId: "000" }) => {
    const message = typeof input === "string" ? input : JSON.stringify({ ever: "y", ...input });
    return fixture.rule(message, place) === RULE;
  };
}

const STATIC_OPTIONS = [
  "action",
  "url",
  "id",
  "srcport",
  "dstport",
  "status",
  "protocol",
  "data",
  "extra_data",
] as const;

for (const option of STATIC_OPTIONS) {
  test(`conditionCheck() compares <${option}> with the field, and fails without it even when negated`, () => {
    const holds = asker(`<${option} type="osmatch">abc</${option}>`);
    assert.equal(holds({ [option]: "xABCx" }), true);
    assert.equal(holds({ [option]: "ab" }), false);
    assert.equal(holds({}), false);
    const negated = asker(`<${option} type="osmatch" negate="yes">abc</${option}>`);
    assert.equal(negated({ [option]: "xABCx" }), false);
    assert.equal(negated({ [option]: "ab" }), true);
    assert.equal(negated({ [option]: "" }), true, "an empty value is a value");
    assert.equal(negated({}), false);
  });
}

test("conditionCheck() compares <system_name> with the field that JSON calls systemname", () => {
  const holds = asker("<system_name>abc</system_name>");
  assert.equal(holds({ systemname: "abc" }), true);
  assert.equal(holds({ system_name: "abc" }), false);
});

test("conditionCheck() compares <action> exactly unless it has a type", () => {
  const holds = asker("<action>drop</action>");
  assert.equal(holds({ action: "drop" }), true);
  assert.equal(holds({ action: "Drop" }), false);
  assert.equal(holds({ action: "drops" }), false);
});

test("conditionCheck() gives <match> and <regex> the log without its header", () => {
  const match = asker("<match>^failed|^denied</match>");
  assert.equal(match(`${HEADER}app: Failed`), true);
  assert.equal(match(`${HEADER}app: it failed`), false);
  assert.equal(match(`${HEADER}app: denied`), true);
  assert.equal(asker("<match>web1</match>")(`${HEADER}app: x`), false);
  const regex = asker("<regex>id \\d+ end$</regex>");
  assert.equal(regex("an id 12 end"), true);
  assert.equal(regex("an id x end"), false);
  assert.equal(asker('<match negate="yes">failed</match>')("fine"), true);
  assert.equal(asker('<regex negate="yes">failed</regex>')("failed"), false);
  assert.equal(asker('<match type="pcre2">^Fa.led$</match>')("Failed"), true);
  assert.equal(asker('<match type="pcre2">^Fa.led$</match>')("failed"), false);
});

test("conditionCheck() joins the texts of a repeated option", () => {
  const holds = asker("<match>abc</match><match>def</match>");
  assert.equal(holds("abcdef"), true);
  assert.equal(holds("abc def"), false);
});

test("conditionCheck() compares <program_name> and fails without one", () => {
  const holds = asker("<program_name>^app$</program_name>");
  assert.equal(holds(`${HEADER}app: x`), true);
  assert.equal(holds(`${HEADER}apple: x`), false);
  assert.equal(holds("app: x"), false);
  assert.equal(asker('<program_name negate="yes">^app$</program_name>')("x"), false);
});

test("conditionCheck() compares <hostname> with the header's name, and with the agent's name for remote events", () => {
  const holds = asker("<hostname>^web1$</hostname>");
  assert.equal(holds(`${HEADER}app: x`), true);
  const remote = { agentId: "001", location: "(web1) 192.0.2.1->/var/log/x" };
  assert.equal(holds("x", remote), true);
  assert.equal(holds(`${HEADER}app: x`, { agentId: "001", location: "(db1) any->/x" }), false);
  // An event without a name is the manager's own: its name up to the first dot.
  assert.equal(asker("<hostname>^manager$</hostname>")("x"), true);
});

test("conditionCheck() gives <location> all that follows the agent's id", () => {
  const holds = asker("<location>^(web1) any->/var/log/x$</location>");
  assert.equal(holds("x", { agentId: "001", location: "(web1) any->/var/log/x" }), true);
  assert.equal(holds("x", { agentId: "000", location: "/var/log/x" }), false);
});

test("conditionCheck() gives <user> the destination user, else the source user", () => {
  const holds = asker("<user>^root$</user>");
  assert.equal(holds({ dstuser: "root", srcuser: "joe" }), true);
  assert.equal(holds({ dstuser: "joe", srcuser: "root" }), false);
  assert.equal(holds({ srcuser: "root" }), true);
  assert.equal(holds({}), false);
});

test("conditionCheck() looks dynamic fields up without case and wants every <field>", () => {
  const holds = asker('<field name="Win.EventID">^46\\d\\d$</field><field name="actor">joe</field>');
  assert.equal(holds({ "win.eventid": "4624", actor: "joe" }), true);
  assert.equal(holds({ "win.eventid": "4624", actor: "eve" }), false);
  assert.equal(holds({ actor: "joe" }), false);
  const negated = asker('<field name="kind" negate="yes">^a$</field>');
  assert.equal(negated({ kind: "b" }), true);
  assert.equal(negated({ kind: "a" }), false);
  assert.equal(negated({ other: "b" }), false);
});

for (const option of ["srcip", "dstip"] as const) {
  test(`conditionCheck() compares <${option}> with addresses and networks`, () => {
    const holds = asker(`<${option}>10.0.0.0/8</${option}><${option}>192.0.2.7</${option}>`);
    assert.equal(holds({ [option]: "10.1.2.3" }), true);
    assert.equal(holds({ [option]: "192.0.2.7" }), true);
    assert.equal(holds({ [option]: "::ffff:10.1.2.3" }), true);
    assert.equal(holds({ [option]: "192.0.2.8" }), false);
    assert.equal(holds({ [option]: "2001:db8::1" }), false);
    assert.equal(holds({ [option]: "no address" }), false);
    assert.equal(holds({}), false);
  });

  test(`conditionCheck() negates <${option}>: what is no address is then outside, a missing one still fails`, () => {
    const holds = asker(`<${option} negate="yes">10.0.0.0/8</${option}>`);
    assert.equal(holds({ [option]: "10.1.2.3" }), false);
    assert.equal(holds({ [option]: "192.0.2.7" }), true);
    assert.equal(holds({ [option]: "2001:db8::1" }), true);
    assert.equal(holds({ [option]: "no address" }), true);
    assert.equal(holds({}), false);
  });
}

test("conditionCheck() ignores an exclamation mark in front of an address", () => {
  assert.equal(asker("<srcip>!10.0.0.0/8</srcip>")({ srcip: "10.1.2.3" }), true);
});

test("conditionCheck() lets maxsize hold from that length of the log on", () => {
  const holds = asker("", { attributes: 'maxsize="10"' });
  assert.equal(holds("123456789"), false);
  assert.equal(holds("1234567890"), true);
  assert.equal(holds(`${HEADER}app: 123456789`), false, "the header does not count");
});

test("conditionCheck() never finds a place on earth without a database", () => {
  assert.equal(asker("<srcgeoip>DE</srcgeoip>")({ srcip: "192.0.2.1", srcgeoip: "DE" }), false);
  assert.equal(asker('<dstgeoip negate="yes">DE</dstgeoip>')({ dstip: "192.0.2.1" }), false);
});

test("conditionCheck() compares <srcgeoip> and <dstgeoip> with the places of the addresses", () => {
  const options = { places: { "192.0.2.1": "US / California", "192.0.2.2": "FR" } };
  for (const end of ["src", "dst"]) {
    const holds = asker(`<${end}geoip>^US|Paris</${end}geoip>`, options);
    const ip = `${end}ip`;
    assert.equal(holds({ [ip]: "192.0.2.1" }), true);
    assert.equal(holds({ [ip]: "192.0.2.2" }), false);
    assert.equal(holds({ [ip]: "10.0.0.1" }), false);
    assert.equal(holds({ [end === "src" ? "dstip" : "srcip"]: "192.0.2.1" }), false);
    const differs = asker(`<${end}geoip negate="yes">^US</${end}geoip>`, options);
    assert.equal(differs({ [ip]: "192.0.2.1" }), false);
    assert.equal(differs({ [ip]: "192.0.2.2" }), true);
    assert.equal(differs({ [ip]: "10.0.0.1" }), false, "what has no place differs from none");
  }
});

test("rules that stand beside each other are found by their places too", () => {
  const names = ["AA", "BB", "CC", "DD", "EE", "FF", "GG", "HH"];
  const rules = names.map(
    (name, index) =>
      `<rule id="${RULE + index}" level="5"><srcgeoip type="osregex">^${name}$</srcgeoip><description>x</description></rule>`,
  );
  const places = Object.fromEntries(names.map((name, index) => [`192.0.2.${index}`, name]));
  const fixture = new EngineFixture({ decoders: JSON_DECODER, rules: rules.join(""), places });
  for (const index of names.keys()) assert.equal(fixture.rule(`{"srcip":"192.0.2.${index}"}`), RULE + index);
  assert.equal(fixture.rule('{"srcip":"192.0.2.99"}'), null);
});

test("check_id_size holds for ids of ten bytes and more", () => {
  const holds = asker("<compiled_rule>check_id_size</compiled_rule>");
  assert.equal(holds({ id: "1234567890" }), true);
  assert.equal(holds({ id: "123456789" }), false);
  assert.equal(holds({}), false);
});

test("comp_srcuser_dstuser holds for equal users and when one is missing", () => {
  const holds = asker("<compiled_rule>comp_srcuser_dstuser</compiled_rule>");
  assert.equal(holds({ srcuser: "joe", dstuser: "joe" }), true);
  assert.equal(holds({ srcuser: "joe", dstuser: "eve" }), false);
  assert.equal(holds({ srcuser: "joe" }), true);
  assert.equal(holds({}), true);
});

test("comp_mswin_targetuser_calleruser_diff holds when both accounts are named and differ", () => {
  const holds = asker("<compiled_rule>comp_mswin_targetuser_calleruser_diff</compiled_rule>");
  assert.equal(holds("Target Account Name: joe\tx Caller User Name: eve\tx"), true);
  assert.equal(holds("Target Account Name: joe\tx Caller User Name: joe\ty"), false);
  assert.equal(holds("Target Account Name: joe  x Caller User Name: joe  y"), false);
  assert.equal(holds("Target Account Name: joe\tx Caller User Name: joey\tx"), true);
  assert.equal(holds("Target Account Name: joe\tx"), false);
  assert.equal(holds("Caller User Name: joe\tx"), false);
  assert.equal(holds("nothing of that kind"), false);
});

test("is_simple_http_request holds for a URL without a query", () => {
  const holds = asker("<compiled_rule>is_simple_http_request</compiled_rule>");
  assert.equal(holds({ url: "/a/b" }), true);
  assert.equal(holds({ url: "/a?b=c" }), false);
  assert.equal(holds({}), false);
});

test("is_valid_crawler holds for logs that start with a crawler's address", () => {
  const holds = asker("<compiled_rule>is_valid_crawler</compiled_rule>");
  for (const prefix of ["66.249.", "72.14.", "209.85.", "65.55.", "207.46.", "74.6.", "72.30.", "67.195."]) {
    assert.equal(holds(`${prefix}1.2 - -`), true, prefix);
  }
  assert.equal(holds("166.249.1.2 - -"), false);
  assert.equal(holds("66.24.9.1 - -"), false);
});

const ZONE = process.env["TZ"];
afterEach(() => {
  if (ZONE === undefined) delete process.env["TZ"];
  else process.env["TZ"] = ZONE;
});

/** Whether the rule holds for an event of this moment, in a zone. */
function holdsAt(body: string, zone: string, utc: string): boolean {
  process.env["TZ"] = zone;
  const rules = `<rule id="${RULE}" level="5">${body}<description>x</description></rule>`;
  return new EngineFixture({ rules }).rule("x", { receivedMs: Date.parse(utc) }) === RULE;
}

test("conditionCheck() compares <time> with the local clock, both ends included", () => {
  const body = "<time>08:30-17:15</time>";
  const day = (clock: string) => `2026-11-21T${clock}Z`;
  for (const [clock, expected] of [
    ["08:29:59", false],
    ["08:30:00", true],
    ["17:15:59", true],
    ["17:16:00", false],
  ] as const) {
    assert.equal(holdsAt(body, "UTC", day(clock)), expected, clock);
  }
  // 08:29 UTC is 13:59 in Kolkata; 17:16 UTC is 12:16 in New York.
  assert.equal(holdsAt(body, "Asia/Kolkata", day("08:29:00")), true);
  assert.equal(holdsAt(body, "America/New_York", day("17:16:00")), true);
  assert.equal(holdsAt(body, "America/New_York", day("08:30:00")), false);
});

test("conditionCheck() turns a <time> over midnight into all but the middle", () => {
  const body = "<time>6 pm - 8:30 am</time>";
  assert.equal(holdsAt(body, "UTC", "2026-11-21T03:00:00Z"), true);
  assert.equal(holdsAt(body, "UTC", "2026-11-21T12:00:00Z"), false);
  assert.equal(holdsAt(body, "UTC", "2026-11-21T23:00:00Z"), true);
  // The two ends belong to the middle.
  assert.equal(holdsAt(body, "UTC", "2026-11-21T18:00:00Z"), false);
  assert.equal(holdsAt(body, "UTC", "2026-11-21T18:01:00Z"), true);
  assert.equal(holdsAt("<time>!9-17</time>", "UTC", "2026-11-21T12:00:00Z"), false);
  assert.equal(holdsAt("<time>!9-17</time>", "UTC", "2026-11-21T18:00:00Z"), true);
});

test("conditionCheck() compares <weekday> with the local day", () => {
  // 21 November 2026 is a Saturday.
  assert.equal(holdsAt("<weekday>saturday</weekday>", "UTC", "2026-11-21T12:00:00Z"), true);
  assert.equal(holdsAt("<weekday>weekends</weekday>", "UTC", "2026-11-21T12:00:00Z"), true);
  assert.equal(holdsAt("<weekday>weekdays</weekday>", "UTC", "2026-11-21T12:00:00Z"), false);
  assert.equal(holdsAt("<weekday>mon, sun</weekday>", "UTC", "2026-11-21T23:30:00Z"), false);
  assert.equal(holdsAt("<weekday>mon, sun</weekday>", "Asia/Tokyo", "2026-11-21T23:30:00Z"), true);
  assert.equal(holdsAt("<weekday>friday</weekday>", "America/Los_Angeles", "2026-11-21T07:30:00Z"), true);
});

const LISTS = { users: "root:admin\njoe:user\n", nets: "10.:inside\n10.1.:lab\n192.0.2.7:host\n" };

function listAsker(lookup: string, field: string, list: string, value?: string): (fields: Fields) => boolean {
  const check = value === undefined ? "" : ` check_value="${value}"`;
  return asker(`<list field="${field}" lookup="${lookup}"${check}>etc/lists/${list}</list>`, {
    lists: LISTS,
  });
}

test("listCheck() looks keys up exactly", () => {
  const byUser = listAsker("match_key", "user", "users");
  assert.equal(byUser({ dstuser: "root" }), true);
  assert.equal(byUser({ dstuser: "ROOT" }), false);
  assert.equal(byUser({ dstuser: "root2" }), false);
  assert.equal(byUser({ srcuser: "root", dstuser: "nobody" }), true, "the source user comes first");
  assert.equal(byUser({}), false);
  const dynamic = listAsker("match_key", "account", "users");
  assert.equal(dynamic({ Account: "joe" }), true);
});

test("listCheck() finds what is not in a list, but nothing about a missing field", () => {
  const holds = listAsker("not_match_key", "user", "users");
  assert.equal(holds({ dstuser: "eve" }), true);
  assert.equal(holds({ dstuser: "root" }), false);
  assert.equal(holds({}), false);
});

test("listCheck() compares the value of a key", () => {
  const holds = listAsker("match_key_value", "user", "users", "^adm");
  assert.equal(holds({ dstuser: "root" }), true);
  assert.equal(holds({ dstuser: "joe" }), false);
  assert.equal(holds({ dstuser: "eve" }), false);
});

test("listCheck() looks an address up itself, then by its prefixes that end in a dot", () => {
  const holds = listAsker("address_match_key", "srcip", "nets");
  assert.equal(holds({ srcip: "10.1.2.3" }), true);
  assert.equal(holds({ srcip: "10.9.9.9" }), true);
  assert.equal(holds({ srcip: "192.0.2.7" }), true);
  assert.equal(holds({ srcip: "192.0.2.77" }), false);
  assert.equal(holds({ srcip: "110.1.2.3" }), false);
  assert.equal(holds({}), false);
  const negated = listAsker("not_address_match_key", "srcip", "nets");
  assert.equal(negated({ srcip: "10.1.2.3" }), false);
  assert.equal(negated({ srcip: "192.0.2.77" }), true);
  assert.equal(negated({}), false);
});

test("listCheck() inverts address_match_key_value", () => {
  const holds = listAsker("address_match_key_value", "srcip", "nets", "^lab$");
  assert.equal(
    holds({ srcip: "10.1.2.3" }),
    false,
    "found, and the value matches: the longest prefix counts",
  );
  assert.equal(holds({ srcip: "10.9.9.9" }), true, "found, another value");
  assert.equal(holds({ srcip: "198.51.100.1" }), true, "not found");
  assert.equal(holds({}), false);
});

test("listCheck() is asked for the last two lists of a rule only", () => {
  const use = (field: string) => `<list field="${field}" lookup="match_key">etc/lists/users</list>`;
  const holds = asker(use("a") + use("b") + use("c"), { lists: LISTS });
  assert.equal(holds({ a: "nobody", b: "root", c: "joe" }), true);
  assert.equal(holds({ a: "root", b: "nobody", c: "joe" }), false);
  assert.equal(holds({ a: "root", b: "root", c: "nobody" }), false);
  const two = asker(use("a") + use("b"), { lists: LISTS });
  assert.equal(two({ a: "nobody", b: "root" }), false);
});
