/**
 * Collects the logs of this host as events of agent 000: journald where it runs, else the usual files of a syslog daemon, and the
 * files that the configuration names.
 *
 * The thin shell over the tails: looks for files, polls, and keeps the positions once what was read is durable.
 */
import { CodedError, messageOf } from "#kernel/errors.ts";
import type { Clock, Timer } from "#kernel/ports/clock.ts";
import type { Files } from "#kernel/ports/files.ts";
import type { Processes } from "#kernel/ports/processes.ts";
import type { EventSink } from "#model/event-sink.ts";
import type { HostLogEvents } from "./events.ts";
import { type FilePosition, FileTail } from "./file-tail.ts";
import { JOURNALD_LOCATION, JournaldTail } from "./journald-tail.ts";
import { BUSY_DELAY_MS, DISCOVER_PERIOD_MS, FILES_MAX, POLL_PERIOD_MS, SAVE_PERIOD_MS } from "./limits.ts";
import { type LineFormat, parseLineFormat } from "./log-lines.ts";
import { hasWildcards, matchesName, type NamePattern, parseNamePattern } from "./path-pattern.ts";
import { formatPositions, NO_POSITIONS, parsePositions, type SavedPositions } from "./saved-positions.ts";

const JOURNALD_DIRECTORY = "/run/systemd/journal";
const PLAIN: LineFormat = { kind: "line" };
const AUDIT: LineFormat = { kind: "audit" };

type Candidate = { readonly path: string; readonly format: LineFormat };

/** What a syslog daemon writes of the messages that journald has too. */
const SYSLOG_FILES: readonly Candidate[] = [
  { path: "/var/log/auth.log", format: PLAIN },
  { path: "/var/log/secure", format: PLAIN },
  { path: "/var/log/syslog", format: PLAIN },
  { path: "/var/log/messages", format: PLAIN },
  { path: "/var/log/kern.log", format: PLAIN },
];
/** What programs write themselves. */
const PROGRAM_FILES: readonly Candidate[] = [
  { path: "/var/log/dpkg.log", format: PLAIN },
  { path: "/var/log/audit/audit.log", format: AUDIT },
  { path: "/var/log/nginx/access.log", format: PLAIN },
  { path: "/var/log/nginx/error.log", format: PLAIN },
  { path: "/var/log/apache2/access.log", format: PLAIN },
  { path: "/var/log/apache2/error.log", format: PLAIN },
  { path: "/var/log/httpd/access_log", format: PLAIN },
  { path: "/var/log/httpd/error_log", format: PLAIN },
];

/** One `localfile` of the configuration: an absolute path, whose last part may have wildcards. */
export type LocalFile = { readonly location: string; readonly format: string };

export type HostLogsNeeds = {
  readonly files: Files;
  readonly processes: Processes;
  readonly clock: Clock;
  readonly sink: EventSink;
  readonly events: HostLogEvents;
};

export type HostLogsOptions = {
  /** Where the positions are kept (`queue/host-logs`). */
  readonly directory: string;
  readonly localFiles: readonly LocalFile[];
};

type Wildcard = { readonly directory: string; readonly pattern: NamePattern; readonly format: LineFormat };

export class HostLogs {
  readonly #needs: HostLogsNeeds;
  readonly #options: HostLogsOptions;
  readonly #tails = new Map<string, FileTail>();
  readonly #wildcards: Wildcard[] = [];
  /** The paths in `#tails` that a wildcard found. */
  readonly #found = new Set<string>();
  #journald: JournaldTail | null = null;
  #saved: SavedPositions = NO_POSITIONS;
  #timer: Timer | null = null;
  #discoverAtMs = 0;
  #saveAtMs = 0;
  #savedText = "";
  #saving = false;
  #stopped = false;

  constructor(needs: HostLogsNeeds, options: HostLogsOptions) {
    this.#needs = needs;
    this.#options = options;
  }

  /** Throws `CodedError` when the directory of the positions cannot be made. */
  start(): void {
    const { files, clock } = this.#needs;
    files.makeDirectory(this.#options.directory);
    this.#saved = this.#loadPositions();
    for (const localFile of this.#options.localFiles) this.#addConfigured(localFile);
    this.#addCandidates(PROGRAM_FILES);
    this.#chooseSystemLog();
    this.#discover("end");
    this.#saveAtMs = clock.monotonicMs() + SAVE_PERIOD_MS;
    this.#tick();
  }

  /** Reads no more. The positions are kept when all that was read is durable: close the journal after this. */
  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
    this.#journald?.stop();
    for (const tail of this.#tails.values()) tail.close();
    this.#savePositions();
  }

  #addConfigured({ location, format }: LocalFile): void {
    const { events } = this.#needs;
    if (format === JOURNALD_LOCATION) {
      this.#followJournald();
      return;
    }
    const lineFormat = parseLineFormat(format);
    const slash = location.lastIndexOf("/");
    const name = location.slice(slash + 1);
    if (lineFormat === null) events.formatUnknown(location, format);
    else if (!location.startsWith("/") || hasWildcards(location.slice(0, slash))) {
      events.unreadable(location, "path_not_supported");
    } else if (hasWildcards(name)) {
      const directory = slash === 0 ? "/" : location.slice(0, slash);
      this.#wildcards.push({ directory, pattern: parseNamePattern(name), format: lineFormat });
    } else this.#addTail({ path: location, format: lineFormat }, "end", true);
  }

  #addCandidates(candidates: readonly Candidate[]): void {
    for (const candidate of candidates) this.#addTail(candidate, "end", false);
  }

  #addTail({ path, format }: Candidate, startAt: "start" | "end", expected: boolean): void {
    if (this.#tails.has(path)) return;
    if (this.#tails.size >= FILES_MAX) {
      this.#needs.events.tooManyFiles();
      return;
    }
    const options = { path, format, expected, startAt: this.#saved.files.get(path) ?? startAt };
    this.#tails.set(path, new FileTail(this.#needs, options));
  }

  #chooseSystemLog(): void {
    const { files, processes } = this.#needs;
    if (files.info(JOURNALD_DIRECTORY) === null) {
      this.#addCandidates(SYSLOG_FILES);
      return;
    }
    processes.start("journalctl", ["--version"], {
      output: () => {},
      ended: (code) => {
        if (this.#stopped) return;
        if (code === 0) this.#followJournald();
        else this.#addCandidates(SYSLOG_FILES);
      },
    });
  }

  #followJournald(): void {
    if (this.#journald !== null) return;
    this.#journald = new JournaldTail(this.#needs, this.#saved.journaldCursor);
    this.#journald.start();
    this.#needs.events.journaldStarted();
  }

  #tick(): void {
    const { clock } = this.#needs;
    const nowMs = clock.monotonicMs();
    if (nowMs >= this.#discoverAtMs) this.#discover("start");
    this.#journald?.poll();
    let busy = false;
    for (const tail of this.#tails.values()) if (tail.poll()) busy = true;
    if (nowMs >= this.#saveAtMs && !this.#saving) {
      this.#savePositions();
      this.#saveAtMs = nowMs + SAVE_PERIOD_MS;
    }
    this.#timer = clock.after(busy ? BUSY_DELAY_MS : POLL_PERIOD_MS, () => this.#tick());
  }

  /** Files that a wildcard finds later than at the start are new from their first line on. */
  #discover(startAt: "start" | "end"): void {
    this.#discoverAtMs = this.#needs.clock.monotonicMs() + DISCOVER_PERIOD_MS;
    const present = new Set<string>();
    for (const wildcard of this.#wildcards) {
      for (const path of this.#matches(wildcard)) {
        this.#addTail({ path, format: wildcard.format }, startAt, false);
        this.#found.add(path);
        present.add(path);
      }
    }
    for (const path of this.#found) if (!present.has(path)) this.#forgetIfGone(path);
  }

  /** Names with a date in them would pile up else. */
  #forgetIfGone(path: string): void {
    if (this.#tails.get(path)?.position) return; // still reads what was renamed
    this.#tails.delete(path);
    this.#found.delete(path);
    this.#needs.events.forget(path);
  }

  #matches({ directory, pattern }: Wildcard): string[] {
    const { files, events } = this.#needs;
    try {
      const entries = files.list(directory);
      const names = entries.filter(({ kind, name }) => kind === "file" && matchesName(pattern, name));
      return names.map(({ name }) => (directory === "/" ? `/${name}` : `${directory}/${name}`));
    } catch (error) {
      if (!(error instanceof CodedError)) throw error;
      events.unreadable(directory, error.code);
      return [];
    }
  }

  get #positionsPath(): string {
    return `${this.#options.directory}/offsets.json`;
  }

  #loadPositions(): SavedPositions {
    const { files, events } = this.#needs;
    if (files.info(this.#positionsPath) === null) return NO_POSITIONS;
    try {
      const saved = parsePositions(files.read(this.#positionsPath).toString("utf8"));
      if (saved !== null) return saved;
    } catch (error) {
      if (!(error instanceof CodedError)) throw error;
    }
    events.positionsUnreadable(this.#positionsPath);
    return NO_POSITIONS;
  }

  #savePositions(): void {
    const positions = new Map<string, FilePosition>();
    for (const [path, tail] of this.#tails) if (tail.position !== null) positions.set(path, tail.position);
    const journaldCursor = this.#journald === null ? this.#saved.journaldCursor : this.#journald.cursor;
    const text = formatPositions({ files: positions, journaldCursor });
    if (text === this.#savedText) return;
    this.#saving = true;
    this.#needs.sink.whenDurable(() => this.#replacePositions(text));
  }

  #replacePositions(text: string): void {
    const { files, events } = this.#needs;
    this.#saving = false;
    try {
      files.replace(this.#positionsPath, Buffer.from(text, "utf8"));
      this.#savedText = text;
    } catch (error) {
      if (!(error instanceof CodedError)) throw error;
      events.positionsNotKept(messageOf(error)); // the next save tries again
    }
  }
}
