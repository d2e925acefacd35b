/** An event of an agent on its way to the journal, over whichever transport it came. */
import { parseEvent, QUEUE_MESSAGE_BYTES_MAX } from "#formats/wire/agent/event.ts";
import type { KnownAgent } from "./agent-table.ts";
import type { Arrival } from "./control-messages.ts";
import type { ConnectionEvents } from "./events.ts";
import type { AgentReports } from "./needs.ts";
import type { PatientSink } from "./patient-sink.ts";
import { parseUpgradeReport, UPGRADE_QUEUE } from "./upgrade-report.ts";

export type EventNeeds = {
  readonly sink: PatientSink;
  readonly events: ConnectionEvents;
  readonly reports: AgentReports;
};

export function appendEvent(agent: KnownAgent, message: Buffer, arrival: Arrival, needs: EventNeeds): void {
  const { events, sink } = needs;
  const parsed = parseEvent(message);
  if (!parsed.ok) {
    const code = parsed.code === "keepalive" ? "event_keepalive" : "event_malformed";
    events.dropped(code, arrival.peerAddress, arrival.monotonicMs, parsed.log);
    return;
  }
  const { queue, location, text } = parsed.event;
  events.count("agent_events");
  agent.statistics.received("events", arrival.wallMs);
  if (queue === UPGRADE_QUEUE) reportUpgrade(agent, text, arrival, needs);
  sink.append({
    receivedMs: arrival.wallMs,
    queue,
    agentId: agent.id,
    locationPrefix: agent.locationPrefix,
    location,
    message: cutAsPeerDoes(text, message.length, agent),
  });
}

function reportUpgrade(agent: KnownAgent, text: Buffer, arrival: Arrival, needs: EventNeeds): void {
  const result = parseUpgradeReport(text);
  if (result === null) return;
  needs.events.count("agent_upgrade_reports");
  const { wallMs: atMs } = arrival;
  needs.reports.report({ kind: "upgrade_reported", agentId: agent.id, atMs, result });
}

/** The peer's queue message, with the agent's name in front, is cut at a length; what is stored of a message ends where it would. */
function cutAsPeerDoes(text: Buffer, messageBytes: number, agent: KnownAgent): Buffer {
  // No name and address make up the rest of it, so short messages are not measured.
  if (messageBytes < QUEUE_MESSAGE_BYTES_MAX / 2) return text;
  const excessBytes = messageBytes + agent.sourceBytes - QUEUE_MESSAGE_BYTES_MAX;
  return excessBytes > 0 ? text.subarray(0, Math.max(0, text.length - excessBytes)) : text;
}
