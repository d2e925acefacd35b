/** A function of the API: its name on the wire, who may ask for it where, what it takes, and what it does. */
import { ClusterException, internalError } from "#formats/wire/cluster/exceptions.ts";
import type { JsonObject } from "#formats/wire/cluster/json-value.ts";
import type { NodeAnswer } from "#formats/wire/cluster/merge-results.ts";
import { CodedError, messageOf } from "#kernel/errors.ts";
import { Arguments } from "./arguments.ts";
import { isPermitted, type Permissions } from "./permissions.ts";

/** Whom a function works for. */
export class Caller {
  readonly #permissions: Permissions;

  constructor(permissions: Permissions) {
    this.#permissions = permissions;
  }

  /** `names`: the resources as which the item is known; none: an action that is about nothing in particular. */
  may(action: string, names: readonly string[] = ["*:*:*"]): boolean {
    return isPermitted(this.#permissions, action, names);
  }
}

type Definition<Taken> = {
  /** `wazuh.agent.get_agents`: module and qualified name in the peer. */
  readonly name: string;
  /** What its caller must be permitted (the peer's RBAC). */
  readonly action: string;
  /** `master`: it is about what only the master knows or may change. */
  readonly place: "anywhere" | "master";
  /** Whether nodes other than the master may have it done elsewhere for their users: see `table.ts`. */
  readonly forNodes: boolean;
  /** May throw `CodedError`; its message is the answer. */
  readonly parse: (values: Arguments) => Taken;
  /** Throws `CodedError` for what could not be done. */
  /** Its answer goes over the wire as the peer's do: a bare value is none there. */
  readonly run: (taken: Taken, caller: Caller) => NodeAnswer | Promise<NodeAnswer>;
};

export type ApiCallable = Omit<Definition<never>, "parse" | "run"> & {
  /** What it will do with these arguments, or why they are none. */
  readonly prepare: (values: JsonObject) => ((caller: Caller) => Promise<NodeAnswer>) | ClusterException;
};

export function apiCallable<Taken>({ parse, run, ...about }: Definition<Taken>): ApiCallable {
  return {
    ...about,
    prepare: (values) => {
      const reader = new Arguments(values);
      let taken: Taken;
      try {
        taken = parse(reader);
      } catch (error) {
        return exceptionOf(error);
      }
      const { unknown } = reader;
      if (unknown !== null) {
        const plainName = about.name.slice(about.name.lastIndexOf(".") + 1);
        return internalError(`${plainName}() got an unexpected keyword argument '${unknown}'`);
      }
      return async (caller) => await run(taken, caller);
    },
  };
}

/** Throws it again unless it is one that a function may end with. */
export function exceptionOf(error: unknown): ClusterException {
  if (error instanceof ApiRefusal) return error.exception;
  if (!(error instanceof CodedError)) throw error;
  if (error.code !== "argument_invalid") return internalError(messageOf(error));
  return new ClusterException({ class: "WazuhError", code: 1307, extraMessage: messageOf(error) });
}

/** The way out of a function for an error that its caller is told as it is. */
export class ApiRefusal extends CodedError {
  readonly exception: ClusterException;

  constructor(exception: ClusterException) {
    super("api_refused", exception.text);
    this.exception = exception;
  }
}
