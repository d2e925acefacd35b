/** A small rule set from XML in memory and an engine on it, for the tests of this folder. Locations and messages are latin1 strings. */
import assert from "node:assert/strict";
import { LocalClock } from "#kernel/local-time.ts";
import type { RawEvent } from "#model/event-block.ts";
import { FakeFiles } from "#testing/files.ts";
import { eventDocument, type ManagerIdentity, type Verdict } from "./alert/document.ts";
import {
  CompiledRuleset,
  Engine,
  type EngineOptions,
  type Outcome,
  type RulesetAdditions,
} from "./engine.ts";
import type { Event } from "./event.ts";
import type { AlertLevels } from "./match/compile-rules.ts";
import { STATIC_FIELDS } from "./plugins/sink.ts";
import type { ResponseSettings } from "./response/settings.ts";
import { loadRuleset } from "./ruleset/ruleset.ts";

const CATEGORIES = ["syslog", "firewall", "ids", "web-log", "squid", "windows", "ossec"];

/** The rules that stand for the categories, as every rule set begins; they alert for nothing themselves. */
const TEMPLATES = CATEGORIES.map(
  (category, index) =>
    `<rule id="${index + 1}" level="0" noalert="1"><category>${category}</category><description>${category}</description></rule>`,
).join("\n");

export const JSON_DECODER =
  '<decoder name="json"><prematch>^{\\s*"</prematch><plugin_decoder>JSON_Decoder</plugin_decoder></decoder>';

export const START_MS = Date.UTC(2026, 10, 21, 6, 44, 10, 115);

export type RulesetTexts = {
  readonly decoders?: string;
  /** Inside `<group name="local,">`. */
  readonly rules?: string;
  /** Whole groups, behind the others. */
  readonly groups?: string;
  /** By name: `etc/lists/<name>`. */
  readonly lists?: Readonly<Record<string, string>>;
  readonly levels?: AlertLevels;
  readonly responses?: ResponseSettings;
  /** Instead of `responses` and `places`. */
  readonly additions?: RulesetAdditions;
  /** Of addresses, by their texts. */
  readonly places?: Readonly<Record<string, string>>;
};

const NO_DECODERS = '<decoder name="unused"><prematch>^unused decoder$</prematch></decoder>';

export function compileRuleset(texts: RulesetTexts): CompiledRuleset {
  const files = new FakeFiles();
  const lists = Object.entries(texts.lists ?? {}).map(([name, text]) => {
    files.write(`/lists/${name}`, text);
    return { name: `etc/lists/${name}`, path: `/lists/${name}` };
  });
  const own = texts.rules === undefined ? "" : `<group name="local,">${texts.rules}</group>`;
  files.write("/decoders.xml", texts.decoders ?? NO_DECODERS);
  files.write("/rules.xml", `<group name="templates,">${TEMPLATES}</group>\n${own}\n${texts.groups ?? ""}`);
  const { ruleset, problems } = loadRuleset(files, {
    decoders: [{ name: "decoders.xml", path: "/decoders.xml" }],
    rules: [{ name: "rules.xml", path: "/rules.xml" }],
    lists,
  });
  assert.deepEqual(problems, []);
  assert(ruleset !== null);
  const levels = texts.levels ?? { log: 3, mail: 12 };
  const { places = {} } = texts;
  if (texts.additions !== undefined) return new CompiledRuleset(ruleset, levels, texts.additions);
  return new CompiledRuleset(ruleset, levels, {
    ...(texts.responses === undefined ? {} : { responses: texts.responses }),
    places: (address) => places[address] ?? null,
  });
}

export type Analysed = Extract<Outcome, { kind: "analysed" }>;

const IDENTITY: ManagerIdentity = { hostname: "manager.example.org", cluster: null };

export type DocumentChanges = {
  readonly identity?: ManagerIdentity;
  readonly alwaysFullLog?: boolean;
  readonly showLevelZero?: boolean;
};

export function documentOf(event: Event, verdict: Verdict | null, changes: DocumentChanges = {}): string {
  return eventDocument(event, verdict, {
    identity: changes.identity ?? IDENTITY,
    clock: new LocalClock(),
    alwaysFullLog: changes.alwaysFullLog ?? false,
    showLevelZero: changes.showLevelZero ?? false,
  });
}

/** An engine with a clock of its own that stands still until a test moves it. */
export class EngineFixture {
  readonly set: CompiledRuleset;
  readonly engine: Engine;
  nowMs = START_MS;
  #position = 36;

  constructor(texts: RulesetTexts | CompiledRuleset, options: Partial<EngineOptions> = {}) {
    this.set = texts instanceof CompiledRuleset ? texts : compileRuleset(texts);
    this.engine = new Engine(this.set, { hostname: IDENTITY.hostname, mode: "live", ...options });
  }

  raw(message: string, changes: Partial<RawEvent> = {}): RawEvent {
    const position = this.#position;
    this.#position += 19 + message.length;
    const place = { queue: "1", agentId: "000", location: "/var/log/test.log" };
    return { position, receivedMs: this.nowMs, ...place, message, ...changes };
  }

  process(message: string, changes: Partial<RawEvent> = {}): Analysed {
    const outcome = this.engine.process(this.raw(message, changes));
    assert(outcome.kind === "analysed", JSON.stringify(outcome));
    return outcome;
  }

  /** The number of the rule that the event ended at; null for none. */
  rule(message: string, changes: Partial<RawEvent> = {}): number | null {
    return this.process(message, changes).verdict?.rule.id ?? null;
  }

  /** The rule when it alerted. */
  alert(message: string, changes: Partial<RawEvent> = {}): number | null {
    const { verdict, alert } = this.process(message, changes);
    return alert ? (verdict?.rule.id ?? null) : null;
  }

  /** What the decoders found: static fields by name and dynamic ones in order. */
  fields(message: string, changes: Partial<RawEvent> = {}): DecodedFields {
    const { event } = this.process(message, changes);
    return fieldsOf(event);
  }
}

export type DecodedFields = {
  readonly decoder: string;
  readonly statics: Readonly<Record<string, string>>;
  readonly dynamics: readonly (readonly [name: string, value: string])[];
};

export function fieldsOf(event: Event): DecodedFields {
  const statics: Record<string, string> = {};
  for (const [index, name] of STATIC_FIELDS.entries()) {
    const value = event.statics[index];
    if (value !== undefined) statics[name] = value;
  }
  const dynamics = event.dynamicNames.map((name, index) => [name, event.dynamicValues[index] ?? ""] as const);
  return { decoder: event.decoder.shownName, statics, dynamics };
}
