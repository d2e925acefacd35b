/** An archive on its way to the other node, alike for both sides: announce the task, send the file, name both. */
import { type CommandName, joinName } from "#formats/wire/cluster/commands.ts";
import { type ClusterException, clusterError, writeException } from "#formats/wire/cluster/exceptions.ts";
import { CodedError } from "#kernel/errors.ts";
import { ARCHIVE_REFUSED, type ClusterNeeds } from "../needs.ts";
import type { FileSendOutcome, Session } from "../session.ts";

export type SendingCommands = {
  readonly announce: CommandName;
  readonly complete: CommandName;
  readonly failed: CommandName;
};

export const NO_TASK = "None";

/** A new name for an archive in the session's scratch directory; absolute. */
export function newArchive(
  session: Session,
  { clock, random }: Pick<ClusterNeeds, "clock" | "random">,
): string {
  const seconds = (clock.wallMs() / 1000).toFixed(6);
  return `${session.directory}/${session.workerName}-${seconds}-${random.bytes(16).toString("hex")}.zip`;
}

/** `archive` is absolute. The other side hears of every failure, so that it does not wait for the file. */
export async function sendArchive(
  session: Session,
  commands: SendingCommands,
  archive: string,
): Promise<FileSendOutcome> {
  const begun = await session.request(commands.announce);
  if (begun.kind === "failed") {
    tellFailure(session, commands.failed, NO_TASK, begun.error);
    return begun;
  }
  const taskId = begun.payload.toString("latin1", 0, 64);
  const name = archive.slice(archive.lastIndexOf("/") + 1);
  const sent = await session.sendFile(archive, taskId);
  if (sent.kind === "cancelled") return sent;
  if (sent.kind === "failed") {
    tellFailure(session, commands.failed, taskId, sent.error);
    return sent;
  }
  const path = `queue/cluster/${session.workerName}/${name}`;
  const completed = await session.request(commands.complete, `${taskId} ${path}`);
  return completed.kind === "failed" ? completed : sent;
}

export function tellFailure(
  session: Session,
  command: CommandName,
  taskId: string,
  error: ClusterException,
): void {
  void session.request(command, joinName(taskId, writeException(error)));
}

/** What the disk or the heavy work did, as an exception for the other side. Throws what is a mistake of ours. */
export function exceptionOf(error: unknown, metrics: ClusterNeeds["metrics"]): ClusterException {
  if (!(error instanceof CodedError)) throw error;
  if (error.code === ARCHIVE_REFUSED) metrics.add("cluster_archives_refused");
  return clusterError(3003, error.message);
}

/** False when the disk does not give it up now. One of a connection goes with it, and its scratch directory may be gone already. */
export function removeArchive(files: ClusterNeeds["files"], archive: string): boolean {
  try {
    if (files.info(archive) !== null) files.remove(archive);
    return true;
  } catch (error) {
    if (!(error instanceof CodedError)) throw error;
    return false;
  }
}
