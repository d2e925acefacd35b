/**
 * Decoders and rules of every option. A tame author writes files that load, so that they run; a wild one puts values where they do
 * not belong, into the same forms.
 */
import type { PatternKind } from "#formats/patterns/pattern.ts";
import type { SeededRandom } from "#testing/random.ts";
import { oddText } from "./damage.ts";
import { patternText } from "./pattern-texts.ts";

export const LIST_NAME = "etc/lists/a";

const PARENTS = ["p", "q", "sshd", "audit"];
const DECODED = ["p", "q", "json", "sshd", "web", "ids", "sca", "syscheck_deleted"];
const RULE_IDS = ["100", "101", "102", "103", "104", "105"];
const STATIC_FIELDS = ["srcip", "dstuser", "user", "id", "url", "action", "data", "status", "system_name"];
const DYNAMIC_FIELDS = ["my.dyn", "a.b", "x", "__proto__", "constructor"];
const FIELDS = [...STATIC_FIELDS, ...DYNAMIC_FIELDS];
const GROUPS = ["a,", "b,", "c,pci_dss_1.1,", "rootcheck,", "authentication_failures,", "x\ny,"];
const ADDRESSES = [
  "10.0.0.0/8",
  "any",
  "::1",
  "203.0.113.9",
  "10.0.0.1/255.255.255.0",
  "!192.0.2.1",
  "fe80::/10",
];
const COMPARED = ["source_ip", "srcip", "user", "location", "id", "url", "srcgeoip", "data"];
const WILD_WORDS = ["0", "-1", "17", "99999999999", "", "yes", "after_regex", "string", "999"];
/** Known to compile in every language. */
const TAME_PATTERNS = ["a", "^x", "failed$", "^a$|^b", "user", "10.0", "\\d+", "^\\S+ ", "(a)", "a\\s+b"];

export class RulesetAuthor {
  readonly #random: SeededRandom;
  readonly #wild: boolean;

  constructor(random: SeededRandom, wild: boolean) {
    this.#random = random;
    this.#wild = wild;
  }

  decoders(): string {
    return this.#times(1, 6, () => this.decoder()).join("\n");
  }

  decoder(): string {
    const kind = this.#random.below(4);
    if (kind === 0) return this.#parent();
    return kind === 1 ? this.#plugin() : this.#child();
  }

  rules(): string {
    const variable = this.#chance(3) ? `<var name="W">${this.#pattern("osmatch")}</var>\n` : "";
    const groups = this.#times(1, 3, () => {
      const rules = this.#times(1, 6, () => this.rule()).join("\n");
      return `<group name="${this.#random.pick(GROUPS)}">\n${rules}\n</group>`;
    });
    return variable + groups.join("\n");
  }

  rule(): string {
    const random = this.#random;
    const id = random.pick([...RULE_IDS, String(106 + random.below(40))]);
    const stateful = this.#chance(4);
    const attributes = [
      this.#maybe(6, () => ` maxsize="${this.#word("5", "100")}"`),
      this.#maybe(6, () => ` ignore="${this.#word("1", "60")}"`),
      this.#maybe(8, () => ` accuracy="${this.#word("0", "1")}"`),
      this.#maybe(10, () => ` noalert="${this.#word("0", "1")}"`),
      this.#maybe(6, () => ` overwrite="${this.#word("yes", "no")}"`),
      stateful ? ` frequency="${this.#word("2", "3", "5")}" timeframe="${this.#word("1", "60", "900")}"` : "",
    ].join("");
    const options = [
      this.#position(stateful),
      ...this.#times(0, 4, () => this.#condition()),
      ...this.#times(0, 2, () => this.#effect()),
      ...(stateful || (this.#wild && this.#chance(3)) ? this.#times(0, 3, () => this.#comparison()) : []),
      `<description>${this.#word("d", "$(srcip) $(my.dyn)", "$(", "two\nlines")}</description>`,
    ];
    return `<rule id="${id}" level="${this.#word("0", "1", "5", "12", "16")}"${attributes}>\n  ${options.join("\n  ")}\n</rule>`;
  }

  #parent(): string {
    const random = this.#random;
    const start = random.pick([`<prematch${this.#type("osregex")}`, `<program_name${this.#type("osmatch")}`]);
    const name = start.startsWith("<prematch") ? "prematch" : "program_name";
    const category = this.#word(
      "syslog",
      "firewall",
      "ids",
      "web-log",
      "squid",
      "windows",
      "host-information",
    );
    return `<decoder name="${random.pick(PARENTS)}">\n  ${start}</${name}>${this.#maybe(3, () => `<type>${category}</type>`)}\n</decoder>`;
  }

  #plugin(): string {
    const plugin = this.#word(
      "JSON_Decoder",
      "PF_Decoder",
      "SonicWall_Decoder",
      "OSSECAlert_Decoder",
      "SymantecWS_Decoder",
    );
    const offset = this.#maybe(3, () => ` offset="${this.#word("after_prematch")}"`);
    const options = [
      this.#maybe(3, () => `<json_null_field>${this.#word("string", "discard")}</json_null_field>`),
      this.#maybe(3, () => `<json_array_structure>${this.#word("array", "csv")}</json_array_structure>`),
      this.#maybe(3, () => `<use_own_name>${this.#word("true")}</use_own_name>`),
    ].join("");
    return `<decoder name="${this.#random.pick(["j", "k"])}">\n  <prematch>^${this.#word("{", "pf", "x")}</prematch><plugin_decoder${offset}>${plugin}</plugin_decoder>${options}\n</decoder>`;
  }

  /** Below `p`, which every set has. Of equal names the later ones have no prematch. */
  #child(): string {
    const random = this.#random;
    const follows = this.#chance(3);
    const name = follows ? "same" : `own${random.below(1000)}`;
    const prematch = follows ? "" : this.#maybe(2, () => `<prematch${this.#type("osregex")}</prematch>`);
    const offset = this.#maybe(
      3,
      () => ` offset="${this.#word("after_parent", ...(prematch === "" ? [] : ["after_prematch"]))}"`,
    );
    const groups = 1 + random.below(3);
    const regex = Array.from(
      { length: groups },
      () => `(${random.pick(["\\d+", "\\S+", "\\w*", "\\.+", "a"])})`,
    );
    const order = this.#fieldList(groups);
    const options = [
      follows ? "" : this.#maybe(4, () => `<fts>${order}</fts><ftscomment>new</ftscomment>`),
      this.#maybe(5, () => "<accumulate/>"),
    ].join("");
    return `<decoder name="${name}">\n  <parent>${this.#word("p")}</parent>${prematch}<regex${offset}>${regex.join(this.#word(" ", ":", "\\s+"))}</regex><order>${order}</order>${options}\n</decoder>`;
  }

  /** Where in the tree. */
  #position(stateful: boolean): string {
    const known = this.#word(...RULE_IDS);
    if (stateful) {
      return this.#random.pick([
        `<if_matched_sid>${known}</if_matched_sid>`,
        `<if_matched_group>${this.#word("a", "b")}</if_matched_group>`,
        `<if_matched_regex>${this.#pattern("osregex")}</if_matched_regex>`,
      ]);
    }
    return this.#random.pick([
      `<if_sid>${known}</if_sid>`,
      `<if_sid>${known}, ${this.#word(...RULE_IDS)}</if_sid>`,
      `<if_group>${this.#word("a", "b|c", "^syslog")}</if_group>`,
      `<if_level>${this.#word("1", "5")}</if_level>`,
      `<decoded_as>${this.#word(...DECODED)}</decoded_as>`,
      `<category>${this.#word("syslog", "ossec", "web-log")}</category>`,
      "",
      "",
    ]);
  }

  #condition(): string {
    const random = this.#random;
    const negate = this.#maybe(5, () => ` negate="${this.#word("yes", "no")}"`);
    const named = random.pick([
      "user",
      "url",
      "id",
      "status",
      "hostname",
      "program_name",
      "location",
      "match",
    ]);
    const field = this.#word(...DYNAMIC_FIELDS);
    const listed = `field="${this.#word(...FIELDS)}" lookup="${this.#word("match_key", "not_match_key", "match_key_value", "address_match_key")}"`;
    return random.pick([
      () => `<${named}${negate}${this.#type("osmatch")}</${named}>`,
      () => `<regex${negate}${this.#type("osregex")}</regex>`,
      () => `<field name="${field}"${negate}${this.#type("osregex")}</field>`,
      () => `<srcip${negate}>${this.#word(...ADDRESSES)}</srcip>`,
      () => `<action${negate}>${this.#word("drop", "login")}</action>`,
      () =>
        `<list ${listed}${this.#maybe(2, () => ` check_value="${this.#word("^v", "x|y")}"`)}>${this.#word(LIST_NAME, `${LIST_NAME}.cdb`)}</list>`,
      () => `<time>${this.#word("9 am - 5:30 pm", "22:00-6:00", "!1-2")}</time>`,
      () => `<weekday>${this.#word("monday,friday", "weekends", "weekdays")}</weekday>`,
      () =>
        `<compiled_rule>${this.#word("check_id_size", "comp_srcuser_dstuser", "is_simple_http_request", "is_valid_crawler")}</compiled_rule>`,
      () => "<if_fts/>",
      () => "<check_diff/>",
    ])();
  }

  #effect(): string {
    return this.#random.pick([
      () =>
        `<options>${this.#word("no_full_log", "no_log", "alert_by_email", "no_email_alert", "log_alert", "no_counter", "no_ar")}</options>`,
      () => `<group>${this.#word(...GROUPS)}</group>`,
      () => `<info type="${this.#word("text", "link", "cve", "osvdb")}">i</info><cve>CVE-2026-1</cve>`,
      () =>
        `<mitre>${this.#word("<id>T1078</id>", "<id>T1</id><id>T2</id>", "<tacticID>TA0001</tacticID><techniqueID>T1078</techniqueID>")}</mitre>`,
      () => `<ignore>${this.#fieldList(2)}</ignore>`,
      () => `<check_if_ignored>${this.#fieldList(2)}</check_if_ignored>`,
    ])();
  }

  #comparison(): string {
    const relation = this.#random.pick(["same", "different", "not_same"]);
    return this.#random.pick([
      `<${relation}_${this.#random.pick(COMPARED)}/>`,
      `<${relation}_field>${this.#word(...FIELDS)}</${relation}_field>`,
      "<global_frequency/>",
    ]);
  }

  /** The end of a start tag and a pattern in the language that it names. */
  #type(usual: PatternKind): string {
    const kind = this.#chance(3) ? this.#random.pick<PatternKind>(["osregex", "pcre2"]) : usual;
    const attribute = kind === usual ? "" : ` type="${this.#word(kind)}"`;
    return `${attribute}>${this.#pattern(kind)}`;
  }

  /** As it stands in XML: `<` is escaped as the reader wants it, `$` names no variable. */
  #pattern(kind: PatternKind): string {
    if (!this.#wild && this.#chance(2)) return this.#random.pick(TAME_PATTERNS);
    const text = patternText(this.#random, kind).replaceAll("<", "\\<");
    return this.#wild ? text : text.replaceAll("\\q", "q");
  }

  #fieldList(count: number): string {
    return Array.from({ length: this.#wild ? 1 + this.#random.below(4) : count }, () =>
      this.#word(...FIELDS),
    ).join(", ");
  }

  /** One of the words, or, of a wild author, anything. */
  #word(...words: readonly string[]): string {
    if (this.#wild && this.#chance(12)) {
      return this.#chance(2) ? oddText(this.#random) : this.#random.pick(WILD_WORDS);
    }
    return this.#random.pick(words);
  }

  #chance(of: number): boolean {
    return this.#random.below(of) === 0;
  }

  #maybe(of: number, make: () => string): string {
    return this.#chance(of) ? make() : "";
  }

  #times<T>(least: number, most: number, make: () => T): T[] {
    return Array.from({ length: least + this.#random.below(most - least + 1) }, make);
  }
}
