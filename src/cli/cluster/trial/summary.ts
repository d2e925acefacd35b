/** What `cyb3rhq cluster up` says when the cluster runs: for people, with what to try next, and for programs. */
import type { AgentPorts, TrialNode, TrialPlan } from "./plan.ts";

export type TrialFacts = {
  readonly plan: TrialPlan;
  /** By the node's name. */
  readonly pids: ReadonlyMap<string, number | null>;
  readonly balancerPid: number | null;
};

const HOST = "127.0.0.1";
const LABEL_CHARS = 22;

function labelled(label: string, text: string): string {
  return `  ${label.padEnd(LABEL_CHARS)} ${text}`;
}

export function summary({ plan, pids, balancerPid }: TrialFacts, foreground: boolean): string {
  const { nodes, choice, front, master, directory } = plan;
  const isBalanced = choice.balancer !== "none";
  const entry = isBalanced ? front : master;
  const lines = [
    `A cluster of ${nodes.length} runs in ${directory}${foreground ? "; Ctrl-C stops it" : ""}.`,
    ...nodes.map((node) =>
      labelled(`${node.name} (pid ${pids.get(node.name)})`, `${portsText(node)}, ${node.home}`),
    ),
    ...(isBalanced
      ? [labelled(`${choice.balancer} (pid ${balancerPid})`, `${portsText(front)}, before them`)]
      : []),
    "Enrol an agent of the 4.x generation:",
    `  /var/ossec/bin/agent-auth -m ${HOST} -p ${entry.enrollmentPort} -A NAME`,
    "Where it reports, in the <client> of its ossec.conf:",
    ...(isBalanced ? [serverText(front.agentPort)] : nodes.map(({ agentPort }) => serverText(agentPort))),
    "What to try next:",
    `  cyb3rhq cluster nodes --home ${master.home}`,
    `  cyb3rhq cluster agents --home ${master.home}`,
    `  cyb3rhq cluster watch --home ${master.home}`,
    ...worker(nodes),
    ...(foreground ? [] : [`  cyb3rhq cluster down --dir ${directory}`]),
  ];
  return `${lines.join("\n")}\n`;
}

function portsText({ agentPort, enrollmentPort }: AgentPorts): string {
  return `agents ${HOST}:${agentPort}, enrolment ${HOST}:${enrollmentPort}`;
}

function serverText(port: number): string {
  return `  <server><address>${HOST}</address><port>${port}</port><protocol>tcp</protocol></server>`;
}

/** Takes one away, to see its agents go elsewhere. */
function worker(nodes: readonly TrialNode[]): readonly string[] {
  const last = nodes.at(-1);
  return last === undefined || last.type === "master" ? [] : [`  cyb3rhq stop --home ${last.home}`];
}

export function summaryJson({ plan, pids, balancerPid }: TrialFacts): object {
  const { directory, choice, front } = plan;
  return {
    directory,
    nodes: plan.nodes.map((node) => ({ ...node, pid: pids.get(node.name) ?? null })),
    balancer: choice.balancer === "none" ? null : { program: choice.balancer, pid: balancerPid, ...front },
    clusterPort: plan.clusterPort,
  };
}
