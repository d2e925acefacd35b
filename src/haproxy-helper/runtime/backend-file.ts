/** The agents' part of HAProxy's configuration, for HAProxy's next start: what the running one was told is lost with it. Pure. */
import { socketAddress } from "./socket-address.ts";

export function backendFile(backend: string, servers: ReadonlyMap<string, string>, port: number): string {
  const lines = [...servers]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, address]) => `    server ${name} ${socketAddress(address, port)} check`);
  return [
    "# Written by the HAProxy helper of Cyb3rhq; changes are lost. Load it behind your own file: haproxy -f haproxy.cfg -f <this file>",
    `frontend ${backend}_front`,
    "    mode tcp",
    `    bind :${port} name ${backend}_front_bind`,
    `    default_backend ${backend}`,
    "",
    `backend ${backend}`,
    "    mode tcp",
    "    balance leastconn",
    ...lines,
    "",
  ].join("\n");
}
