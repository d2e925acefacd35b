/** What stands in the files of the rule set: rules, decoders, entries of lists. wazuh v4.14.7: framework/wazuh/rule.py, decoder.py, cdb_list.py. */
import { parseListText } from "#formats/cdb-list/list-text.ts";
import { apiError, ItemsAnswer, type Messages } from "../answers.ts";
import { type Arguments, invalid } from "../arguments.ts";
import { type ApiCallable, ApiRefusal, apiCallable, type Caller } from "../callable.ts";
import { checkFields, type ListForm, type ListQuery, pageOfList, readListQuery } from "../listing.ts";
import { REQUIREMENTS } from "../ruleset/rule-items.ts";
import { EVERY_ITEM, formOf, type ItemFilter } from "../ruleset/ruleset-list.ts";
import type { RulesetFile, RulesetWorld } from "../world.ts";

const RULES: Messages = {
  all: "All selected rules were returned",
  some: "Some rules were not returned",
  none: "No rule was returned",
};
const RULE_GROUPS: Messages = {
  all: "All groups in rules were returned",
  some: "Some groups in rules were not returned",
  none: "No groups in rules were returned",
};
const DECODERS: Messages = {
  all: "All selected decoders were returned",
  some: "Some decoders were not returned",
  none: "No decoder was returned",
};
const LISTS: Messages = {
  all: "All specified lists were returned",
  some: "Some lists were not returned",
  none: "No list was returned",
};

export function rulesetItemCallables(world: RulesetWorld): readonly ApiCallable[] {
  return [rules(world), ruleGroups(world), requirement(world), decoders(world), lists(world)];
}

/** Which items are asked for: in which files, which of them, and how they are shown. */
type Wanted = {
  readonly files: FileFilter;
  readonly filter: ItemFilter;
  readonly query: ListQuery;
  readonly valuesOf: string | null;
};
type FileFilter = {
  readonly names: readonly string[] | null;
  readonly directory: string | null;
  readonly status: string;
};

function rules(world: RulesetWorld): ApiCallable {
  return apiCallable({
    name: "wazuh.rule.get_rules",
    action: "rules:read",
    place: "anywhere",
    forNodes: true,
    parse: (values): Wanted => ({
      files: readFileFilter(values),
      filter: {
        ...EVERY_ITEM,
        keys: values.numbers("rule_ids"),
        levels: readLevels(values.text("level")),
        members: readMembers(values),
      },
      query: readListQuery(values),
      valuesOf: null,
    }),
    run: (wanted, caller) => answerItems(world, caller, "rule", wanted, RULES),
  });
}

function ruleGroups(world: RulesetWorld): ApiCallable {
  return apiCallable({
    name: "wazuh.rule.get_groups",
    action: "rules:read",
    place: "anywhere",
    forNodes: true,
    parse: readValuesQuery,
    run: (query, caller) => answerItems(world, caller, "rule", valuesWanted("groups", query), RULE_GROUPS),
  });
}

function requirement(world: RulesetWorld): ApiCallable {
  return apiCallable({
    name: "wazuh.rule.get_requirement",
    action: "rules:read",
    place: "anywhere",
    forNodes: true,
    parse: (values) => ({ name: values.wantedText("requirement"), query: readValuesQuery(values) }),
    run: ({ name, query }, caller) => {
      if (REQUIREMENTS.some((known) => known === name))
        return answerItems(world, caller, "rule", valuesWanted(name, query), { ...RULES, some: "" });
      const answer = new ItemsAnswer({ ...RULES, some: "" }, { field: null, casting: "str" });
      answer.fail(name, apiError(1205, name));
      return answer.answer;
    },
  });
}

function decoders(world: RulesetWorld): ApiCallable {
  return apiCallable({
    name: "wazuh.decoder.get_decoders",
    action: "decoders:read",
    place: "anywhere",
    forNodes: true,
    parse: (values): Wanted => ({
      files: readFileFilter(values),
      filter: { ...EVERY_ITEM, keys: values.texts("names"), parentsOnly: values.flag("parents") },
      query: readListQuery(values),
      valuesOf: null,
    }),
    run: (wanted, caller) => answerItems(world, caller, "decoder", wanted, DECODERS),
  });
}

const LIST_FORM: ListForm = {
  always: ["relative_dirname", "filename"],
  fields: new Set(["filename", "relative_dirname", "items"]),
};

function lists(world: RulesetWorld): ApiCallable {
  return apiCallable({
    name: "wazuh.cdb_list.get_lists",
    action: "lists:read",
    place: "anywhere",
    forNodes: true,
    parse: (values) => ({ files: readFileFilter(values), query: readListQuery(values) }),
    run: ({ files, query }, caller) => {
      const answer = new ItemsAnswer(LISTS, { field: null, casting: "str" });
      const shown = filesFor(world, caller, "list", files).map((file) => ({
        items: listEntries(world, file),
        relative_dirname: file.directory,
        filename: file.name,
      }));
      const page = pageOfList(shown, query, LIST_FORM);
      answer.addPage(page.items, page.total);
      return answer.answer;
    },
  });
}

/** As the engine reads them. */
export function listEntries(
  world: RulesetWorld,
  file: RulesetFile,
): readonly { readonly key: string; readonly value: string }[] {
  const entries = parseListText(world.read(file).toString("utf8"));
  return [...entries].map(([key, value]) => ({ key, value }));
}

/** Codes of the peer: what is not there, and what could not be read. */
const CODES = { rule: { unknown: 1208, unread: 1413 }, decoder: { unknown: 1504, unread: 1501 } } as const;

async function answerItems(
  world: RulesetWorld,
  caller: Caller,
  what: "rule" | "decoder",
  { files, filter, query, valuesOf }: Wanted,
  messages: Messages,
) {
  checkFields(query, formOf({ what, valuesOf }));
  const sources = filesFor(world, caller, what, files);
  const { items, total, unknown, unread } = await world.page({ what, query, filter, valuesOf }, sources);
  const answer = new ItemsAnswer(messages, { field: null, casting: "str" });
  answer.addPage(valuesOf === null ? items : items.map(({ value = null }) => value), total);
  for (const key of unknown) answer.fail(key, apiError(CODES[what].unknown));
  for (const { file, reason } of unread)
    answer.fail(file, apiError(CODES[what].unread, `${file}: ${reason}`));
  return answer.answer;
}

function filesFor(
  world: RulesetWorld,
  caller: Caller,
  what: RulesetFile["kind"],
  { names, directory, status }: FileFilter,
): readonly RulesetFile[] {
  return world
    .list(what)
    .filter(({ name }) => caller.may(`${what}s:read`, [`${what}:file:${name}`]))
    .filter(({ name }) => names === null || names.includes(name))
    .filter((file) => directory === null || file.directory === directory)
    .filter(({ isEnabled }) => status === "all" || (status === "enabled") === isEnabled);
}

function readFileFilter(values: Arguments): FileFilter {
  const status = values.text("status") ?? "all";
  if (!["all", "enabled", "disabled"].includes(status)) throw new ApiRefusal(apiError(1202));
  return { names: values.texts("filename"), directory: values.text("relative_dirname"), status };
}

/** `7` or `3-9`. */
function readLevels(text: string | null): ItemFilter["levels"] {
  if (text === null) return null;
  const [, from, to = from] = /^([0-9]{1,2})(?:-([0-9]{1,2}))?$/.exec(text) ?? [];
  if (from === undefined) throw new ApiRefusal(apiError(1203));
  return [Number(from), Number(to)];
}

function readMembers(values: Arguments): ReadonlyMap<string, string> {
  const members = new Map<string, string>();
  for (const [field, name] of [["groups", "group"], ...REQUIREMENTS.map((each) => [each, each])] as const) {
    const text = values.text(name ?? "");
    if (text !== null && field !== undefined) members.set(field, text);
  }
  return members;
}

/** Values are sorted by themselves: a field to sort by is none of theirs, only the direction counts. */
function readValuesQuery(values: Arguments): ListQuery {
  const { sort, ...query } = readListQuery(values);
  if (query.select !== null || query.where !== null) throw invalid("select");
  return { ...query, sort: sort === null ? null : { ...sort, fields: ["value"] } };
}

function valuesWanted(valuesOf: string, query: ListQuery): Wanted {
  return { files: { names: null, directory: null, status: "all" }, filter: EVERY_ITEM, query, valuesOf };
}
