/** One look at HAProxy for whoever sets the helper up: what is there, or why it cannot be reached. */
import type { HaproxyHelperConfig } from "#config/sections/haproxy-helper.ts";
import { CodedError } from "#kernel/errors.ts";
import { USUAL_BACKENDS } from "./agent-backend.ts";
import type { HelperNeeds } from "./needs.ts";
import type { ServerStats } from "./proxy-driver.ts";
import { driverOf } from "./service.ts";

export type ProxyReport = {
  /** What answers, with its version. */
  readonly program: string;
  /** The backend that the helper would use; null where there is none yet. */
  readonly backend: {
    readonly name: string;
    readonly algorithm: string | null;
    readonly servers: readonly (ServerStats & { readonly name: string; readonly address: string })[];
  } | null;
};

/** Throws what the helper would write to its log. Nothing is changed. */
export async function checkProxy(
  needs: Omit<HelperNeeds, "log" | "cluster">,
  options: HaproxyHelperConfig,
): Promise<ProxyReport> {
  const driver = driverOf(needs, options);
  await driver.initialize();
  const program = await driver.describe();
  const names: readonly string[] = options.backend === null ? USUAL_BACKENDS : [options.backend];
  const backends = await driver.backends();
  const backend = names.flatMap((name) => backends.find((one) => one.name === name) ?? [])[0];
  if (backend === undefined) return { program, backend: null };
  const servers = [];
  for (const [name, address] of await driver.servers(backend.name)) {
    servers.push({ name, address, ...(await driver.stats(backend.name, name)) });
  }
  return { program, backend: { ...backend, servers } };
}

/** By the codes of `helperError`. */
const ADVICE: Readonly<Record<string, string>> = {
  haproxy_3042: "Look at haproxy_address, haproxy_cert, client_cert and client_cert_key.",
  haproxy_3043:
    "Nobody listens at haproxy_address and haproxy_port, or the certificates do not fit each other.",
  haproxy_3046: "haproxy_user and haproxy_password are not those of dataplaneapi.yml.",
  haproxy_3047:
    "There is no /v2 at that address; a Data Plane API of version 3 serves /v3 only. Take version 2.8 or 2.9.",
  haproxy_3048: "The Data Plane API runs, its HAProxy does not.",
};

/** What went wrong, and what to look at. */
export function explainProxyFailure(error: CodedError): readonly string[] {
  const advice = ADVICE[error.code];
  const reason = error.cause instanceof CodedError ? ` (${error.cause.message})` : "";
  return [`${error.message}${reason}`, ...(advice === undefined ? [] : [advice])];
}
