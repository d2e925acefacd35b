/** `cyb3rhq cluster key` and `cluster join`: the key that all nodes share, and this home's place among them, written into its ossec.conf. */
import { readManagerConfig } from "#config/manager-config.ts";
import { errorLines } from "#daemons/settings.ts";
import { CodedError } from "#kernel/errors.ts";
import { systemRandom } from "#kernel/platform/random.ts";
import { utf8Bytes } from "../bytes.ts";
import { type Environment, EXIT_OK } from "../environment.ts";
import { existingHome } from "../manager/agent-files.ts";
import { demandWritable, withBlock, withoutBlock, writeConfig } from "../manager/written-block.ts";

/** Of 32 hexadecimal digits, as `openssl rand -hex 16` makes them. */
const KEY_BYTES = 16;
/** A key and whatever may stand around it. */
const KEY_FILE_BYTES_MAX = 1024;
const COMMAND = "cyb3rhq cluster join";
/** Who reads the key is a node. */
const OTHERS = 0o007;

export type JoinOptions = {
  readonly home?: string;
  /** Address or DNS name; on the master its own, as other nodes reach it. */
  readonly master: string;
  /** `-` for stdin. */
  readonly keyFile: string;
  readonly nodeName: string;
  readonly clusterName: string;
  readonly type: "master" | "worker";
  readonly port: number;
};

export function newClusterKey(): string {
  return systemRandom.bytes(KEY_BYTES).toString("hex");
}

export function printClusterKey({ stdout }: Environment): number {
  stdout.write(`${newClusterKey()}\n`);
  return EXIT_OK;
}

export async function joinCluster(environment: Environment, options: JoinOptions): Promise<number> {
  const { config: path } = existingHome(environment, options.home);
  const text = withoutBlock(environment.files.read(path).toString("latin1"), COMMAND);
  const before = readManagerConfig(text, path);
  const errors = errorLines(before.problems);
  if (errors.length > 0) throw new CodedError("config_invalid", errors.join("\n"));
  if (!before.config.cluster.disabled) {
    const { name, nodeName } = before.config.cluster;
    const found = `${path} has a <cluster> block already: this home is ${nodeName} of ${name}`;
    throw new CodedError("cluster_configured", `${found}; change that block instead`);
  }
  const next = withBlock(text, COMMAND, clusterLines(options, await readKey(environment, options.keyFile)));
  // A name that masters refuse, or an address out of a guide, is only a warning for who writes the file himself.
  const known = new Set(before.problems.map(({ message }) => message));
  const found = readManagerConfig(next, path).problems.find(({ message }) => !known.has(message));
  if (found !== undefined) throw new CodedError("argument_invalid", found.message);
  writeConfig(environment, path, next, OTHERS);
  const place = `${options.nodeName} (${options.type}) of ${options.clusterName}, master at ${options.master}`;
  const said = `Written into ${path}: ${place}.\nStop and start the manager, and look with 'cyb3rhq cluster nodes'.\n`;
  environment.stdout.write(utf8Bytes(said));
  return EXIT_OK;
}

function clusterLines(options: JoinOptions, key: string): readonly string[] {
  const values = {
    name: options.clusterName,
    node_name: options.nodeName,
    node_type: options.type,
    key,
    port: String(options.port),
    bind_addr: "0.0.0.0",
  };
  for (const [element, text] of Object.entries({ ...values, node: options.master })) {
    if (element !== "key") demandWritable(element, text);
  }
  return [
    "  <cluster>",
    ...Object.entries(values).map(([element, text]) => `    <${element}>${text}</${element}>`),
    "    <nodes>",
    `      <node>${options.master}</node>`,
    "    </nodes>",
    "    <hidden>no</hidden>",
    "    <disabled>no</disabled>",
    "  </cluster>",
  ];
}

/** Not told when it is none: it may be the wrong file. */
async function readKey(environment: Environment, keyFile: string): Promise<string> {
  const chunks = keyFile === "-" ? environment.stdin.chunks : environment.openInput(keyFile);
  let bytes = Buffer.alloc(0);
  for await (const chunk of chunks) {
    bytes = Buffer.concat([bytes, chunk]);
    if (bytes.length > KEY_FILE_BYTES_MAX) break;
  }
  const key = bytes.toString("latin1").trim();
  if (/^\w{32}$/.test(key)) return key;
  const source = keyFile === "-" ? "what stdin gave" : keyFile;
  throw new CodedError(
    "key_invalid",
    `${source} is no key of 32 letters and digits; 'cyb3rhq cluster key' makes one`,
  );
}
