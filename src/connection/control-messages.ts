/** What control messages of agents mean: states, notices and the answers to them. Sending belongs to the connection. */
import { hash } from "node:crypto";
import {
  AGENT_ACK,
  errorMessage,
  parseControlMessage,
  type StartupVersion,
  VERSION_TOO_HIGH,
  VERSION_UNREADABLE,
} from "#formats/wire/agent/control.ts";
import { parseKeepalive } from "#formats/wire/agent/keepalive.ts";
import { isHigherVersion } from "#formats/wire/agent/version.ts";
import type { KnownAgent } from "./agent-table.ts";
import type { ConnectionConfig } from "./config.ts";
import type { ConnectionEvents } from "./events.ts";
import type { AgentReports } from "./needs.ts";
import type { PatientSink } from "./patient-sink.ts";
import type { PendingRequests } from "./pending-requests.ts";
import type { Presence } from "./presence.ts";

/** The queue of messages about the manager's own doings. */
const NOTICE_QUEUE = "1";

/** When and from where a message came. */
export type Arrival = {
  readonly wallMs: number;
  readonly monotonicMs: number;
  readonly peerAddress: string;
};

export type ControlOutcome = {
  /** To be sent when all that was read before is durable. */
  readonly answer: Uint8Array | null;
  /** The agent is leaving: another connection may speak for it at once. */
  readonly goodbye: boolean;
};

const NOTHING: ControlOutcome = { answer: null, goodbye: false };
const ACKNOWLEDGED: ControlOutcome = { answer: AGENT_ACK, goodbye: false };

export type ControlNeeds = {
  readonly config: ConnectionConfig;
  readonly presence: Presence;
  readonly reports: AgentReports;
  readonly sink: PatientSink;
  readonly events: ConnectionEvents;
  readonly requests: PendingRequests;
};

export class ControlMessages {
  readonly #needs: ControlNeeds;

  constructor(needs: ControlNeeds) {
    this.#needs = needs;
  }

  handle(agent: KnownAgent, message: Buffer, arrival: Arrival): ControlOutcome {
    const { events, requests } = this.#needs;
    const control = parseControlMessage(message);
    switch (control.kind) {
      case "startup":
        return this.#startup(agent, control.version, arrival);
      case "keepalive":
        return this.#keepalive(agent, control.text, arrival);
      case "shutdown":
        return this.#shutdown(agent, arrival);
      case "request-answer":
        agent.statistics.received("requestAnswers", arrival.wallMs);
        requests.answered(agent.id, control.requestNumber, control.answer);
        return NOTHING;
      case "invalid": {
        const text = `Invalid message from agent: '${agent.name}' (${agent.id})`;
        events.dropped("control_invalid", arrival.peerAddress, arrival.monotonicMs, text);
        return NOTHING;
      }
    }
  }

  /** Agents that fell silent: their state, and the event for those whose time has come. */
  lost(agent: KnownAgent, atMs: number): void {
    this.#needs.events.count("agent_lost");
    this.#needs.reports.report({ kind: "lost", agentId: agent.id, atMs });
  }

  raiseDisconnected(agent: KnownAgent, atMs: number): void {
    const text = `ossec: Agent disconnected: '${agent.name}-${agent.address.text}'.`;
    this.#notice(agent, "wazuh-monitord", text, atMs);
  }

  #startup(agent: KnownAgent, version: StartupVersion, arrival: Arrival): ControlOutcome {
    const { wallMs, monotonicMs, peerAddress } = arrival;
    const { config, events, presence, reports } = this.#needs;
    events.count("agent_startups");
    agent.statistics.received("startups", wallMs);
    const refusal = startupRefusal(version, config);
    if (refusal !== null) {
      events.startupRefused(agent.id, refusal.reason, peerAddress, monotonicMs);
      reports.report({
        kind: "startup_refused",
        agentId: agent.id,
        atMs: wallMs,
        reason: refusal.reason,
      });
      return { answer: errorMessage(refusal.text), goodbye: false };
    }
    presence.seen(agent.id, monotonicMs);
    agent.keepaliveDigest = null; // a new connection tells the whole of it once
    const stated = version.kind === "stated" ? version.text : null;
    reports.report({ kind: "startup", agentId: agent.id, atMs: wallMs, version: stated, peerAddress });
    return ACKNOWLEDGED;
  }

  #keepalive(agent: KnownAgent, text: string, { wallMs, monotonicMs }: Arrival): ControlOutcome {
    const { events, presence, reports } = this.#needs;
    events.count("agent_keepalives");
    agent.statistics.received("keepalives", wallMs);
    presence.seen(agent.id, monotonicMs);
    // A digest and not the text: labels make up to 63 KB of it, times the number of agents.
    const digest = hash("md5", text, "base64");
    const unchanged = digest === agent.keepaliveDigest;
    if (unchanged) events.count("agent_keepalives_unchanged");
    agent.keepaliveDigest = digest;
    const keepalive = unchanged ? null : parseKeepalive(text);
    const labelsRefused = keepalive?.labelsRefused ?? 0;
    if (labelsRefused > 0) events.count("agent_labels_refused", labelsRefused);
    reports.report({ kind: "keepalive", agentId: agent.id, atMs: wallMs, keepalive });
    return ACKNOWLEDGED;
  }

  #shutdown(agent: KnownAgent, { wallMs }: Arrival): ControlOutcome {
    const { events, presence, reports } = this.#needs;
    events.count("agent_shutdowns");
    agent.statistics.received("shutdowns", wallMs);
    presence.left(agent.id);
    const text = `ossec: Agent stopped: '${agent.name}->${agent.address.text}'.`;
    this.#notice(agent, "wazuh-remoted", text, wallMs);
    reports.report({ kind: "shutdown", agentId: agent.id, atMs: wallMs });
    return { answer: null, goodbye: true };
  }

  #notice(agent: KnownAgent, location: string, message: string, receivedMs: number): void {
    const { id: agentId, locationPrefix } = agent;
    this.#needs.sink.append({
      receivedMs,
      queue: NOTICE_QUEUE,
      agentId,
      locationPrefix,
      location,
      message,
    });
  }
}

type StartupRefusal = {
  readonly reason: "version_too_high" | "version_unreadable";
  readonly text: string;
};

function startupRefusal(version: StartupVersion, config: ConnectionConfig): StartupRefusal | null {
  if (version.kind === "unreadable") return { reason: "version_unreadable", text: VERSION_UNREADABLE };
  if (version.kind === "absent" || config.allowHigherVersions) return null;
  if (!isHigherVersion(version.text, config.managerVersion)) return null;
  return { reason: "version_too_high", text: VERSION_TOO_HIGH };
}
