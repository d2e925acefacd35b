/** `cyb3rhq cluster haproxy check`: what the helper of this home would find, or why it would find nothing. */
import { checkHaproxy, type HaproxyCheck } from "#daemons/cluster/haproxy-check.ts";
import { readSettings } from "#daemons/settings.ts";
import { utf8Bytes } from "../bytes.ts";
import { type Environment, EXIT_FAILURE, EXIT_OK } from "../environment.ts";
import { existingHome } from "../manager/agent-files.ts";

type Options = { readonly home?: string; readonly json?: boolean };
type Report = Extract<HaproxyCheck, { readonly ok: true }>["report"];

const NAME_COLUMN = 24;
const ADDRESS_COLUMN = 24;

export async function showHaproxy(environment: Environment, options: Options): Promise<number> {
  const { files, stdout, stderr } = environment;
  const { cluster } = readSettings(files, existingHome(environment, options.home)).config;
  const { haproxyHelper } = cluster;
  if (!haproxyHelper.enabled) {
    stderr.write(utf8Bytes("cyb3rhq: No HAProxy helper is configured: <cluster><haproxy_helper>\n"));
    return EXIT_FAILURE;
  }
  const check = await checkHaproxy(haproxyHelper);
  if (!check.ok) {
    stderr.write(utf8Bytes(`cyb3rhq: ${check.reasons.join("\n")}\n`));
    return EXIT_FAILURE;
  }
  const lines = textOf(check.report);
  if (cluster.nodeType === "worker") lines.push("This node is a worker; the helper runs on the master only.");
  stdout.write(
    utf8Bytes(options.json === true ? `${JSON.stringify(check.report)}\n` : `${lines.join("\n")}\n`),
  );
  return EXIT_OK;
}

function textOf({ program, backend }: Report): string[] {
  if (backend === null) return [program, "It has no backend for agents yet."];
  const servers = backend.servers.map(({ name, address, status, connections }) =>
    [name.padEnd(NAME_COLUMN), address.padEnd(ADDRESS_COLUMN), status, `(${connections})`].join(" "),
  );
  const balance = backend.algorithm === null ? "" : `, balance ${backend.algorithm}`;
  return [program, `Backend ${backend.name}${balance}; servers, with their connections:`, ...servers];
}
