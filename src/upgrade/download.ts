/**
 * Brings packages from a repository into `var/upgrade`, each checked against the sum that the repository names; the signature is looked at
 * when the package is used (`package-file.ts`). In a thread of its own: a hundred megabytes are hashed and written.
 *
 * What a broken download brought is kept as `<sha1>.part` and gone on with; the sum tells whether the parts belong together.
 */
import { createHash, type Hash } from "node:crypto";
import { WPK_BYTES_MAX } from "#formats/wpk/wpk.ts";
import { CodedError } from "#kernel/errors.ts";
import { streamFollowing } from "#kernel/follow-redirects.ts";
import type { Clock } from "#kernel/ports/clock.ts";
import type { Files, OpenFile } from "#kernel/ports/files.ts";
import type { HttpHead, HttpRequest, HttpStreams, HttpTls } from "#kernel/ports/http-client.ts";
import type { UpgradeErrorCode } from "./errors.ts";
import {
  CACHED_PACKAGES_MAX,
  DOWNLOAD_ATTEMPTS_MAX,
  DOWNLOAD_MS_MAX,
  HASH_BUFFER_BYTES,
  PROGRESS_PERIOD_MS,
  SILENCE_MS_MAX,
  VERSIONS_BYTES_MAX,
  VERSIONS_MS_MAX,
} from "./limits.ts";
import { type PackagePlace, sha1InVersions } from "./repository.ts";

/** As `repository.ts` names packages, and parts of them. */
const DOWNLOADED_NAME = /^wazuh_agent_.*\.wpk$|^[0-9a-f]{40}\.part$/;

export type DownloadRequest = {
  /** Ends in a slash. */
  readonly repository: string;
  readonly version: string;
  readonly places: readonly PackagePlace[];
  /** `var/upgrade`. */
  readonly directory: string;
  readonly tls: HttpTls;
};

/** `bytes` of `totalBytes`, which is null when the server does not say. */
export type DownloadProgress = {
  readonly name: string;
  readonly bytes: number;
  readonly totalBytes: number | null;
};

/** `text` is for the user. */
export type DownloadOutcome =
  | { readonly ok: true; readonly path: string }
  | { readonly ok: false; readonly code: UpgradeErrorCode; readonly text: string };

export type DownloadNeeds = {
  readonly http: HttpStreams;
  readonly files: Files;
  readonly clock: Clock;
  readonly progress: (progress: DownloadProgress) => void;
};

/** In the order of the places. Does not reject for what the repository or the disk does. */
export async function downloadPackages(
  needs: DownloadNeeds,
  request: DownloadRequest,
): Promise<readonly DownloadOutcome[]> {
  const outcomes: DownloadOutcome[] = [];
  for (const place of request.places) {
    try {
      outcomes.push(await downloadOne(needs, request, place));
    } catch (error) {
      // The disk: what the network does has been caught below.
      if (!(error instanceof CodedError)) throw error;
      outcomes.push(failed("package_missing", error.message));
    }
  }
  return outcomes;
}

async function downloadOne(
  needs: DownloadNeeds,
  request: DownloadRequest,
  place: PackagePlace,
): Promise<DownloadOutcome> {
  const { files } = needs;
  const { directory, repository, version } = request;
  const sha1 = await readSum(needs, request, place);
  if (typeof sha1 !== "string") return sha1;
  const path = `${directory}/${place.name}`;
  const kept = files.info(path);
  if (kept?.kind === "file" && kept.bytes <= WPK_BYTES_MAX && sumOfFile(files, path) === sha1) {
    return { ok: true, path };
  }
  files.makeDirectory(directory);
  makeRoom(files, request);
  const url = `${repository}${place.folder}${place.name}`;
  const part = `${directory}/${sha1}.part`;
  let problem = "";
  for (let attempt = 1; attempt <= DOWNLOAD_ATTEMPTS_MAX; attempt++) {
    if (attempt > 1) await new Promise<void>((done) => needs.clock.after(attempt * 1000, done));
    const outcome = await attemptDownload(needs, request.tls, { url, part, name: place.name });
    if (outcome.ok && outcome.sha1 === sha1) {
      files.rename(part, path);
      return { ok: true, path };
    }
    if (outcome.ok) {
      files.remove(part);
      if (outcome.resumed) continue; // what was there before may have been of another file
      return failed("package_sum_wrong", `${url} has ${outcome.sha1}, the repository says ${sha1}`);
    }
    problem = outcome.text;
    if (outcome.final) return failed("package_missing", `${url}: ${problem}`);
  }
  return failed("package_missing", `${version}: ${url}: ${problem}`);
}

function failed(code: UpgradeErrorCode, text: string): DownloadOutcome & { readonly ok: false } {
  return { ok: false, code, text };
}

/** The sum that the repository names, or why there is none. */
async function readSum(
  { http }: DownloadNeeds,
  { repository, tls, version }: DownloadRequest,
  { folder }: PackagePlace,
): Promise<string | (DownloadOutcome & { readonly ok: false })> {
  const url = `${repository}${folder}versions`;
  const pieces: Buffer[] = [];
  try {
    const { status } = await streamFollowing(http, requestOf(url, tls, VERSIONS_BOUNDS), (piece) =>
      pieces.push(piece),
    );
    if (status !== 200) return failed("repository_unreachable", `${url}: status ${status}`);
  } catch (error) {
    if (!(error instanceof CodedError)) throw error;
    return failed("repository_unreachable", `${url}: ${error.message}`);
  }
  const sha1 = sha1InVersions(Buffer.concat(pieces).toString("latin1"), version);
  return sha1 ?? failed("version_not_in_repository", `${url} does not name ${version}`);
}

type Bounds = Pick<HttpRequest, "wholeMsMax" | "answerBytesMax">;

const VERSIONS_BOUNDS: Bounds = { wholeMsMax: VERSIONS_MS_MAX, answerBytesMax: VERSIONS_BYTES_MAX };
const DOWNLOAD_BOUNDS: Bounds = { wholeMsMax: DOWNLOAD_MS_MAX, answerBytesMax: WPK_BYTES_MAX };

/** `url` was made of a repository's address, which is one. */
function requestOf(url: string, tls: HttpTls, bounds: Bounds): HttpRequest {
  const request = { method: "GET", url: new URL(url), headers: {}, body: null, tls } as const;
  return { ...request, ...bounds, silenceMsMax: SILENCE_MS_MAX };
}

type Attempt =
  | { readonly ok: true; readonly sha1: string; readonly resumed: boolean }
  /** `final`: trying again changes nothing. */
  | { readonly ok: false; readonly text: string; readonly final: boolean };

type Aim = { readonly url: string; readonly part: string; readonly name: string };

async function attemptDownload(needs: DownloadNeeds, tls: HttpTls, aim: Aim): Promise<Attempt> {
  const writer = new PartWriter(needs, aim);
  try {
    const { bytes: from } = writer;
    const headers: Record<string, string> = from === 0 ? {} : { range: `bytes=${from}-` };
    const request = { ...requestOf(aim.url, tls, DOWNLOAD_BOUNDS), headers };
    const { status } = await streamFollowing(needs.http, request, (piece, head) => writer.take(piece, head));
    if (status === 416) {
      writer.restart();
      return { ok: false, text: `status ${status}`, final: false };
    }
    if (status !== 200 && status !== 206) {
      return { ok: false, text: `status ${status}`, final: status < 500 && status !== 408 && status !== 429 };
    }
    return { ok: true, sha1: writer.finish(), resumed: from > 0 && status === 206 };
  } catch (error) {
    if (!(error instanceof CodedError)) throw error;
    const { code, message } = error;
    return { ok: false, text: message, final: code === "http_answer_too_long" || code.startsWith("file_") };
  } finally {
    writer.close();
  }
}

/** The file of a download that is not whole yet, hashed as it grows. */
class PartWriter {
  readonly #needs: DownloadNeeds;
  readonly #aim: Aim;
  readonly #file: OpenFile;
  #hash: Hash = createHash("sha1");
  #bytes = 0;
  #begun = false;
  #toldMs = Number.NEGATIVE_INFINITY;

  constructor(needs: DownloadNeeds, aim: Aim) {
    this.#needs = needs;
    this.#aim = aim;
    const { files } = needs;
    if (files.info(aim.part) === null) files.open(aim.part, "create").close();
    this.#file = files.open(aim.part, "update");
    this.#bytes = hashInto(this.#hash, this.#file);
  }

  get bytes(): number {
    return this.#bytes;
  }

  take(piece: Buffer, head: HttpHead): void {
    if (head.status !== 200 && head.status !== 206) return; // a page about an error
    if (!this.#begun) {
      this.#begun = true;
      if (head.status === 200 || !startsAt(head, this.#bytes)) this.restart();
      if (head.status === 206 && !startsAt(head, this.#bytes))
        throw new CodedError("range_wrong", "another part was sent than was asked for");
    }
    if (this.#bytes + piece.length > WPK_BYTES_MAX)
      throw new CodedError("http_answer_too_long", `more than ${WPK_BYTES_MAX} bytes`);
    this.#file.write(piece, this.#bytes);
    this.#hash.update(piece);
    this.#bytes += piece.length;
    this.#tell(head);
  }

  /** Nothing of what is there is used. */
  restart(): void {
    this.#file.truncate(0);
    this.#hash = createHash("sha1");
    this.#bytes = 0;
  }

  finish(): string {
    this.#file.sync();
    return this.#hash.digest("hex");
  }

  close(): void {
    this.#file.close();
  }

  #tell({ headers }: HttpHead): void {
    const { clock, progress } = this.#needs;
    const nowMs = clock.monotonicMs();
    if (nowMs - this.#toldMs < PROGRESS_PERIOD_MS) return;
    this.#toldMs = nowMs;
    const whole = /\/([0-9]{1,15})$/.exec(headers["content-range"] ?? "")?.[1] ?? headers["content-length"];
    progress({
      name: this.#aim.name,
      bytes: this.#bytes,
      totalBytes: whole === undefined ? null : Number(whole),
    });
  }
}

function startsAt({ headers }: HttpHead, position: number): boolean {
  return (headers["content-range"] ?? "").startsWith(`bytes ${position}-`);
}

/** The bytes that were hashed. */
function hashInto(sum: Hash, file: OpenFile): number {
  const buffer = Buffer.alloc(HASH_BUFFER_BYTES);
  let position = 0;
  for (;;) {
    const count = file.read(buffer, position);
    if (count === 0) return position;
    sum.update(buffer.subarray(0, count));
    position += count;
  }
}

function sumOfFile(files: Files, path: string): string {
  const file = files.open(path, "read");
  try {
    const sum = createHash("sha1");
    hashInto(sum, file);
    return sum.digest("hex");
  } finally {
    file.close();
  }
}

/** Of what was downloaded for others, finished or not, the oldest go. Copies that agents are being sent have other names. */
function makeRoom(files: Files, { directory, places }: DownloadRequest): void {
  const wanted = new Set(places.map(({ name }) => name));
  const others = files
    .list(directory)
    .filter(({ name, kind }) => kind === "file" && DOWNLOADED_NAME.test(name) && !wanted.has(name))
    .map(({ name }) => `${directory}/${name}`)
    .map((path) => ({ path, modifiedMs: files.info(path)?.modifiedMs ?? 0 }))
    .sort((a, b) => b.modifiedMs - a.modifiedMs);
  for (const { path } of others.slice(CACHED_PACKAGES_MAX)) files.remove(path);
}
