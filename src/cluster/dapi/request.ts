/** A request of the distributed API: which function, with what, and where it is to run. wazuh v4.14.7: framework/wazuh/core/cluster/dapi/dapi.py. */
import {
  isObject,
  isTextList,
  JSON_VALUES_MAX,
  type JsonObject,
  type JsonValue,
  memberOf,
  parseJson,
} from "#formats/wire/cluster/json-value.ts";
import { Callable, readObjects, writeObjects } from "#formats/wire/cluster/objects.ts";
import { pythonJson } from "#formats/wire/cluster/python-json.ts";
import { COMPLETE_SECONDS_MAX, REQUEST_BYTES_MAX, RUN_SECONDS } from "./limits.ts";
import { type Permissions, readPermissions } from "./permissions.ts";

/** `local_any`: where it was asked; `local_master`: on the master; `distributed_master`: on the nodes that it is about. */
const TYPES = ["local_any", "local_master", "distributed_master"] as const;
export type RequestType = (typeof TYPES)[number];

export type ApiRequest = {
  /** `wazuh.agent.get_agents`. */
  readonly name: string;
  readonly callable: Callable;
  /** Plain data. */
  readonly arguments: JsonObject;
  readonly type: RequestType;
  /** The master has sent it here to be run. */
  readonly isForwarded: boolean;
  readonly isBroadcast: boolean;
  /** What it may take; null: as long as it needs. */
  readonly seconds: number | null;
  readonly permissions: Permissions;
  /** All that was sent, for who forwards it. */
  readonly members: JsonObject;
};

export type RequestRefusal = { readonly code: "request_refused"; readonly text: string };

export function readApiRequest(bytes: Buffer, valuesMax = JSON_VALUES_MAX): ApiRequest | RequestRefusal {
  if (bytes.length > REQUEST_BYTES_MAX) return refusal(`${bytes.length} bytes are too many for a request`);
  const members = parseJson(bytes, valuesMax);
  if (!isObject(members)) return refusal("The request is no JSON object");
  const f = memberOf(members, "f");
  const callable = f === undefined ? undefined : readObjects(f);
  if (!(callable instanceof Callable)) return refusal("The request names no function");
  const values = memberOf(members, "f_kwargs") ?? {};
  // What is marked means something to Python; functions here take data.
  if (!isObject(values) || !isPlain(values)) return refusal("The arguments are no plain data");
  const type = memberOf(members, "request_type") ?? "local_master";
  const permissions = readPermissions(memberOf(members, "rbac_permissions") ?? {});
  const seconds = memberOf(members, "api_timeout") ?? RUN_SECONDS;
  if (!isType(type)) return refusal("The type of the request is unknown");
  if (permissions === null) return refusal("The permissions are none");
  if (typeof seconds !== "number" || !(seconds > 0)) return refusal("The time of the request is none");
  return {
    name: `${callable.module}.${callable.qualifiedName}`,
    callable,
    arguments: values,
    type,
    isForwarded: memberOf(members, "from_cluster") === true,
    isBroadcast: memberOf(members, "broadcasting") === true,
    seconds:
      memberOf(members, "wait_for_complete") === true
        ? null
        : Math.min(Math.max(seconds, RUN_SECONDS), COMPLETE_SECONDS_MAX),
    permissions,
    members,
  };
}

function isType(value: JsonValue): value is RequestType {
  return TYPES.some((type) => type === value);
}

function isPlain(value: JsonValue): boolean {
  if (Array.isArray(value)) return value.every(isPlain);
  if (!isObject(value)) return true;
  return Object.entries(value).every(([key, member]) => !key.startsWith("__") && isPlain(member));
}

function refusal(text: string): RequestRefusal {
  return { code: "request_refused", text };
}

/** The request for a node that shall run it, with arguments of its own. */
export function forwardedRequest({ members }: ApiRequest, values: JsonObject): Buffer {
  return Buffer.from(pythonJson({ ...members, f_kwargs: values, from_cluster: true }), "latin1");
}

export type NewRequest = {
  readonly module: string;
  readonly function: string;
  readonly arguments: JsonObject;
  readonly type: RequestType;
  readonly nodes?: readonly string[];
};

/** A request of this program's own, on behalf of nobody: whoever may use the local socket. */
export function newRequest({
  module,
  function: name,
  arguments: values,
  type,
  nodes = [],
}: NewRequest): Buffer {
  const plainName = name.slice(name.lastIndexOf(".") + 1);
  const callable = new Callable({ module, qualifiedName: name, name: plainName });
  return Buffer.from(
    pythonJson({
      f: writeObjects(callable),
      f_kwargs: values,
      request_type: type,
      wait_for_complete: true,
      from_cluster: false,
      rbac_permissions: { rbac_mode: "black" },
      broadcasting: false,
      nodes,
    }),
    "latin1",
  );
}

/** `agent_id`, `agent_list`, `node_id` and `node_list`: one name or several; null when there is none, or all are meant (`*`). */
export function namesOf(values: JsonObject, one: string, several: string): readonly string[] | "all" | null {
  const value = memberOf(values, several) ?? memberOf(values, one) ?? null;
  if (value === null) return null;
  if (value === "*") return "all";
  if (typeof value === "string") return [value];
  if (!isTextList(value)) return null;
  return value.includes("*") ? "all" : value;
}
