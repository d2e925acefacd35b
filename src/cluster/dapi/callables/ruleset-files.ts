/** Files of the rule set: rules, decoders, lists. wazuh v4.14.7: framework/wazuh/rule.py, decoder.py, cdb_list.py. */
import { type ClusterObject, PlainResult } from "#formats/wire/cluster/objects.ts";
import { CodedError } from "#kernel/errors.ts";
import { apiError, ItemsAnswer, type Messages } from "../answers.ts";
import { type Arguments, invalid } from "../arguments.ts";
import { type ApiCallable, ApiRefusal, apiCallable, type Caller } from "../callable.ts";
import { type ListForm, pageOfList, readListQuery } from "../listing.ts";
import type { RulesetFile, RulesetWorld } from "../world.ts";
import { listEntries } from "./ruleset-items.ts";

type Kind = {
  readonly what: RulesetFile["kind"];
  /** Of permissions: `rules:read` on `rule:file:local.xml`. */
  readonly actions: string;
  readonly resource: string;
  readonly name: RegExp;
  readonly functions: Readonly<Record<"list" | "get" | "upload" | "remove", string>>;
  readonly messages: Readonly<Record<"list" | "get" | "upload" | "remove", Messages>>;
};

const XML_NAME = /^[\w-]{1,100}\.xml$/;
const LIST_NAME = /^[\w-]{1,100}$/;
/** A step of a folder's path; no dots, so none of them leads up. */
const DIRECTORY = /^[\w-]+(?:\/[\w-]+){0,8}$/;
/** `max_upload_size` of the API. */
const CONTENT_BYTES_MAX = 10 * 1024 * 1024;
const FORM: ListForm = { always: ["filename"], fields: new Set(["filename", "relative_dirname", "status"]) };

function xmlKind(what: "rule" | "decoder"): Kind {
  const title = what === "rule" ? "Rule" : "Decoder";
  const one = (all: string, none: string): Messages => ({ all, some: "", none });
  return {
    what,
    actions: `${what}s`,
    resource: `${what}:file`,
    name: XML_NAME,
    functions: {
      list: `wazuh.${what}.get_${what}s_files`,
      get: `wazuh.${what}.get_${what}_file`,
      upload: `wazuh.${what}.upload_${what}_file`,
      remove: `wazuh.${what}.delete_${what}_file`,
    },
    messages: {
      list: {
        all: `All ${what} files were returned`,
        some: `Some ${what} files were not returned`,
        none: `No ${what} files were returned`,
      },
      get: one(`Selected ${what} was returned`, `No ${what} was returned`),
      upload: one(`${title} was successfully uploaded`, `Could not upload ${what}`),
      remove: one(`${title} file was successfully deleted`, `Could not delete ${what} file`),
    },
  };
}

const LISTS: Kind = {
  what: "list",
  actions: "lists",
  resource: "list:file",
  name: LIST_NAME,
  functions: {
    list: "wazuh.cdb_list.get_path_lists",
    get: "wazuh.cdb_list.get_list_file",
    upload: "wazuh.cdb_list.upload_list_file",
    remove: "wazuh.cdb_list.delete_list_file",
  },
  messages: {
    list: {
      all: "All specified paths were returned",
      some: "Some paths were not returned",
      none: "No path was returned",
    },
    get: { all: "CDB list was returned", some: "", none: "No list was returned" },
    upload: { all: "CDB list file uploaded successfully", some: "", none: "Could not upload CDB list file" },
    remove: {
      all: "CDB list file was successfully deleted",
      some: "",
      none: "Could not delete CDB list file",
    },
  },
};

export function rulesetFileCallables(world: RulesetWorld): readonly ApiCallable[] {
  return [xmlKind("rule"), xmlKind("decoder"), LISTS].flatMap((kind) => [
    list(world, kind),
    content(world, kind),
    upload(world, kind),
    removal(world, kind),
  ]);
}

function may(kind: Kind, verb: "read" | "delete", caller: Caller, name: string): boolean {
  return caller.may(`${kind.actions}:${verb}`, [`${kind.resource}:${name}`]);
}

function fileName(kind: Kind, values: Arguments): string {
  const [name, ...others] = values.texts("filename") ?? [];
  if (name === undefined || others.length > 0 || !kind.name.test(name)) throw invalid("filename");
  return name;
}

/** Null: the usual one. */
function directoryOf(values: Arguments): string | null {
  const directory = values.text("relative_dirname");
  if (directory === null || DIRECTORY.test(directory)) return directory;
  throw invalid("relative_dirname");
}

/** Those of this name that the caller may see; in `directory` when there is one. */
function found(
  world: RulesetWorld,
  kind: Kind,
  name: string,
  directory: string | null,
): readonly RulesetFile[] {
  const files = world.list(kind.what).filter((file) => file.name === name);
  return directory === null ? files : files.filter((file) => file.directory === directory);
}

function list(world: RulesetWorld, kind: Kind): ApiCallable {
  return apiCallable({
    name: kind.functions.list,
    action: `${kind.actions}:read`,
    place: "anywhere",
    forNodes: true,
    parse: (values) => ({
      directory: directoryOf(values),
      names: values.texts("filename"),
      status: values.text("status") ?? "all",
      query: readListQuery(values),
    }),
    run: ({ directory, names, status, query }, caller) => {
      const answer = new ItemsAnswer(kind.messages.list, { field: "filename", casting: "str" });
      const items = world
        .list(kind.what)
        .filter(({ name }) => may(kind, "read", caller, name) && (names === null || names.includes(name)))
        .filter((file) => directory === null || file.directory === directory)
        .map((file) => {
          const place = { filename: file.name, relative_dirname: file.directory };
          return kind.what === "list" ? place : { ...place, status: file.isEnabled ? "enabled" : "disabled" };
        })
        .filter((item) => status === "all" || !("status" in item) || item.status === status);
      const page = pageOfList(items, query, FORM);
      answer.addPage(page.items, page.total);
      return answer.answer;
    },
  });
}

/** Codes of the peer for a file that is not there, and for one that is no XML. */
const MISSING: Readonly<Record<RulesetFile["kind"], number>> = { rule: 1415, decoder: 1503, list: 1802 };
const UNREADABLE = { rule: 1413, decoder: 1501 } as const;

function content(world: RulesetWorld, kind: Kind): ApiCallable {
  return apiCallable({
    name: kind.functions.get,
    action: `${kind.actions}:read`,
    place: "anywhere",
    forNodes: true,
    parse: (values) => ({
      raw: values.flag("raw"),
      name: fileName(kind, values),
      directory: directoryOf(values),
    }),
    run: async ({ raw, name, directory }, caller) => {
      if (!may(kind, "read", caller, name)) throw forbidden(kind);
      const [file] = found(world, kind, name, directory);
      if (raw && file !== undefined) return new PlainResult({ message: world.read(file).toString("utf8") });
      const answer = new ItemsAnswer(kind.messages.get, { field: null, casting: "str" });
      if (file === undefined)
        answer.fail(name, apiError(MISSING[kind.what], kind.what === "list" ? null : name));
      else if (kind.what === "list") answer.add(entriesOf(world, file));
      else {
        const reading = await world.parsed(file);
        if (reading.kind === "read") answer.add(reading.object);
        else answer.fail(name, apiError(UNREADABLE[kind.what], `${name}: ${reading.reason}`));
      }
      return answer.answer;
    },
  });
}

function entriesOf(world: RulesetWorld, file: RulesetFile): ClusterObject {
  return Object.fromEntries(listEntries(world, file).map(({ key, value }) => [key, value]));
}

function upload(world: RulesetWorld, kind: Kind): ApiCallable {
  return apiCallable({
    name: kind.functions.upload,
    action: `${kind.actions}:update`,
    place: "master",
    forNodes: false,
    parse: (values) => {
      const bytes = Buffer.from(values.wantedText("content"), "utf8");
      if (bytes.length > CONTENT_BYTES_MAX) throw invalid("content");
      return {
        name: fileName(kind, values),
        directory: directoryOf(values),
        overwrite: values.flag("overwrite"),
        bytes,
      };
    },
    run: async ({ name, directory, overwrite, bytes }, caller) => {
      if (!caller.may(`${kind.actions}:update`)) throw forbidden(kind);
      if (bytes.length === 0) throw new ApiRefusal(apiError(1112));
      const target = world.place(kind.what, name, directory);
      if (target === null) throw new ApiRefusal(apiError(1209));
      const isThere = found(world, kind, name, target.directory).length > 0;
      if (isThere && !overwrite) throw new ApiRefusal(apiError(1905));
      if (isThere && !may(kind, "delete", caller, name)) throw forbidden(kind);
      const problem = await world.replace(target, bytes);
      if (problem !== null) throw new ApiRefusal(apiError(1113, problem));
      return said(kind.messages.upload, `${target.directory}/${name}`);
    },
  });
}

function removal(world: RulesetWorld, kind: Kind): ApiCallable {
  return apiCallable({
    name: kind.functions.remove,
    action: `${kind.actions}:delete`,
    place: "master",
    forNodes: false,
    parse: (values) => ({ name: fileName(kind, values), directory: directoryOf(values) }),
    run: ({ name, directory }, caller) => {
      if (!may(kind, "delete", caller, name)) throw forbidden(kind);
      const target = world.place(kind.what, name, directory);
      if (target === null) throw new ApiRefusal(apiError(1210));
      if (found(world, kind, name, target.directory).length === 0) throw new ApiRefusal(apiError(1906));
      try {
        world.remove(target);
      } catch (error) {
        if (error instanceof CodedError) throw new ApiRefusal(apiError(1907, error.message));
        throw error;
      }
      return said(kind.messages.remove, `${target.directory}/${name}`);
    },
  });
}

function said(messages: Messages, path: string) {
  const answer = new ItemsAnswer(messages, { field: null, casting: "str" });
  answer.add(path);
  return answer.answer;
}

function forbidden(kind: Kind): ApiRefusal {
  return new ApiRefusal(apiError(4000, `Resource type: ${kind.resource}`));
}
