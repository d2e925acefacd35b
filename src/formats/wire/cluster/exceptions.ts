/** Errors as the nodes of a cluster tell them each other. wazuh v4.14.7: framework/wazuh/core/exception.py, core/cluster/common.py. */
import { isObject, isTextList, type JsonObject, type JsonValue, memberOf, parseJson } from "./json-value.ts";
import { pythonJson } from "./python-json.ts";

/** The classes and their titles on the wire. */
const TITLES = {
  WazuhException: "WazuhException",
  WazuhInternalError: "Wazuh Internal Error",
  WazuhClusterError: "Wazuh Cluster Error",
  WazuhHAPHelperError: "HAProxy Helper Error",
  WazuhError: "Bad Request",
  WazuhPermissionError: "Permission Denied",
  WazuhResourceNotFound: "Resource Not Found",
  WazuhTooManyRequests: "Too Many Requests",
  WazuhNotAcceptable: "Not Acceptable",
} as const;

export type ExceptionClass = keyof typeof TITLES;

/** WazuhError and what derives from it say which items they are about. */
const WITH_IDS: ReadonlySet<ExceptionClass> = new Set([
  "WazuhError",
  "WazuhPermissionError",
  "WazuhResourceNotFound",
  "WazuhTooManyRequests",
  "WazuhNotAcceptable",
]);

const MESSAGES: Readonly<Record<number, string>> = {
  902: "API Endpoint only available on master node",
  1000: "Wazuh Internal Error",
  1006: "File/directory does not exist or there is a problem with the permissions",
  1013: "Unable to connect with socket",
  1014: "Error communicating with socket",
  1112: "Empty files are not supported",
  1113: "XML syntax error",
  1202: "Argument 'status' must be: enabled, disabled or all",
  1203: "Error in argument 'level'",
  1205: "Requirement not valid",
  1208: "The rule does not exist or you do not have permission to see it",
  1209: "Invalid relative directory. A 'rule_dir' tag must be declared in ossec.conf ruleset section.",
  1210: "Uploading, updating or deleting default rules is not allowed.",
  1307: "Invalid parameters",
  1403: "Not a valid sort field",
  1405: "Specified limit exceeds maximum allowed",
  1406: "0 is not a valid limit",
  1407: "Query does not match expected format",
  1408: "Field does not exist",
  1411: "TimeFrame is not valid",
  1413: "Error reading rules file",
  1415: "Rules file not found",
  1501: "Error reading decoders file",
  1503: "Decoders file not found",
  1504: "The decoder does not exist or you do not have permission to see it",
  1650: "Active response - Command not specified",
  1652: "The command used is not defined in the configuration.",
  1701: "Agent does not exist",
  1703: "Action not available for Manager (agent 000)",
  1705: "There is an agent with the same name",
  1706: "There is an agent with the same IP or the IP is invalid",
  1707: "Cannot send request, agent is not active",
  1708: "There is an agent with the same ID",
  1709: "Too short key size",
  1710: "The group does not exist",
  1711: "The group already exists",
  1712: "Default group is not deletable",
  1722: "Incorrect format for group_id",
  1723: "Hash algorithm not available",
  1724: "Not a valid select field",
  1726: "Wazuh authd is not running",
  1728: "Invalid node type",
  1730: "Node does not exist",
  1731: "Agent is not eligible for the action to be performed",
  1734: "Error removing agent from group",
  1737: "Maximum number of groups per multigroup is 128",
  1738: "Agent name is too long",
  1745: "Agent only belongs to 'default' and it cannot be unassigned from this group.",
  1751: "Could not assign agent to group",
  1757: "Error deleting an agent",
  1802: "Lists file not found",
  1905: "File could not be updated, it already exists",
  1906: "File does not exist",
  1907: "File could not be deleted",
  1908: "Error validating configuration",
  3000: "Cluster",
  3001: "Error creating zip file",
  3002: "Error creating PID file",
  3003: "Error during file handling",
  3004: "Error in cluster configuration",
  3005: "Error reading cluster JSON file",
  3006: "Error reading cluster configuration",
  3007: "Client.keys file received in master node",
  3009: "Error executing distributed API request",
  3012: "Cluster is not running",
  3013: "Cluster is not running, it might be disabled in `WAZUH_HOME/etc/ossec.conf`",
  3015: "Cannot access directory",
  3016: "Received an error response",
  3018: "Error sending request",
  3020: "Timeout sending request",
  3021: "Timeout executing API request",
  3022: "Unknown node ID",
  3023: "Worker node is not connected to master",
  3024: "Length of command exceeds limit defined in wazuh.cluster.common.Handler.cmd_len.",
  3025: "Could not decrypt message",
  3026: "Error sending request: Memory error. Request chunk size divided by 2.",
  3027: "Unknown received task name",
  3028: "Worker node ID already exists",
  3029: "Connected worker with same name as the master",
  3030: "Worker does not belong to the same cluster",
  3031: "Worker and master versions are not the same",
  3032: "Could not forward DAPI request. Connection not available.",
  3034: "Error sending file. File not found.",
  3035: "String couldn't be found",
  3036: "JSON couldn't be loaded",
  3037: "Error while processing Agent-info chunks",
  3038: "Error while processing extra-valid files",
  3039: "Timeout while waiting to receive a file",
  3040: "Error while waiting to receive a file",
  3050: "Payload size exceeds maximum allowed limit",
  3051: "Too many concurrent divided messages",
  3052: "Invalid cluster file parameter",
  3053: "Decompressed file exceeds the maximum allowed size",
  3060: "Invalid node name format",
  4000: "Permission denied",
};

export type ExceptionFields = {
  readonly class: ExceptionClass;
  readonly code: number;
  readonly extraMessage?: string | JsonObject | null;
  readonly extraRemediation?: string | null;
  /** The extra message is the whole message. */
  readonly isCommandError?: boolean;
  /** What single nodes said, by their names. */
  readonly dapiErrors?: JsonObject;
  readonly ids?: readonly string[];
};

/** A value, never thrown: what the other node said, or what it is told. */
export class ClusterException {
  readonly class: ExceptionClass;
  readonly code: number;
  readonly extraMessage: string | JsonObject | null;
  readonly extraRemediation: string | null;
  readonly isCommandError: boolean;
  readonly dapiErrors: JsonObject;
  readonly ids: readonly string[];

  constructor(fields: ExceptionFields) {
    this.class = fields.class;
    this.code = fields.code;
    this.extraMessage = fields.extraMessage ?? null;
    this.extraRemediation = fields.extraRemediation ?? null;
    this.isCommandError = fields.isCommandError ?? false;
    this.dapiErrors = fields.dapiErrors ?? {};
    this.ids = fields.ids ?? [];
  }

  /** `Error 3031 - Worker and master versions are not the same`, as the peer prints it. */
  get text(): string {
    return `Error ${this.code} - ${this.#message()}`;
  }

  #message(): string {
    const { extraMessage } = this;
    if (this.isCommandError && typeof extraMessage === "string") return extraMessage;
    const message = MESSAGES[this.code] ?? TITLES[this.class];
    if (extraMessage === null) return message;
    return `${message}: ${typeof extraMessage === "string" ? extraMessage : pythonJson(extraMessage)}`;
  }
}

export function clusterError(code: number, extraMessage: string | null = null): ClusterException {
  return new ClusterException({ class: "WazuhClusterError", code, extraMessage });
}

/** What the peer makes of a failure that it did not foresee. */
export function internalError(extraMessage: string): ClusterException {
  return new ClusterException({ class: "WazuhInternalError", code: 1000, extraMessage });
}

export function exceptionFields(exception: ClusterException): JsonObject {
  return {
    type: "about:blank",
    title: TITLES[exception.class],
    code: exception.code,
    extra_message: exception.extraMessage,
    extra_remediation: exception.extraRemediation,
    cmd_error: exception.isCommandError,
    dapi_errors: exception.dapiErrors,
    ...(WITH_IDS.has(exception.class) ? { ids: exception.ids } : {}),
  };
}

export function exceptionJson(exception: ClusterException): JsonObject {
  return {
    __wazuh_exception__: { __class__: exception.class, __object__: exceptionFields(exception) },
  };
}

const KNOWN_FIELDS: ReadonlySet<string> = new Set([
  "type",
  "title",
  "code",
  "extra_message",
  "extra_remediation",
  "cmd_error",
  "dapi_errors",
  "ids",
]);

function isExceptionClass(name: JsonValue | undefined): name is ExceptionClass {
  return typeof name === "string" && Object.hasOwn(TITLES, name);
}

/** Null unless it is an exception with known fields of the right types and nothing else. `value` has `__class__` and `__object__`. */
export function readException(value: JsonValue | undefined): ClusterException | null {
  if (!isObject(value)) return null;
  const name = memberOf(value, "__class__");
  const fields = memberOf(value, "__object__");
  if (!isExceptionClass(name) || !isObject(fields)) return null;
  if (Object.keys(fields).some((key) => !KNOWN_FIELDS.has(key))) return null;
  const { code, extra_message, extra_remediation, cmd_error, dapi_errors, ids } = fields;
  const extraMessage = extra_message ?? null;
  const extraRemediation = extra_remediation ?? null;
  const isCommandError = cmd_error ?? false;
  const dapiErrors = dapi_errors ?? {};
  const about = ids ?? [];
  if (typeof code !== "number" || !Number.isSafeInteger(code)) return null;
  if (extraMessage !== null && typeof extraMessage !== "string" && !isObject(extraMessage)) return null;
  if (extraRemediation !== null && typeof extraRemediation !== "string") return null;
  if (typeof isCommandError !== "boolean" || !isObject(dapiErrors) || !isTextList(about)) return null;
  return new ClusterException({
    class: name,
    code,
    extraMessage,
    extraRemediation,
    isCommandError,
    dapiErrors,
    ids: about,
  });
}

/** Longer error texts are the sender's mistake; a log line and an answer need no more. */
export const ERROR_BYTES_MAX = 65_536;

/** The payload of an `err` reply: an exception, or any text, which the peer takes as one of code 3000. */
export function readErrorReply(payload: Buffer): ClusterException {
  if (payload.length > ERROR_BYTES_MAX) return clusterError(3016, `${payload.length} bytes`);
  const value = parseJson(payload);
  const exception = isObject(value) ? readException(memberOf(value, "__wazuh_exception__")) : null;
  return exception ?? clusterError(3000, payload.toString("utf8"));
}

export function writeException(exception: ClusterException): Buffer {
  return Buffer.from(pythonJson(exceptionJson(exception)), "latin1");
}
