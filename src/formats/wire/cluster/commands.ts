/** The requests that nodes send each other: their names, their directions and the shapes of their payloads. */
import { unreachable } from "#kernel/unreachable.ts";
import { byteLiteral } from "./byte-literal.ts";

/** Of what a payload is made; its parts are separated by one space. */
type Shape =
  /** Nothing. */
  | "empty"
  /** Any bytes, often a whole text or JSON. */
  | "bytes"
  /** A name (path, id, local client), then any bytes. */
  | "named"
  /** Decimal digits. */
  | "size"
  | "hello";

const SHAPES = {
  hello: "hello",
  "echo-c": "bytes",
  "echo-m": "bytes",
  echo: "bytes",
  new_file: "bytes",
  file_upd: "named",
  file_end: "named",
  new_str: "size",
  str_upd: "named",
  err_str: "size",
  cancel_task: "named",
  syn_i_w_m_p: "empty",
  syn_i_w_m: "empty",
  syn_i_w_m_e: "named",
  syn_i_w_m_r: "named",
  syn_m_c: "empty",
  syn_m_c_e: "named",
  syn_m_c_r: "named",
  syn_m_c_ok: "empty",
  syn_a_w_m_p: "empty",
  syn_a_w_m: "bytes",
  syn_m_a_e: "bytes",
  syn_m_a_err: "bytes",
  syn_g_m_w: "bytes",
  syn_w_g_e: "bytes",
  syn_w_g_err: "bytes",
  syn_w_g_c: "empty",
  syn_g_m_w_c: "bytes",
  syn_wgc_e: "bytes",
  syn_wgc_err: "bytes",
  dapi: "named",
  dapi_res: "named",
  dapi_err: "named",
  sendsync: "named",
  sendsyn_res: "named",
  sendsyn_err: "named",
  get_nodes: "bytes",
  get_health: "bytes",
} as const satisfies Readonly<Record<string, Shape>>;

export type CommandName = keyof typeof SHAPES;

/** What is read of a payload. `name` and the texts of a hello have one char a byte. */
type Parts = {
  readonly empty: Readonly<Record<never, never>>;
  readonly bytes: { readonly bytes: Buffer };
  readonly named: { readonly name: string; readonly bytes: Buffer };
  readonly size: { readonly size: number };
  readonly hello: Hello;
};

export type RequestOf<C extends CommandName> = C extends CommandName
  ? { readonly command: C } & Parts[(typeof SHAPES)[C]]
  : never;

/** A request between nodes. */
export type ClusterRequest = RequestOf<CommandName>;

export type Hello = {
  readonly nodeName: string;
  readonly clusterName: string;
  readonly nodeType: string;
  readonly version: string;
};

/** What the peer's Python says of such a payload; it goes back in an exception of code 1000. */
export type RequestFailure = { readonly code: "malformed_request"; readonly text: string };

export function isCommandName(command: string): command is CommandName {
  return Object.hasOwn(SHAPES, command);
}

export function readRequest<C extends CommandName>(
  command: C,
  payload: Buffer,
): RequestOf<C> | RequestFailure {
  const parts = readParts(SHAPES[command], payload);
  // The parts are of the command's shape.
  return "code" in parts ? parts : ({ command, ...parts } as RequestOf<C>);
}

function readParts(shape: Shape, payload: Buffer): Parts[Shape] | RequestFailure {
  switch (shape) {
    case "empty":
      return {};
    case "bytes":
      return { bytes: payload };
    case "named":
      return splitName(payload);
    case "size":
      return readSize(payload);
    case "hello":
      return readHello(payload);
    default:
      return unreachable(shape);
  }
}

/** Of the first part of a payload: a path is the longest; what is longer is unknown everywhere. */
export const NAME_BYTES_MAX = 4096;

/** The part up to the first space, and what follows the space. A first part that is too long is cut, and nothing follows it. */
export function splitName(payload: Buffer): { readonly name: string; readonly bytes: Buffer } {
  const head = payload.subarray(0, NAME_BYTES_MAX);
  const end = head.indexOf(" ");
  if (end === -1) return { name: head.toString("latin1"), bytes: payload.subarray(payload.length) };
  return { name: payload.toString("latin1", 0, end), bytes: payload.subarray(end + 1) };
}

export function joinName(name: string, bytes: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from(`${name} `, "latin1"), bytes]);
}

/** More digits than any size in bytes has; the value is checked against its limit where it is used. */
const SIZE_DIGITS_MAX = 15;

function readSize(payload: Buffer): Parts["size"] | RequestFailure {
  const text = payload.toString("latin1", 0, SIZE_DIGITS_MAX + 1);
  if (/^[0-9]{1,15}$/.test(text)) return { size: Number(text) };
  return failure(`invalid literal for int() with base 10: ${byteLiteral(text)}`);
}

const HELLO_PARTS = 4;
/** Two names and a version, many times over. */
const HELLO_BYTES_MAX = 4096;

function readHello(payload: Buffer): Hello | RequestFailure {
  if (payload.length > HELLO_BYTES_MAX) return failure(`hello of ${payload.length} bytes`);
  const parts = payload.toString("latin1").split(" ");
  const [nodeName, clusterName, nodeType, version] = parts;
  if (
    nodeName === undefined ||
    clusterName === undefined ||
    nodeType === undefined ||
    version === undefined
  ) {
    return failure(`not enough values to unpack (expected ${HELLO_PARTS}, got ${parts.length})`);
  }
  if (parts.length > HELLO_PARTS) return failure(`too many values to unpack (expected ${HELLO_PARTS})`);
  return { nodeName, clusterName, nodeType, version };
}

function failure(text: string): RequestFailure {
  return { code: "malformed_request", text };
}

export function writePayload(request: ClusterRequest): Buffer {
  if (request.command === "hello") {
    const { nodeName, clusterName, nodeType, version } = request;
    return Buffer.from([nodeName, clusterName, nodeType, version].join(" "), "latin1");
  }
  if ("size" in request) return Buffer.from(String(request.size), "latin1");
  if ("name" in request) return joinName(request.name, request.bytes);
  return "bytes" in request ? request.bytes : Buffer.alloc(0);
}

/** How a request is answered. The peer writes `ok` and the keepalive answers with a space more in places; it reads them alike. */
export type ReplyWord = "ok" | "ok " | "ok-m " | "ok-c " | "err" | "error";

const REPLY_WORDS: ReadonlySet<string> = new Set(["ok", "ok-m", "ok-c", "err", "error"]);

export function isReplyWord(command: string): boolean {
  return REPLY_WORDS.has(command);
}
