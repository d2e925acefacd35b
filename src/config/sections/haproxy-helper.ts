/**
 * `<cluster><haproxy_helper>`: how the master keeps a balancer's list of nodes and spreads agents over them
 * (wazuh v4.14.7: framework/wazuh/core/cluster/utils.py, src/config/cluster-config.c). `haproxy_mode`, `haproxy_socket` and
 * `haproxy_backend_file` are this program's own.
 */
import { checkedGroup, type ElementKind, option } from "#config/option.ts";
import type { Report } from "#config/report.ts";
import { anyText, oneOf, secretText, someText, type TextKind, withError, yesNo } from "#config/text-kinds.ts";
import { pythonFloat } from "#formats/python-text.ts";
import type { XmlElement } from "#formats/xml/elements.ts";
import { Secret } from "#model/secret.ts";

/** The peer's parser fails on any empty element of this block, with this text. */
const EMPTY_ELEMENT =
  "Error 3006 - Error reading cluster configuration: Requested component does not exist: 'NoneType' object has no attribute 'find'";

function wrong(text: string): string {
  return `Error 3004 - Error in cluster configuration: ${text}`;
}

/** `kind` for a text that is not empty; `message` is for what else is wrong with it. */
function filled<T>(kind: TextKind<T>, message: (text: string) => string): TextKind<T> {
  const parse = (text: string) => (text === "" ? null : kind.parse(text));
  return withError({ ...kind, parse }, (_, text) => (text === "" ? EMPTY_ELEMENT : message(text)));
}

const INTEGER = /^[+-]?[0-9]{1,15}$/;
const DECIMAL = /^[+-]?(?:[0-9]{1,15}(?:\.[0-9]{0,15})?|\.[0-9]{1,15})$/;

function integer(name: string, min: number, max: number = Number.MAX_SAFE_INTEGER): TextKind<number> {
  const values =
    max === Number.MAX_SAFE_INTEGER
      ? `a whole number of at least ${min}`
      : `a whole number from ${min} to ${max}`;
  const parse = (text: string) => {
    const value = Number(text.trim());
    return INTEGER.test(text.trim()) && value >= min && value <= max ? value : null;
  };
  return filled({ ...anyText, values, parse }, (text) => {
    if (!INTEGER.test(text.trim())) return wrong(`HAProxy Helper ${name} must be an integer.`);
    const value = Number(text.trim());
    const bound = value < min ? `less than the minimum of ${min}` : `greater than the maximum of ${max}`;
    return wrong(`Invalid value for ${name}. ${value} is ${bound}`);
  });
}

const TOLERANCE = "imbalance_tolerance";

const tolerance = filled(
  {
    ...anyText,
    values: "a number above 0, up to 1",
    parse: (text) => {
      const value = Number(text.trim());
      return DECIMAL.test(text.trim()) && value > 0 && value <= 1 ? value : null;
    },
  },
  (text) => {
    if (!DECIMAL.test(text.trim())) return wrong(`HAProxy Helper ${TOLERANCE} must be a float.`);
    const value = Number(text.trim());
    const bound = value <= 0 ? "less than or equal to the minimum of 0" : "greater than the maximum of 1";
    return wrong(`Invalid value for ${TOLERANCE}. ${pythonFloat(value)} is ${bound}`);
  },
);

const disabled = filled(
  yesNo,
  () => "Detected an invalid value for the disabled tag 'haproxy_disabled'. Valid values are 'yes' and 'no'.",
);
const protocol = filled(oneOf("http", "https"), (text) =>
  wrong(`Invalid value for haproxy_protocol. '${text}' is not one of ['http', 'https']`),
);
const mode = filled(oneOf("dataplane", "runtime"), (text) =>
  wrong(`Invalid value for haproxy_mode. '${text}' is not one of ['dataplane', 'runtime']`),
);
const text = filled(someText, () => EMPTY_ELEMENT);
const secret = filled(secretText, () => EMPTY_ELEMENT);

/** What HAProxy takes as a name of a section; it is written into HAProxy's configuration. */
const sectionName = filled(
  {
    ...someText,
    values: "letters, digits, -, _, . and :",
    parse: (name) => (/^[\w.:-]+$/.test(name) ? name : null),
  },
  (name) => wrong(`'${name}' is no name of a section of HAProxy`),
);

/** A path on a line of HAProxy's configuration or of a log. */
const path = filled(
  { ...someText, values: "a path", parse: (name) => (/[\0-\x1f\x7f]/.test(name) ? null : name) },
  () => wrong("A path holds a control character"),
);

/** `a, b` and `<node>a</node><node>b</node>` say the same; only here does a comma part values. */
const nodeNames: ElementKind<readonly string[]> = {
  values: "names of nodes; several with commas between them, or each in a <node>",
  attributes: [],
  read: (element, report) => {
    const written = element.children.length > 0 ? childTexts(element, report) : element.content.split(",");
    const names = written.map((name) => name.trim()).filter((name) => name !== "");
    if (names.length === 0) report.error(element.position, EMPTY_ELEMENT, "expected names of nodes");
    return names;
  },
};

function childTexts(element: XmlElement, report: Report): string[] {
  return element.children.flatMap((child) => {
    if (child.name.toLowerCase() === "node") return [child.content];
    const message = `(1230): Invalid element in the configuration: '${child.name}'.`;
    report.error(child.position, message, "expected node");
    return [];
  });
}

const NO_NODES: readonly string[] = [];

const connectionFields = {
  mode: option({
    element: "haproxy_mode",
    doc: "dataplane changes HAProxy through its Data Plane API, runtime through its stats socket alone.",
    kind: mode,
    fallback: "dataplane",
  }),
  address: option({
    element: "haproxy_address",
    doc: "Where the Data Plane API is.",
    kind: text,
    fallback: "",
  }),
  port: option({
    element: "haproxy_port",
    doc: "Port of the Data Plane API.",
    kind: integer("haproxy_port", 1024, 65_535),
    fallback: 5555,
  }),
  protocol: option({
    element: "haproxy_protocol",
    doc: "How the Data Plane API is spoken to.",
    kind: protocol,
    fallback: "http",
  }),
  user: option({ element: "haproxy_user", doc: "User of the Data Plane API.", kind: text, fallback: "" }),
  password: option({
    element: "haproxy_password",
    doc: "That user's password.",
    kind: secret,
    fallback: new Secret(""),
  }),
  authorityFile: option({
    element: "haproxy_cert",
    doc: "Certificate that the Data Plane API's must be or chain to.",
    kind: path,
    fallback: null,
  }),
  clientCertificateFile: option({
    element: "client_cert",
    doc: "Certificate that is shown to the Data Plane API.",
    kind: path,
    fallback: null,
  }),
  clientKeyFile: option({
    element: "client_cert_key",
    doc: "The key of that certificate.",
    kind: path,
    fallback: null,
  }),
  clientKeyPassword: option({
    element: "client_cert_password",
    doc: "The password of that key.",
    kind: secret,
    fallback: null,
  }),
  socket: option({
    element: "haproxy_socket",
    doc: "HAProxy's stats socket, of level admin, for mode runtime.",
    kind: path,
    fallback: null,
  }),
  backendFile: option({
    element: "haproxy_backend_file",
    doc: "Mode runtime writes the agents' section of HAProxy's configuration to this file.",
    kind: path,
    fallback: null,
  }),
} as const;

const balancingFields = {
  backend: option({
    element: "haproxy_backend",
    doc: "Backend of the agents' connections. Not written: cyb3rhq_reporting or wazuh_reporting, whichever HAProxy has.",
    kind: sectionName,
    fallback: null,
  }),
  resolver: option({
    element: "haproxy_resolver",
    doc: "HAProxy's resolvers section for nodes whose address is a name.",
    kind: sectionName,
    fallback: null,
  }),
  excludedNodes: option({
    element: "excluded_nodes",
    doc: "Nodes that get no agents through the balancer.",
    kind: nodeNames,
    fallback: NO_NODES,
  }),
  frequencySeconds: option({
    element: "frequency",
    doc: "Seconds between two looks at the cluster and HAProxy.",
    kind: integer("frequency", 10),
    fallback: 60,
  }),
  agentChunkSize: option({
    element: "agent_chunk_size",
    doc: "Agents that are told at once to connect anew.",
    kind: integer("agent_chunk_size", 100),
    fallback: 300,
  }),
  agentReconnectionSeconds: option({
    element: "agent_reconnection_time",
    doc: "Seconds behind each such chunk.",
    kind: integer("agent_reconnection_time", 0),
    fallback: 5,
  }),
  stabilitySeconds: option({
    element: "agent_reconnection_stability_time",
    doc: "Seconds that agents get to settle after a change of nodes.",
    kind: integer("agent_reconnection_stability_time", 10),
    fallback: 60,
  }),
  imbalanceTolerance: option({
    element: TOLERANCE,
    doc: "Part of the average that a node may have more or less.",
    kind: tolerance,
    fallback: 0.1,
  }),
  removeDisconnectedMinutes: option({
    element: "remove_disconnected_node_after",
    doc: "Minutes after which a server that is no node and not up is removed from HAProxy.",
    kind: integer("remove_disconnected_node_after", 0),
    fallback: 240,
  }),
} as const;

/** Whether the helper runs, and how. What it needs is there when `enabled` is true: `checkHelper` has seen to it. */
export const haproxyHelperGroup = checkedGroup(
  {
    element: "haproxy_helper",
    doc: "Keeps HAProxy's list of servers equal to the nodes and spreads agents over them. On the master only.",
    fields: {
      disabled: option({
        element: "haproxy_disabled",
        doc: "Do not run the helper; not written is yes.",
        kind: disabled,
        fallback: null,
      }),
      ...connectionFields,
      ...balancingFields,
    },
    ignoreCase: true,
  },
  ({ disabled, ...values }) => ({ ...values, enabled: disabled === false }),
);

type HelperGroup = typeof haproxyHelperGroup;
export type HaproxyHelperConfig = ReturnType<ReturnType<HelperGroup["begin"]>["value"]>;

/** What the options mean together; `at` is the cluster block that they stand in. */
export function checkHelper(helper: HaproxyHelperConfig, at: XmlElement, report: Report): void {
  if (!helper.enabled) return;
  const missing = (what: string, element: string) =>
    report.error(at.position, `HAProxy ${what} is missing in the configuration`, `expected <${element}>`);
  if (helper.mode === "runtime") {
    if (helper.socket === null) missing("socket", "haproxy_socket");
    return;
  }
  if (helper.address === "") missing("address", "haproxy_address");
  if (helper.user === "") missing("user", "haproxy_user");
  if (helper.password.reveal() === "") missing("password", "haproxy_password");
  if (helper.protocol === "https" && helper.authorityFile === null) {
    const message =
      "Error 3042 - User configuration is not valid: HAProxy certificate file required in the haproxy_cert parameter";
    report.error(at.position, message, "expected <haproxy_cert>");
  }
}
