/** The look at HAProxy of `cyb3rhq cluster haproxy check`, over this machine's network. */
import type { HaproxyHelperConfig } from "#config/sections/haproxy-helper.ts";
import { checkProxy, explainProxyFailure, type ProxyReport } from "#haproxy-helper/check.ts";
import { CodedError } from "#kernel/errors.ts";
import { SystemClock } from "#kernel/platform/clock.ts";
import { systemFiles } from "#kernel/platform/files.ts";
import { systemHostNames } from "#kernel/platform/host-names.ts";
import { systemHttpClient } from "#kernel/platform/http-client.ts";
import { systemLocalSockets } from "#kernel/platform/local-sockets.ts";

export type HaproxyCheck =
  | { readonly ok: true; readonly report: ProxyReport }
  | { readonly ok: false; readonly reasons: readonly string[] };

export async function checkHaproxy(options: HaproxyHelperConfig): Promise<HaproxyCheck> {
  const world = { clock: new SystemClock(), files: systemFiles, http: systemHttpClient };
  const needs = { ...world, localSockets: systemLocalSockets, hostNames: systemHostNames };
  try {
    return { ok: true, report: await checkProxy(needs, options) };
  } catch (error) {
    if (!(error instanceof CodedError)) throw error;
    return { ok: false, reasons: explainProxyFailure(error) };
  }
}
