/**
 * The functions that can be asked for, by module and qualified name: an allow-list. Nothing is ever looked up anywhere else.
 *
 * A node is a limited principal: for its users it may have done elsewhere what has `forNodes`. What runs commands, restarts nodes or
 * changes what all nodes load is left to those who may use the master's own socket.
 */
import assert from "node:assert/strict";
import { ClusterException } from "#formats/wire/cluster/exceptions.ts";
import type { Callable } from "#formats/wire/cluster/objects.ts";
import type { ApiCallable } from "./callable.ts";

const PACKAGES: ReadonlySet<string> = new Set(["wazuh", "api"]);

export type CallableTable = ReadonlyMap<string, ApiCallable>;

export function callableTable(callables: readonly ApiCallable[]): CallableTable {
  const table = new Map(callables.map((callable) => [callable.name, callable]));
  assert(table.size === callables.length, "each name stands for one function");
  return table;
}

/** In the peer's words. */
export function notExposed({ module, name }: Callable): ClusterException {
  const text = PACKAGES.has(module.split(".", 1)[0] ?? "")
    ? `Function '${name}' from module '${module}' is not exposed with @dapi_allower decorator`
    : `Decoding callable from module '${module}' is not allowed`;
  return new ClusterException({
    class: "WazuhInternalError",
    code: 1000,
    extraMessage: text,
    isCommandError: true,
  });
}
