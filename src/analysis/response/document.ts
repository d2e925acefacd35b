/** The line that records and dispatches what was decided for one event. */
import type { ActiveResponse } from "#config/sections/response.ts";
import { type AgentId, agentIdOf, parseAgentId } from "#model/agent.ts";
import { type DecidedResponse, formatDecision, type ResponseTarget } from "#model/response-decision.ts";
import { DSTUSER, type Event, SRCIP } from "../event.ts";
import type { CompiledRule } from "../match/compiled-rule.ts";
import { fimValuesOf, isFimEvent } from "../special/syscheck-fields.ts";
import { withoutMapping } from "./firing.ts";

/**
 * An agent takes messages of 65,408 bytes; beside the alert one holds the command's name and arguments. Longer alerts are told
 * without the logs in them, which no command needs.
 */
export const RESPONSE_ALERT_BYTES_MAX = 60 * 1024;
/** Of location and path: agents that are told them take 1,023 bytes in all. */
const PLACE_BYTES_MAX = 1023;

/** Gives the event's alert document, whole or without the logs. */
export type AlertDocuments = (options: { readonly withoutLogs: boolean }) => string;

/** Null when no form of the alert is short enough. */
export function decisionLine(
  event: Event,
  decided: { readonly rule: CompiledRule; readonly responses: readonly ActiveResponse[] },
  documents: AlertDocuments,
): string | null {
  const alert = shortEnough(documents);
  if (alert === null) return null;
  return formatDecision({
    id: `${Math.floor(event.receivedMs / 1000)}.${event.position}`,
    ruleId: decided.rule.idText,
    srcip: withoutMapping(event.statics[SRCIP] ?? ""),
    dstuser: event.statics[DSTUSER] ?? "",
    location: event.location.slice(0, PLACE_BYTES_MAX),
    file: isFimEvent(event) ? (fimValuesOf(event).get("file") ?? "").slice(0, PLACE_BYTES_MAX) : "",
    responses: decided.responses.flatMap((response) => decidedOf(response, event)),
    alert,
  });
}

function shortEnough(documents: AlertDocuments): string | null {
  for (const withoutLogs of [false, true]) {
    const alert = documents({ withoutLogs });
    if (alert.length <= RESPONSE_ALERT_BYTES_MAX) return alert;
  }
  return null;
}

/** Nothing for an event of no valid agent. */
function decidedOf(response: ActiveResponse, event: Event): readonly DecidedResponse[] {
  const { command, timeoutSeconds } = response;
  const target = targetOf(response.target, parseAgentId(event.agentId));
  if (target === null) return [];
  const name = `${command.name}${timeoutSeconds}`;
  return [{ name, executable: command.executable, timeoutSeconds, extraArgs: command.extraArgs, target }];
}

function targetOf(target: ActiveResponse["target"], agentId: AgentId | null): ResponseTarget | null {
  if (target.location === "server" || target.location === "all") return { kind: target.location };
  if (target.location === "defined-agent") {
    // `1` means the agent 001, as with the peer.
    return { kind: "agent", agentId: agentIdOf(Number(target.agentId)) };
  }
  if (agentId === null) return null;
  return Number(agentId) === 0 ? { kind: "server" } : { kind: "agent", agentId };
}
