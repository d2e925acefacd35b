/** The functions of the rule set over files in memory. */
import assert from "node:assert/strict";
import { dirname } from "node:path";
import { ClusterException } from "#formats/wire/cluster/exceptions.ts";
import type { JsonObject } from "#formats/wire/cluster/json-value.ts";
import { AffectedItems } from "#formats/wire/cluster/objects.ts";
import { FakeFiles } from "#testing/files.ts";
import { Caller, exceptionOf } from "../callable.ts";
import { EVERYTHING, type Permissions } from "../permissions.ts";
import { listRuleset } from "../ruleset/ruleset-list.ts";
import { readXmlFile } from "../ruleset/xml-value.ts";
import { callableTable } from "../table.ts";
import type { RulesetFile, RulesetWorld } from "../world.ts";
import { rulesetFileCallables } from "./ruleset-files.ts";
import { rulesetItemCallables } from "./ruleset-items.ts";

/** `etc/rules/local.xml`: a rule's, as its folder says. */
export function toyRuleset(texts: Readonly<Record<string, string>>) {
  const held = new Map(Object.entries(texts));
  const pathOf = ({ directory, name }: Pick<RulesetFile, "directory" | "name">) => `${directory}/${name}`;
  const memory = () => {
    const files = new FakeFiles();
    for (const [path, text] of held) files.write(`/${path}`, text);
    return files;
  };
  const world: RulesetWorld = {
    list: (kind) =>
      [...held.keys()].flatMap((path) => {
        const directory = dirname(path);
        const name = path.slice(directory.length + 1);
        return directory.includes(`${kind}s`) ? [{ kind, directory, name, isEnabled: true }] : [];
      }),
    read: (file) => Buffer.from(held.get(pathOf(file)) ?? ""),
    parsed: async (file) => readXmlFile(memory(), `/${pathOf(file)}`),
    page: async (listing, files) =>
      listRuleset(memory(), {
        ...listing,
        sources: files.map((file) => ({ ...file, path: `/${pathOf(file)}` })),
      }),
    place: (kind, name, directory) =>
      directory === null || directory === `etc/${kind}s`
        ? { kind, name, directory: `etc/${kind}s`, isEnabled: true }
        : null,
    replace: async (file, bytes) => {
      if (bytes.toString().includes("bad")) return "line 1";
      held.set(pathOf(file), bytes.toString());
      return null;
    },
    remove: (file) => void held.delete(pathOf(file)),
  };
  const table = callableTable([...rulesetFileCallables(world), ...rulesetItemCallables(world)]);
  const answerOf = async (name: string, values: JsonObject, permissions: Permissions = EVERYTHING) => {
    const prepared = table.get(name)?.prepare(values);
    assert(prepared !== undefined, name);
    return prepared instanceof ClusterException
      ? prepared
      : await prepared(new Caller(permissions)).catch(exceptionOf);
  };
  /** The items, else the codes of what failed, or the code of the refusal. */
  const call = async (...asked: Parameters<typeof answerOf>) => {
    const answer = await answerOf(...asked);
    if (answer instanceof ClusterException) return answer.code;
    if (!(answer instanceof AffectedItems)) return answer;
    const { affectedItems, failedItems } = answer.fields;
    return failedItems.length > 0 ? failedItems.map(({ error }) => String(error.code)) : affectedItems;
  };
  return { held, table, call, answerOf };
}
