/** The log test without its socket: one request in, its answer out. */
import { mitreWarnings } from "#analysis/match/mitre.ts";
import { rulesDebug, Trace } from "#analysis/trace/trace.ts";
import type { MitreTable } from "#formats/mitre/mitre-table.ts";
import { messageOf } from "#kernel/errors.ts";
import { type LogSession, locationFault, type SessionResult } from "#rule-tests/session.ts";
import { boundedMessages, messagesAnswer, processedAnswer, refusalAnswer } from "./answer.ts";
import type { LogtestEvents } from "./events.ts";
import { LOCATION_BYTES_MAX } from "./limits.ts";
import {
  EVENT_FAILED,
  LOCATION_UNFORMATTED,
  type Message,
  SESSION_FAILED,
  sessionClosed,
  sessionNotFound,
  sessionOpened,
  tokenExpired,
  warning,
} from "./message.ts";
import type { LogtestConfig, LogtestNeeds } from "./needs.ts";
import { type LogProcessing, type RemoveSession, readRequest } from "./request.ts";
import { type Session, Sessions } from "./sessions.ts";

export class Logtest {
  readonly #needs: LogtestNeeds;
  readonly #events: LogtestEvents;
  readonly #sessions: Sessions;

  constructor(config: LogtestConfig, needs: LogtestNeeds, events: LogtestEvents) {
    this.#needs = needs;
    this.#events = events;
    this.#sessions = new Sessions(config, needs, events);
  }

  /** JSON as a latin1 string. */
  answer(bytes: Buffer): string {
    this.#events.count("logtest_requests");
    const request = readRequest(bytes);
    switch (request.kind) {
      case "refused":
        this.#events.count("logtest_requests_refused");
        return refusalAnswer(request);
      case "remove_session":
        return this.#remove(request);
      case "log_processing":
        return this.#process(request);
    }
  }

  sweep(): void {
    this.#sessions.sweep();
  }

  #remove({ token }: RemoveSession): string {
    return messagesAnswer([this.#sessions.remove(token) ? sessionClosed(token) : sessionNotFound(token)]);
  }

  #process(request: LogProcessing): string {
    const { session, messages } = this.#sessionFor(request);
    if (session === null) return messagesAnswer(messages);
    const trace = request.rulesDebug ? new Trace() : null;
    const { token, log, ruleset } = session;
    const result = this.#run(log, request, trace);
    const failed = "failure" in result;
    this.#sessions.keepWithinMemory();
    return processedAnswer(messages, {
      token,
      output: failed ? null : log.document(result),
      rulesDebug: trace === null ? null : rulesDebug(trace),
      alert: !failed && result.alert,
      messages: [
        ...request.late,
        ...(failed ? result.failure : mitreMessages(result, ruleset.compiled.mitre)),
      ],
    });
  }

  #run(
    log: LogSession,
    { location, event: message }: LogProcessing,
    trace: Trace | null,
  ): SessionResult | { readonly failure: readonly Message[] } {
    if (!isPossibleLocation(location)) return { failure: [LOCATION_UNFORMATTED, EVENT_FAILED] };
    try {
      return log.process({ location, message, receivedMs: this.#needs.clock.wallMs() }, { trace });
    } catch (mistake) {
      // Ours, as in the analysis of the manager: it must not end the other sessions.
      this.#events.eventFailed(messageOf(mistake));
      return { failure: [EVENT_FAILED] };
    }
  }

  /** The request's own session, or a new one. */
  #sessionFor({ token, early }: LogProcessing): {
    readonly session: Session | null;
    readonly messages: readonly Message[];
  } {
    const known = token === null ? null : this.#sessions.use(token);
    if (known !== null) return { session: known, messages: early };
    const expired = token === null ? [] : [tokenExpired(token)];
    const { session, messages } = this.#sessions.open();
    const last = session === null ? SESSION_FAILED : sessionOpened(session.token);
    return { session, messages: boundedMessages([...early, ...expired, ...messages, last]) };
  }
}

/** The escaped form is what has a bound. */
function isPossibleLocation(location: string): boolean {
  const escapes = location.match(/[|:]/g)?.length ?? 0;
  return location.length + escapes <= LOCATION_BYTES_MAX && locationFault(location) === null;
}

/** What the event's rule names and the table of techniques does not know. */
function mitreMessages({ verdict }: SessionResult, table: MitreTable | null): readonly Message[] {
  const reference = verdict?.rule.definition.mitre ?? null;
  return reference === null || table === null ? [] : mitreWarnings(reference, table).map(warning);
}
