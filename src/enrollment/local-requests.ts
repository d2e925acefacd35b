/**
 * Requests of this host's programs and of a cluster's workers: `{"function":"add"|"remove"|"get","arguments":{…}}`; and `getconfig auth`.
 * wazuh v4.14.7: src/os_auth/local-server.c, authcom.c.
 *
 * Whoever may ask here may register and remove any agent and read its key: the mode of the socket and the cluster's key decide.
 */
import type { ForceSettings } from "#formats/wire/enrollment/duplicates.ts";
import { parseGroupList } from "#formats/wire/enrollment/groups.ts";
import type { Refusal, RefusalCode } from "#formats/wire/enrollment/outcome.ts";
import type { EnrolledAgent } from "#formats/wire/enrollment/reply.ts";
import { CodedError } from "#kernel/errors.ts";
import type { Log } from "#kernel/ports/log.ts";
import {
  type AgentId,
  parseAgentAddress,
  parseAgentId,
  parseAgentKey,
  parseAgentName,
} from "#model/agent.ts";
import type { EnrollmentConfig } from "./config.ts";
import type { Enroller } from "./enroller.ts";
import type { EnrollmentRegistry } from "./needs.ts";

/** The peer's texts by their codes. */
const ERRORS = {
  9001: "Internal error",
  9002: "Parsing JSON input",
  9003: "No such function",
  9004: "No such argument",
  9005: "No such name",
  9006: "No such IP",
  9007: "Duplicate IP",
  9008: "Duplicate name",
  9009: "Issue generating key",
  9010: "No such agent ID",
  9011: "Agent ID not found",
  9012: "Duplicate ID",
  9014: "Invalid Group(s) Name(s)",
  9015: "Cannot execute this request on a worker node",
} as const;
type ErrorCode = keyof typeof ERRORS;

const CODES: Partial<Record<RefusalCode, ErrorCode>> = {
  group: 9014,
  group_field: 9014,
  duplicate_id: 9012,
  duplicate_address: 9007,
  duplicate_name: 9008,
  name: 9008,
};

/** A request names one agent. */
const REQUEST_BYTES_MAX = 65_536;

type Members = Readonly<Record<string, unknown>>;
type Answer = { readonly error: 0; readonly data: unknown } | ErrorCode;

export type LocalRequestNeeds = {
  readonly enroller: Pick<Enroller, "add" | "remove">;
  readonly registry: Pick<EnrollmentRegistry, "keys">;
  readonly log: Log;
  readonly config: EnrollmentConfig;
  /** A worker registers nobody itself. */
  readonly isWorker: boolean;
};

const JSON_START = 0x7b;
/** Programs in C send the end of their text too. */
const NUL = 0;

export class LocalRequests {
  readonly #needs: LocalRequestNeeds;

  constructor(needs: LocalRequestNeeds) {
    this.#needs = needs;
  }

  /** Never rejects. */
  async answer(bytes: Buffer): Promise<Buffer> {
    const request = bytes.at(-1) === NUL ? bytes.subarray(0, -1) : bytes;
    if (request[0] !== JSON_START) return Buffer.from(this.#command(request.toString("latin1")));
    const answer = await this.#answerOf(request);
    if (typeof answer !== "number") return Buffer.from(JSON.stringify(answer));
    const message = ERRORS[answer];
    this.#needs.log.write("error", `ERROR ${answer}: ${message}.`);
    return Buffer.from(JSON.stringify({ error: answer, message }));
  }

  #command(text: string): string {
    const [command, section] = text.split(" ");
    if (command !== "getconfig") return "err Unrecognized command";
    if (section !== "auth") return "err Could not get requested section";
    return `ok ${JSON.stringify({ auth: authSection(this.#needs.config) })}`;
  }

  async #answerOf(request: Buffer): Promise<Answer> {
    const parsed = request.length > REQUEST_BYTES_MAX ? null : parseMembers(request);
    if (parsed === null) return 9002;
    const { function: name } = parsed;
    const values = membersOf(parsed["arguments"]);
    if (name !== "add" && name !== "remove" && name !== "get") return 9003;
    if (values === null) return 9004;
    if (this.#needs.isWorker) return 9015;
    try {
      if (name === "add") return await this.#add(values);
      const id = idOf(values);
      if (typeof id === "number") return id;
      return name === "get" ? this.#get(id) : await this.#remove(id, values["purge"] === true);
    } catch (error) {
      if (!(error instanceof CodedError)) throw error;
      this.#needs.log.write("error", `Unable to do '${name}': ${error.message}`);
      return error.code === "agent_id_taken" ? 9012 : 9001;
    }
  }

  async #add(values: Members): Promise<Answer> {
    const { id: idText, key: keyText, key_hash: keyHash = null, groups: groupsText = "" } = values;
    const name = parseAgentName(textOf(values["name"]));
    const address = parseAgentAddress(textOf(values["ip"]));
    const groups = groupsText === "" ? [] : groupNames(textOf(groupsText));
    const force = values["force"] === undefined ? null : forceOf(membersOf(values["force"]) ?? {});
    const id = idText === undefined ? null : parseAgentId(textOf(idText));
    const key = keyText === undefined ? null : parseAgentKey(textOf(keyText));
    if (groups === null) return 9014;
    if (idText !== undefined && id === null) return 9010;
    // That of the manager itself.
    if (id !== null && Number(id) === 0) return 9012;
    if (address === null) return 9006;
    if (name === null) return 9005;
    if (keyText !== undefined && key === null) return 9009;
    if (force === "invalid" || (keyHash !== null && typeof keyHash !== "string")) return 9004;
    const outcome = await this.#needs.enroller.add({ id, name, address, key, keyHash, groups }, force);
    if (!outcome.ok) return this.#refused(outcome);
    this.#needs.log.write("info", `Agent key generated for agent '${name}' (requested locally)`);
    return { error: 0, data: shown(outcome.entry) };
  }

  #refused({ code, logs }: Refusal): ErrorCode {
    for (const { level, text } of logs) this.#needs.log.write(level, text);
    return CODES[code] ?? 9001;
  }

  #get(id: AgentId): Answer {
    const entry = this.#needs.registry.keys.byId(id);
    return entry === null ? 9011 : { error: 0, data: shown(entry) };
  }

  async #remove(id: AgentId, purge: boolean): Promise<Answer> {
    const { enroller, log, registry } = this.#needs;
    const entry = registry.keys.byId(id);
    if (entry === null || !(await enroller.remove(id, { purge }))) return 9011;
    log.write("info", `Agent '${id}' (${entry.name}) deleted (requested locally)`);
    return { error: 0, data: "Agent deleted successfully." };
  }
}

/** Holds the key in clear: for the socket's owner and the cluster only. */
function shown({ id, name, address, key }: EnrolledAgent) {
  return { id, name, ip: address.text, key: key.reveal() };
}

function parseMembers(bytes: Buffer): Members | null {
  try {
    return membersOf(JSON.parse(bytes.toString("utf8")));
  } catch {
    return null;
  }
}

function membersOf(value: unknown): Members | null {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? { ...value } : null;
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function idOf({ id }: Members): AgentId | ErrorCode {
  return parseAgentId(textOf(id)) ?? 9010;
}

function groupNames(list: string): readonly string[] | null {
  const parsed = parseGroupList(list);
  return parsed.ok ? parsed.groups : null;
}

/** All of it must be there. */
function forceOf(values: Members): ForceSettings | "invalid" {
  const disconnected = membersOf(values["disconnected_time"]) ?? {};
  const { enabled, key_mismatch: keyMismatch, after_registration_time: after } = values;
  const seconds = secondsOf(disconnected["value"]);
  const afterRegistrationSeconds = secondsOf(after);
  if (typeof enabled !== "boolean" || typeof keyMismatch !== "boolean") return "invalid";
  if (typeof disconnected["enabled"] !== "boolean") return "invalid";
  if (seconds === null || afterRegistrationSeconds === null) return "invalid";
  return {
    enabled,
    keyMismatch,
    disconnectedTime: { enabled: disconnected["enabled"], seconds },
    afterRegistrationSeconds,
  };
}

const UNIT_SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 };

/** A number of seconds, or `1h`. */
function secondsOf(value: unknown): number | null {
  const [, digits, unit = "s"] = /^([0-9]{1,10})([smhdw]?)$/.exec(String(value)) ?? [];
  return digits === undefined ? null : Number(digits) * (UNIT_SECONDS[unit === "" ? "s" : unit] ?? 1);
}

/** As the peer shows it. */
function authSection(config: EnrollmentConfig): Members {
  const yesOrNo = (value: boolean) => (value ? "yes" : "no");
  const { force, clientAuthorityPath } = config;
  return {
    port: config.port,
    disabled: "no",
    remote_enrollment: yesOrNo(config.remoteEnrollment),
    ipv6: yesOrNo(config.host.includes(":")),
    use_source_ip: yesOrNo(config.useSourceIp),
    force: {
      enabled: yesOrNo(force.enabled),
      key_mismatch: yesOrNo(force.keyMismatch),
      disconnected_time: {
        enabled: yesOrNo(force.disconnectedTime.enabled),
        value: force.disconnectedTime.seconds,
      },
      after_registration_time: force.afterRegistrationSeconds,
    },
    purge: yesOrNo(config.purge),
    use_password: yesOrNo(config.usePassword),
    ciphers: config.ciphers,
    ...(clientAuthorityPath === null ? {} : { ssl_agent_ca: clientAuthorityPath }),
    ssl_verify_host: yesOrNo(config.verifiesHost),
    ssl_manager_cert: config.certificatePath,
    ssl_manager_key: config.keyPath,
    ssl_auto_negotiate: yesOrNo(config.oldTlsVersions),
    agents: { allow_higher_versions: yesOrNo(config.allowHigherVersions) },
  };
}
