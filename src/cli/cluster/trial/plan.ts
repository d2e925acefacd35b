/** A cluster on this machine alone, for trying it out: its nodes, ports, places and configuration files. Pure: nothing is written or started here. */
import { shippedConfig } from "#config/shipped-config.ts";
import type { Secret } from "#model/secret.ts";
import { isObject } from "../../bytes.ts";

export const BALANCERS = ["haproxy", "nginx", "none"] as const;
export type TrialBalancer = (typeof BALANCERS)[number];

/** A master takes ten connections of one address, and here all workers have the same. */
export const NODES_MAX = 11;
/** What a node or the balancer has between its first port and the next one's. */
const PORTS_EACH = 10;
export const PORT_BASE_MIN = 1024;
export const PORT_BASE_MAX = 65_535 - PORTS_EACH * (NODES_MAX + 1);

const LOOPBACK = "127.0.0.1";
const CLUSTER_NAME = "trial";

/** What tells one trial cluster from another; kept in its folder. */
export type TrialChoice = {
  readonly nodes: number;
  readonly balancer: TrialBalancer;
  readonly portBase: number;
};

/** Where agents go: of a node, or of the balancer. */
export type AgentPorts = { readonly agentPort: number; readonly enrollmentPort: number };

export type TrialNode = AgentPorts & {
  readonly name: string;
  readonly type: "master" | "worker";
  readonly home: string;
};

export type TrialPlan = {
  readonly directory: string;
  readonly choice: TrialChoice;
  readonly master: TrialNode;
  /** The master first. */
  readonly nodes: readonly TrialNode[];
  readonly front: AgentPorts;
  readonly clusterPort: number;
  readonly choiceFile: string;
  readonly keyFile: string;
  readonly balancerFolder: string;
};

export function trialPlan(directory: string, choice: TrialChoice): TrialPlan {
  const { portBase } = choice;
  const node = (at: number): TrialNode => {
    const name = at === 0 ? "master" : `worker${at}`;
    const agentPort = portBase + PORTS_EACH * (at + 1);
    const type = at === 0 ? "master" : "worker";
    return { name, type, home: `${directory}/${name}`, agentPort, enrollmentPort: agentPort + 1 };
  };
  const master = node(0);
  return {
    directory,
    choice,
    master,
    nodes: [master, ...Array.from({ length: choice.nodes - 1 }, (_, at) => node(at + 1))],
    front: { agentPort: portBase, enrollmentPort: portBase + 1 },
    clusterPort: portBase + 2,
    choiceFile: `${directory}/cluster.json`,
    keyFile: `${directory}/cluster.key`,
    balancerFolder: `${directory}/balancer`,
  };
}

/** Null for a file that is not one of these. */
export function parseChoice(text: string): TrialChoice | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  if (!isObject(value)) return null;
  const { nodes, portBase } = value;
  const balancer = BALANCERS.find((candidate) => candidate === value["balancer"]);
  if (balancer === undefined || !isWithin(nodes, 1, NODES_MAX)) return null;
  return isWithin(portBase, PORT_BASE_MIN, PORT_BASE_MAX) ? { nodes, balancer, portBase } : null;
}

function isWithin(value: unknown, min: number, max: number): value is number {
  return typeof value === "number" && Number.isInteger(value) && value >= min && value <= max;
}

export function choiceText({ nodes, balancer, portBase }: TrialChoice): string {
  return `${nodes} node${nodes === 1 ? "" : "s"}, balancer ${balancer}, ports from ${portBase}`;
}

/** ossec.conf as a new home gets it, with the node's ports and its place in the cluster. */
export function nodeConfig(plan: TrialPlan, node: TrialNode, key: Secret): string {
  const { agentPort, enrollmentPort, name, type } = node;
  return `${shippedConfig({ agentPort, enrollmentPort })}
<ossec_config>
  <cluster>
    <name>${CLUSTER_NAME}</name>
    <node_name>${name}</node_name>
    <node_type>${type}</node_type>
    <key>${key.reveal()}</key>
    <port>${plan.clusterPort}</port>
    <bind_addr>${LOOPBACK}</bind_addr>
    <nodes>
      <node>${LOOPBACK}</node>
    </nodes>
    <hidden>no</hidden>
    <disabled>no</disabled>
  </cluster>
</ossec_config>
`;
}

/** As deploy/haproxy has it, but for what only a service of a host can have. */
export function haproxyConfig({ front, nodes }: TrialPlan): string {
  const servers = (port: (node: TrialNode) => number) =>
    nodes.map((node) => `    server ${node.name} ${LOOPBACK}:${port(node)} check\n`).join("");
  return `defaults
    mode tcp
    option redispatch
    retries 3
    timeout check 10s
    timeout connect 10s
    timeout client 1m
    timeout queue 1m
    timeout server 1m

frontend cyb3rhq_register
    bind ${LOOPBACK}:${front.enrollmentPort}
    default_backend cyb3rhq_register

backend cyb3rhq_register
    balance leastconn
${servers(({ enrollmentPort }) => enrollmentPort)}
frontend cyb3rhq_reporting_front
    bind ${LOOPBACK}:${front.agentPort} name cyb3rhq_reporting_front_bind
    default_backend cyb3rhq_reporting

backend cyb3rhq_reporting
    balance leastconn
${servers(({ agentPort }) => agentPort)}`;
}

/** As deploy/nginx has it, but by connections: all agents of a trial have one address. `streamModule` is loaded when it is not built in. */
export function nginxConfig({ front, master, nodes }: TrialPlan, streamModule: string | null): string {
  const servers = nodes.map(({ agentPort }) => `        server ${LOOPBACK}:${agentPort};\n`).join("");
  const load = streamModule === null ? "" : `load_module ${streamModule};\n`;
  return `${load}pid balancer.pid;
error_log balancer.log;
events {}
stream {
    upstream master {
        server ${LOOPBACK}:${master.enrollmentPort};
    }
    upstream mycluster {
        least_conn;
${servers}    }
    server {
        listen ${LOOPBACK}:${front.enrollmentPort};
        proxy_pass master;
    }
    server {
        listen ${LOOPBACK}:${front.agentPort};
        proxy_pass mycluster;
    }
}
`;
}
