/**
 * The peer's socket of its connection service: `<agent id> <target> <payload>` asks an agent, a JSON object asks the manager itself
 * (wazuh v4.14.7: src/remoted/remcom.c, request.c).
 */
import { AGENT_ID_NUMBER_MAX, type AgentId, agentIdOf, parseAgentId } from "#model/agent.ts";
import type { AgentCounts } from "#model/agent-counts.ts";
import {
  answerJson,
  type CommandAnswer,
  DUE,
  EMPTY_LAST_ID,
  INVALID_AGENT,
  INVALID_AGENTS,
  type JsonCommands,
  NO_AGENTS,
  OK,
  refused,
  sectionAnswer,
  TOO_MANY_AGENTS,
} from "./command-answers.ts";
import type { JsonObject } from "./json.ts";
import { AGENTS_PER_ANSWER_MAX } from "./limits.ts";
import type { RemoteNeeds } from "./needs.ts";

const DAEMON = "wazuh-remoted";
const JSON_START = 0x7b;
const BLANK = 0x20;
/** What the peer says for each reason why an agent did not answer; for all others its first one. */
const INTERNAL_ERROR = "err Internal error";
const REQUEST_FAILURES: ReadonlyMap<string, string> = new Map([
  ["not_sent", "err Cannot send request"],
  ["not_confirmed", "err Maximum attempts exceeded"],
  ["not_answered", "err Response timeout"],
]);

/** Null when the peer hangs up without an answer. */
export async function answerRemote(needs: RemoteNeeds, request: Buffer): Promise<Uint8Array | null> {
  if (request[0] !== JSON_START) return await askAgent(needs, request);
  return await answerJson(commandsOf(needs), request);
}

async function askAgent(needs: RemoteNeeds, request: Buffer): Promise<Uint8Array | null> {
  const blank = request.indexOf(BLANK);
  if (blank === -1) return null;
  const agentId = parseAgentId(request.toString("latin1", 0, blank));
  if (agentId === null) return Buffer.from("err Cannot send request");
  const outcome = await needs.request(agentId, request.subarray(blank + 1));
  if (outcome.ok) return outcome.answer;
  return Buffer.from(REQUEST_FAILURES.get(outcome.code) ?? INTERNAL_ERROR);
}

function commandsOf(needs: RemoteNeeds): JsonCommands {
  return {
    plain: { getstats: () => ({ code: OK, data: statistics(needs) }) },
    withParameters: {
      getagentsstats: (parameters) => agentsStatistics(needs, parameters),
      getconfig: (parameters) => sectionAnswer(needs.section, parameters),
      assigngroup: (parameters) => assignment(needs, parameters),
    },
  };
}

function assignment(needs: RemoteNeeds, { agent, md5 }: JsonObject): CommandAnswer {
  if (typeof agent !== "string" || typeof md5 !== "string") return refused(INVALID_AGENT);
  const agentId = parseAgentId(agent);
  const group = agentId === null ? null : needs.assignGroup(agentId, md5);
  return { code: OK, data: group === null ? {} : { group } };
}

async function agentsStatistics(needs: RemoteNeeds, parameters: JsonObject): Promise<CommandAnswer> {
  const { agents, last_id: lastId } = parameters;
  if (Array.isArray(agents)) {
    if (agents.length >= AGENTS_PER_ANSWER_MAX) return refused(TOO_MANY_AGENTS);
    const ids = agents.map(idOfNumber);
    const known = ids.filter((id) => id !== null);
    if (known.length < ids.length || known.length === 0) return refused(NO_AGENTS);
    return { code: OK, data: await agentsData(needs, known) };
  }
  if (agents !== "all") return refused(INVALID_AGENTS);
  if (typeof lastId !== "number" || lastId < 0) return refused(EMPTY_LAST_ID);
  const ids = needs.activeAgents(lastId, AGENTS_PER_ANSWER_MAX);
  if (ids === null) return refused(NO_AGENTS);
  return { code: ids.length < AGENTS_PER_ANSWER_MAX ? OK : DUE, data: await agentsData(needs, ids) };
}

function idOfNumber(value: unknown): AgentId | null {
  if (typeof value !== "number" || !Number.isInteger(value)) return null;
  return value < 0 || value > AGENT_ID_NUMBER_MAX ? null : agentIdOf(value);
}

async function agentsData(needs: RemoteNeeds, ids: readonly AgentId[]): Promise<JsonObject> {
  const counts = await needs.agentCounts(ids);
  const agents = ids.flatMap((id, index) => {
    const agent = counts[index] ?? null;
    return agent === null ? [] : [agentData(id, agent)];
  });
  return { timestamp: seconds(needs.wallMs()), name: DAEMON, agents };
}

function agentData(id: AgentId, counts: AgentCounts): JsonObject {
  const { sinceMs, keepalives, startups, shutdowns, requestAnswers, events, sent, notSent } = counts;
  return {
    uptime: seconds(sinceMs),
    id: Number(id),
    metrics: {
      messages: {
        received_breakdown: {
          control: keepalives + startups + shutdowns + requestAnswers,
          control_breakdown: {
            keepalive: keepalives,
            request: requestAnswers,
            shutdown: shutdowns,
            startup: startups,
          },
          event: events,
        },
        sent_breakdown: {
          ack: sent.ack,
          ar: sent.ar,
          discarded: notSent,
          request: sent.request,
          sca: sent.sca,
          shared: sent.shared,
        },
      },
    },
  };
}

/** Queues that this program has not are empty. */
function statistics({ counters, queueSize, startedMs, wallMs }: RemoteNeeds): JsonObject {
  const values = counters();
  const count = (...names: readonly string[]) =>
    names.reduce((sum, name) => sum + (values[`agent_${name}`] ?? 0), 0);
  const control = count("keepalives", "startups", "shutdowns", "request_answers", "dropped_control_invalid");
  return {
    uptime: seconds(startedMs),
    timestamp: seconds(wallMs()),
    name: DAEMON,
    metrics: {
      bytes: { received: count("bytes_received"), sent: count("bytes_sent") },
      keys_reload_count: values["key_file_reloads"] ?? 0,
      messages: {
        received_breakdown: {
          control,
          control_breakdown: {
            keepalive: count("keepalives"),
            request: count("request_answers"),
            shutdown: count("shutdowns"),
            startup: count("startups"),
          },
          dequeued_after: 0,
          discarded: count("dropped_event_malformed", "dropped_event_keepalive", "datagrams_dropped"),
          event: count("events"),
          ping: count("pings"),
          unknown: count("dropped_control_invalid"),
        },
        sent_breakdown: {
          ack: count("sent_ack"),
          ar: count("sent_ar"),
          discarded: count("output_over_limit"),
          request: count("sent_request"),
          sca: count("sent_sca"),
          shared: count("sent_shared"),
        },
      },
      queues: { received: { size: queueSize, usage: 0 } },
      tcp_sessions: count("connections"),
      control_messages_queue_usage: 0,
      control_messages_queue_breakdown: { inserted: control, replaced: 0, processed: control },
    },
  };
}

function seconds(ms: number): number {
  return Math.floor(ms / 1000);
}
