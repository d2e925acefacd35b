/**
 * Responses that need no program: the names of the peer's scripts and a few more, done by whoever has the rights. To execd they are
 * programs like others, which name their keys, go on when told to, and undo.
 */
import type { ProcessTable } from "#kernel/ports/process-table.ts";
import {
  blockableAddress,
  type HostAction,
  type HostActionOutcome,
  isAccountName,
  isPlainPath,
  isProcessId,
  parseHostAction,
} from "#model/host-action.ts";
import type { HostActions, RunningScript, ScriptHandler, ScriptStarter } from "./needs.ts";
import { type JsonObject, keysLine, parameterText, parseObject, SCRIPT_FOLDER } from "./script-message.ts";

/** What a response is about; where an alert says it, first of all what the peer's scripts take. */
type Subject = {
  readonly places: readonly (readonly string[])[];
  /** Its one form; null when it is none. */
  readonly parse: (text: string) => string | null;
  /** For a person who names it wrong; as the peer's scripts say it. */
  readonly problem: string;
};

type BuiltIn = {
  readonly subject: Subject | null;
  readonly act: (
    subject: string,
    message: JsonObject,
    processes: Pick<ProcessTable, "find">,
  ) => HostAction | null;
  /** Null for what cannot be undone: it is done at once, without keys. */
  readonly undo: ((subject: string) => HostAction) | null;
};

const ADDRESS: Subject = {
  places: [
    ["alert", "data", "win", "eventdata", "ipAddress"],
    ["alert", "data", "win", "eventdata", "destinationIp"],
    ["alert", "data", "srcip"],
  ],
  parse: blockableAddress,
  problem: "Cannot read 'srcip' from data or invalid IP format",
};
const USER: Subject = {
  places: [["alert", "data", "dstuser"]],
  parse: (text) => (isAccountName(text) ? text : null),
  problem: "Cannot read 'dstuser' from data or invalid account name",
};
const PROCESS: Subject = {
  places: [["alert", "data", "pid"]],
  parse: (text) => (/^[0-9]{1,7}$/.test(text) && isProcessId(Number(text)) ? text : null),
  problem: "Cannot read 'pid' from data, or it is no process that may be stopped",
};
const FILE: Subject = {
  places: [
    ["alert", "syscheck", "path"],
    ["alert", "data", "virustotal", "source", "file"],
  ],
  // Texts of alerts are one char a byte.
  parse: (text) => {
    const path = Buffer.from(text, "latin1").toString("utf8");
    return isPlainPath(path) ? path : null;
  },
  problem: "Cannot read the path of a file from the alert",
};
const ITEM: Subject = {
  places: [["alert", "data", "item"]],
  parse: (text) => text,
  problem: "Cannot read 'item' from data",
};

/** A process that began later than this behind the alert only has the number of the one that was meant. */
const START_SLACK_MS = 2000;

const RESTART: BuiltIn = { subject: null, act: () => ({ kind: "restart_manager" }), undo: null };

const BUILT_INS: ReadonlyMap<string, BuiltIn> = new Map([
  ["firewall-drop", ofAddress("ban", "unban")],
  ["default-firewall-drop", ofAddress("ban", "unban")],
  // A table of our own stands before those of firewalld, and stays when that is reloaded.
  ["firewalld-drop", ofAddress("ban", "unban")],
  ["ip-customblock", ofAddress("mark_address", "unmark_address")],
  ["route-null", ofAddress("add_null_route", "remove_null_route")],
  ["host-deny", ofAddress("deny_host", "allow_host")],
  [
    "disable-account",
    {
      subject: USER,
      act: (user) => ({ kind: "disable_account", user }),
      undo: (user) => ({ kind: "enable_account", user }),
    },
  ],
  ["stop-process", { subject: PROCESS, act: stopAction, undo: null }],
  ["quarantine-file", { subject: FILE, act: (path) => ({ kind: "quarantine_file", path }), undo: null }],
  [
    "release-file",
    { subject: ITEM, act: (item) => parseHostAction({ kind: "release_file", item }), undo: null },
  ],
  ["restart-wazuh", RESTART],
  ["restart.sh", RESTART],
]);

function ofAddress(
  act: Extract<HostAction, { readonly address: string }>["kind"],
  undo: Extract<HostAction, { readonly address: string }>["kind"],
): BuiltIn {
  return {
    subject: ADDRESS,
    act: (address) => ({ kind: act, address }),
    undo: (address) => ({ kind: undo, address }),
  };
}

function stopAction(
  subject: string,
  message: JsonObject,
  processes: Pick<ProcessTable, "find">,
): HostAction | null {
  const pid = Number(subject);
  const facts = processes.find(pid);
  const alertMs = Date.parse(parameterText(message, ["alert", "timestamp"]) ?? "");
  if (facts === null || facts.startedMs > alertMs + START_SLACK_MS) return null;
  return { kind: "stop_process", pid, startTicks: facts.startTicks };
}

/** What agents have beside the built-in names, and this host where somebody put it. wazuh v4.14.7: src/active-response. */
const SCRIPTS_OF_ADDRESSES: ReadonlySet<string> = new Set([
  ...["firewalld-drop", "default-firewall-drop", "ip-customblock", "ipfw", "npf", "pf"],
  ...["netsh", "netsh.exe", "route-null.exe"],
]);

function subjectTakenBy(executable: string): Subject | null {
  if (SCRIPTS_OF_ADDRESSES.has(executable)) return ADDRESS;
  return BUILT_INS.get(executable)?.subject ?? null;
}

/** What is wrong with the subject that an alert has for a response of this name; null when nothing is, or it has none. */
export function alertProblem(executable: string, alert: JsonObject): string | null {
  const taken = subjectTakenBy(executable.startsWith("!") ? executable.slice(1) : executable);
  if (taken === null) return null;
  const subjects = taken.places.map((place) => parameterText({ parameters: { alert } }, place));
  return subjects.some((text) => text !== null && taken.parse(text) === null) ? taken.problem : null;
}

/** What a response is asked for by a person is about. */
export type Asked =
  /** The alert that it reads its subject of. */
  | { readonly kind: "about"; readonly alert: JsonObject; readonly address: string; readonly user: string }
  /** It takes no subject, or what it takes is not known. */
  | { readonly kind: "anything" }
  | { readonly kind: "refused"; readonly problem: string };

/** A subject of the wrong type goes nowhere: agents of old versions give it to a command as it is. */
export function askedAbout(executable: string, subject: string | undefined): Asked {
  const taken = subjectTakenBy(executable);
  if (taken === null) return { kind: "anything" };
  const [, outer = "", ...inner] = taken.places.at(-1) ?? [];
  if (subject === undefined || taken.parse(subject) === null)
    return { kind: "refused", problem: taken.problem };
  const value = inner.reduceRight<JsonObject | string>((content, name) => ({ [name]: content }), subject);
  const [address, user] = [taken === ADDRESS ? subject : "", taken === USER ? subject : ""];
  return { kind: "about", alert: { [outer]: value }, address, user };
}

export type BuiltInNeeds = {
  readonly actions: HostActions;
  readonly processes: Pick<ProcessTable, "find">;
  /** A line of logs/active-responses.log, without its time. */
  readonly log: (program: string, text: string) => void;
};

export class BuiltIns implements ScriptStarter {
  readonly #needs: BuiltInNeeds;

  constructor(needs: BuiltInNeeds) {
    this.#needs = needs;
  }

  has(executable: string): boolean {
    return BUILT_INS.has(executable);
  }

  start({ executable }: { readonly executable: string }, handler: ScriptHandler): RunningScript {
    const log = (text: string) => this.#needs.log(`${SCRIPT_FOLDER}/${executable}`, text);
    let first: JsonObject | null = null;
    log("Starting");
    const finish = (outcome: HostActionOutcome) => {
      log(outcome.ok ? "Ended" : outcome.text);
      handler.ended(outcome.ok, outcome.text);
    };
    const tell = (line: string): void => {
      log(line);
      const message = parseObject(line) ?? {};
      const command = message["command"];
      if (command === "abort") {
        log("Aborted");
        handler.ended(true, "Aborted");
        return;
      }
      const keys = command === "add" ? this.#keysOf(executable, message) : null;
      if (keys === null) {
        void this.perform(executable, first ?? message, command === "delete" ? "undo" : "act").then(finish);
        return;
      }
      first = message;
      log(keys);
      handler.said(keys);
    };
    return { tell, close: () => {}, kill: () => {} };
  }

  /** What would be done when it is done now; `dryRun` asks only. */
  async perform(
    executable: string,
    message: JsonObject,
    way: "act" | "undo",
    { dryRun }: { readonly dryRun: boolean } = { dryRun: false },
  ): Promise<HostActionOutcome> {
    const builtIn = BUILT_INS.get(executable);
    if (builtIn === undefined) return failed("unknown", `There is no response '${executable}'`);
    const subject = subjectOf(builtIn, message);
    if (subject === null) return failed("argument_invalid", builtIn.subject?.problem ?? "");
    const { actions, processes } = this.#needs;
    const action =
      way === "act" ? builtIn.act(subject, message, processes) : (builtIn.undo?.(subject) ?? null);
    if (action === null) return failed("nothing_to_do", `There is nothing for ${executable} to do`);
    return actions.ask(action, askerOf(message), { dryRun });
  }

  /** Null when it goes on without being told to. */
  #keysOf(executable: string, message: JsonObject): string | null {
    const builtIn = BUILT_INS.get(executable);
    if (builtIn?.undo == null) return null;
    const subject = subjectOf(builtIn, message);
    return subject === null ? null : keysLine(executable, [subject]);
  }
}

function subjectOf({ subject }: BuiltIn, message: JsonObject): string | null {
  if (subject === null) return "";
  for (const place of subject.places) {
    const text = parameterText(message, place);
    if (text !== null) return subject.parse(text);
  }
  return null;
}

/** Alerts have ids; what a person asks for has none. */
function askerOf(message: JsonObject): string {
  const alert = parameterText(message, ["alert", "id"]);
  const rule = parameterText(message, ["alert", "rule", "id"]);
  return alert === null ? "command line" : `alert ${alert} of rule ${rule ?? "?"}`;
}

function failed(code: string, text: string): HostActionOutcome {
  return { ok: false, code, text };
}
