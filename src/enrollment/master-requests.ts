/**
 * A worker's enrollments: its master registers the agents. wazuh v4.14.7: src/shared/cluster_utils.c, src/os_auth/main-server.c.
 *
 * How the master is reached is `MasterLine`'s.
 */
import { type Refusal, refusal } from "#formats/wire/enrollment/outcome.ts";
import { CodedError } from "#kernel/errors.ts";
import type { Clock } from "#kernel/ports/clock.ts";
import type { Log } from "#kernel/ports/log.ts";
import {
  type AgentId,
  parseAgentAddress,
  parseAgentId,
  parseAgentKey,
  parseAgentName,
} from "#model/agent.ts";
import type { EnrollmentMaster, MasterAnswer, NewAgent } from "./needs.ts";

/** In the order in which the peer writes it. */
export type MasterRequest = {
  readonly arguments: Readonly<Record<string, string | boolean>>;
  readonly function: "add" | "remove";
};

/** The enrollment service of the master takes a request, as on its local socket. Resolves null when it cannot be reached; never rejects. */
export interface MasterLine {
  ask(request: MasterRequest): Promise<string | null>;
}

/** wazuh v4.14.7: src/shared/cluster_utils.c. */
const ATTEMPTS = 10;
const ATTEMPT_PAUSE_MS = 1000;

export class MasterRequests implements EnrollmentMaster {
  readonly #line: MasterLine;
  readonly #clock: Clock;
  readonly #log: Log;
  #isStopped = false;

  constructor(line: MasterLine, { clock, log }: { readonly clock: Clock; readonly log: Log }) {
    this.#line = line;
    this.#clock = clock;
    this.#log = log;
  }

  /** Who waits for the master hears soon that it cannot be reached. */
  stop(): void {
    this.#isStopped = true;
  }

  async add({ id, name, address, key, keyHash, groups }: NewAgent): Promise<MasterAnswer> {
    const answer = await this.#ask({
      arguments: {
        name,
        ip: address.text,
        ...(groups.length === 0 ? {} : { groups: groups.join(",") }),
        ...(id === null ? {} : { id }),
        ...(key === null ? {} : { key: key.reveal() }),
        ...(keyHash === null ? {} : { key_hash: keyHash }),
      },
      function: "add",
    });
    return answer === null ? { kind: "unreachable" } : readAnswer(answer);
  }

  async remove(id: AgentId): Promise<void> {
    const answer = await this.#ask({ arguments: { id, purge: true }, function: "remove" });
    const { error, message } = answer === null ? {} : members(answer);
    if (error === 0) return;
    const text = typeof message === "string" ? message : "the master cannot be reached";
    throw new CodedError("agent_not_removed", text);
  }

  async #ask(request: MasterRequest): Promise<string | null> {
    for (let attempt = 1; ; attempt++) {
      const answer = await this.#line.ask(request);
      if (answer !== null) return answer;
      if (attempt === ATTEMPTS || this.#isStopped) break;
      await new Promise<void>((resolve) => this.#clock.after(ATTEMPT_PAUSE_MS, resolve));
    }
    const text = `Could not send message through the cluster after '${ATTEMPTS}' attempts.`;
    this.#log.write("error", `${text} Is the master running? The agent can enrol again at any time.`);
    return null;
  }
}

function members(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? { ...value } : {};
  } catch {
    return {};
  }
}

function readAnswer(text: string): MasterAnswer {
  const { error, message, data } = members(text);
  if (typeof error !== "number") return { kind: "invalid" };
  if (error !== 0)
    return { kind: "refused", message: typeof message === "string" ? message : "Internal error" };
  const fields: Readonly<Record<string, unknown>> =
    typeof data === "object" && data !== null ? { ...data } : {};
  const textOf = (name: string) => String(fields[name]);
  const [id, name] = [parseAgentId(textOf("id")), parseAgentName(textOf("name"))];
  const [address, key] = [parseAgentAddress(textOf("ip")), parseAgentKey(textOf("key"))];
  if (id === null || name === null || address === null || key === null) return { kind: "invalid" };
  return { kind: "added", agent: { id, name, address, key } };
}

/** In the peer's words, its slip of the pen included. */
export function masterRefusal(answer: Exclude<MasterAnswer, { kind: "added" }>): Refusal {
  switch (answer.kind) {
    case "refused":
      return refusal("master", `ERROR: ${answer.message}`);
    case "unreachable":
      return refusal("master_unreachable", "ERROR: Cannot comunicate with master");
    case "invalid":
      return refusal("master", "ERROR: Invalid message format");
  }
}
