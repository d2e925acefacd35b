/** `<cluster>`: this node's place among several (wazuh v4.14.7: src/config/cluster-config.c, framework/wazuh/core/cluster/utils.py). */
import {
  checkedGroup,
  type ElementKind,
  group,
  lastOf,
  listOption,
  option,
  unusedOptions,
} from "#config/option.ts";
import type { Report } from "#config/report.ts";
import { anyText, oneOf, secretText, someText, type TextKind, withError, yesNo } from "#config/text-kinds.ts";
import type { XmlElement } from "#formats/xml/elements.ts";
import { Secret } from "#model/secret.ts";
import { checkHelper, type HaproxyHelperConfig, haproxyHelperGroup } from "./haproxy-helper.ts";

export type ClusterConfig = {
  readonly disabled: boolean;
  readonly name: string;
  readonly nodeName: string;
  readonly nodeType: "master" | "worker";
  readonly key: Secret;
  readonly port: number;
  readonly bindAddress: string;
  /** Address of the master: only the first node counts. Empty when the cluster is disabled and none is written. */
  readonly masterAddress: string;
  /** As written. */
  readonly nodes: readonly string[];
  /** What this node says it is: nodes work with their own version only. */
  readonly announcedVersion: string;
  /** Leave the cluster out of alerts. */
  readonly hidden: boolean;
  readonly haproxyHelper: HaproxyHelperConfig;
};

/** Printable ASCII but for what has a meaning in the messages between nodes. */
const NAME_CHARACTERS = Array.from({ length: 0x7f - 0x21 }, (_, index) => String.fromCharCode(0x21 + index))
  .filter((character) => !"()*+,/;@`".includes(character))
  .join("");

function nodeText(what: string, emptyMessage: string): TextKind<string> {
  const parse = (text: string) =>
    text !== "" && [...text].every((character) => NAME_CHARACTERS.includes(character)) ? text : null;
  return withError({ ...someText, values: "letters, digits, - and _", parse }, (_, text) => {
    if (text === "") return emptyMessage;
    return `Detected a not allowed character in ${what}: "${text}". Characters allowed: "${NAME_CHARACTERS}".`;
  });
}

/** Two daemons of the peer read the section: the first refuses a text in the kind's words, the second in its own. */
function refusedTwice<T>(kind: TextKind<T>, second: (text: string) => string): ElementKind<T> {
  return {
    values: kind.values,
    attributes: [],
    read: ({ name, content, position }, report) => {
      const value = kind.parse(content);
      if (value === null) {
        report.error(position, kind.invalid.message(name, content), `expected ${kind.values}`);
        report.error(position, wrong(second(content)));
      }
      return value;
    },
  };
}

const nodeType = refusedTwice(
  withError({ ...oneOf("master", "worker", "client"), values: "master or worker" }, (_, text) =>
    text === ""
      ? "Node type is empty in configuration"
      : `Detected a not allowed node type '${text}'. Valid types are 'master' and 'worker'.`,
  ),
  (text) => `Invalid node type ${text}. Correct values are master and worker`,
);

const disabled = refusedTwice(
  withError(
    yesNo,
    (_, text) => `Detected a not allowed value for disabled tag '${text}'. Valid values are 'yes' and 'no'.`,
  ),
  (text) => `Allowed values for 'disabled' field are 'yes' and 'no'. Found: '${text}'`,
);

const clusterPort = withError(
  { ...anyText, values: "a whole number between 1024 and 65535", parse: parsePort },
  (_, text) =>
    wrong(
      /^[0-9]+$/.test(text)
        ? "Port must be higher than 1024 and lower than 65535."
        : "Cluster port must be an integer.",
    ),
);

const announcedVersion = withError(
  {
    ...anyText,
    values: "a version such as 4.14.7",
    parse: (text) => (/^[0-9]{1,3}(?:\.[0-9]{1,3}){1,3}$/.test(text) ? text : null),
  },
  (_, text) => wrong(`'${text}' is no version that other nodes have`),
);

/** The peer's bounds are not ports of a cluster themselves. */
function parsePort(text: string): number | null {
  return /^[0-9]{4,5}$/.test(text) && Number(text) > 1024 && Number(text) < 65_535 ? Number(text) : null;
}

const DEPRECATED_INTERVAL =
  "Detected a deprecated configuration for cluster. Interval option is not longer available.";

const fields = {
  disabled: option({
    element: "disabled",
    doc: "Do not take part in the cluster.",
    kind: disabled,
    fallback: false,
  }),
  name: option({
    element: "name",
    doc: "Name of the cluster.",
    kind: nodeText("cluster name", "Cluster name is empty in configuration"),
    fallback: "wazuh",
  }),
  nodeName: option({
    element: "node_name",
    doc: "Name of this node, unique in the cluster.",
    kind: nodeText("node name", "Node name is empty in configuration"),
    fallback: "node01",
  }),
  nodeType: option({
    element: "node_type",
    doc: "master or worker; client is the old word for worker.",
    kind: nodeType,
    fallback: "master",
  }),
  key: option({
    element: "key",
    doc: "Key of 32 characters, the same on all nodes.",
    kind: secretText,
    fallback: new Secret(""),
  }),
  port: option({ element: "port", doc: "TCP port between the nodes.", kind: clusterPort, fallback: 1516 }),
  bindAddress: option({
    element: "bind_addr",
    doc: "Address to listen on; 0.0.0.0 for every address.",
    kind: someText,
    fallback: "0.0.0.0",
  }),
  nodes: group({
    element: "nodes",
    doc: "Where the master is.",
    fields: {
      addresses: listOption({ element: "node", doc: "Address or DNS name of the master.", kind: anyText }),
    },
  }),
  announcedVersion: option({
    element: "announced_version",
    doc: "Version that this node tells the others, which must be theirs.",
    kind: announcedVersion,
    fallback: "4.14.7",
  }),
  hidden: option({
    element: "hidden",
    doc: "Leave the cluster out of alerts.",
    kind: yesNo,
    fallback: false,
  }),
  haproxyHelper: haproxyHelperGroup,
} as const;

export const clusterSection = lastOf(
  checkedGroup(
    {
      element: "cluster",
      doc: "This node's place in a cluster. Disabled when the section is missing; of several only the last one counts.",
      fields,
      unused: {
        interval: DEPRECATED_INTERVAL,
        ...unusedOptions("cluster", "socket_timeout", "connection_timeout"),
      },
    },
    ({ nodes: { addresses }, nodeType, ...values }, at, report): ClusterConfig => {
      const isDisabled = at === null || values.disabled;
      // A block that is switched off may hold the placeholders of the installed file.
      if (at !== null && !isDisabled) {
        checkKey(values.key, at, report);
        checkNodes(addresses, at, report);
        checkName(values.nodeName, at, report);
        if (nodeType === "client") {
          report.warning(at.position, "Deprecated node type 'client'. Using 'worker' instead.");
        }
        checkHelper(values.haproxyHelper, at, report);
      }
      return {
        ...values,
        disabled: isDisabled,
        hidden: isDisabled || values.hidden,
        nodeType: nodeType === "client" ? "worker" : nodeType,
        masterAddress: addresses[0] ?? "",
        nodes: addresses,
        haproxyHelper: { ...values.haproxyHelper, enabled: !isDisabled && values.haproxyHelper.enabled },
      };
    },
  ),
);

function checkKey(key: Secret, at: XmlElement, report: Report): void {
  const expected = "expected a <key> of 32 letters and digits, the same on all nodes";
  const text = key.reveal();
  if (text === "") {
    report.error(at.position, wrong("Unspecified key"), expected);
  } else if (!/^[A-Za-z0-9_]{32}$/.test(text)) {
    report.error(
      at.position,
      wrong("Key must be 32 characters long and only have alphanumeric characters"),
      expected,
    );
  }
}

/** Since 4.14.6 a master takes no other names, and a name becomes that of a directory. */
function checkName(name: string, at: XmlElement, report: Report): void {
  if (/^[A-Za-z0-9_-]+$/.test(name)) return;
  const expected = "expected letters, digits, - and _";
  if (name === "." || name === ".." || name.includes("\\"))
    report.error(at.position, wrong(`'${name}' cannot be the name of a node`), expected);
  else report.warning(at.position, `Masters refuse the node name '${name}' (error 3060)`, expected);
}

/** The peer's own list: other nodes cannot reach the master there. */
const UNREACHABLE = ["localhost", "NODE_IP", "0.0.0.0", "127.0.1.1"];
/** As guides write it; the peer would look the name up. */
const PLACEHOLDER = /^<|^[A-Z0-9_-]*(?:MASTER|NODE)[A-Z0-9_-]*$/;

function checkNodes(written: readonly string[], at: XmlElement, report: Report): void {
  const addresses = written.length > 0 ? written : ["NODE_IP"];
  const expected = "expected the master's address in <nodes><node>";
  const bad = addresses.filter((address) => address === "" || UNREACHABLE.includes(address));
  if (bad.length > 0) {
    report.error(at.position, wrong(`Invalid elements in node fields: ${bad.join(", ")}.`), expected);
  }
  const first = addresses[0] ?? "";
  if (bad.length === 0 && PLACEHOLDER.test(first)) {
    report.warning(at.position, `'${first}' in <nodes><node> looks like a placeholder`, expected);
  }
  if (addresses.length > 1) {
    const found = "Found more than one node in configuration. Only master node should be specified.";
    report.warning(at.position, `${found} Using ${first} as master.`);
  }
}

function wrong(text: string): string {
  return `Error 3004 - Error in cluster configuration: ${text}`;
}
