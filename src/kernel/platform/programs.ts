/** Programs that are spoken with, by Node. */
import { spawn } from "node:child_process";
import { lstatSync } from "node:fs";
import { Socket } from "node:net";
import { messageOf } from "../errors.ts";
import type { FileOwner, ProgramHandler, ProgramStart, Programs, RunningProgram } from "../ports/programs.ts";

/** Enough for what a command says of a mistake. */
const ERROR_BYTES_MAX = 1024;

export const systemPrograms: Programs = { ownerOf, start, startApart };

function ownerOf(path: string): FileOwner | null {
  try {
    const stats = lstatSync(path);
    const kind = stats.isFile() ? "file" : stats.isDirectory() ? "directory" : "other";
    return { kind, userId: stats.uid, groupId: stats.gid, mode: stats.mode & 0o7777 };
  } catch {
    return null;
  }
}

function optionsOf({ directory, environment, account }: ProgramStart) {
  return {
    cwd: directory,
    env: environment,
    // A group of its own: what a script started ends with it, and a Ctrl-C at the terminal is not for it.
    detached: true,
    ...(account === null ? {} : { uid: account.userId, gid: account.groupId }),
  };
}

function startApart(start: ProgramStart): void {
  const child = spawn(start.path, start.args, { ...optionsOf(start), stdio: "ignore" });
  child.on("error", () => {});
  child.unref();
}

function start(program: ProgramStart, handler: ProgramHandler): RunningProgram {
  const child = spawn(program.path, program.args, { ...optionsOf(program), stdio: "pipe" });
  let errorText = "";
  let isEnded = false;
  const end = (code: number | null) => {
    if (isEnded) return;
    isEnded = true;
    handler.ended({ code, errorText });
  };
  child.stdout.on("data", (chunk: Buffer) => handler.output(chunk));
  child.stderr.on("data", (chunk: Buffer) => {
    errorText += chunk.toString("latin1").slice(0, ERROR_BYTES_MAX - errorText.length);
  });
  // It may end without having read what it was told.
  child.stdin.on("error", () => {});
  child.on("error", (error) => {
    errorText ||= messageOf(error);
    if (child.pid === undefined) end(null);
  });
  child.on("close", end);
  return {
    write: (bytes) => child.stdin.write(bytes),
    endInput: () => child.stdin.end(),
    leave: () => {
      child.unref();
      for (const stream of [child.stdin, child.stdout, child.stderr])
        if (stream instanceof Socket) stream.unref();
    },
    kill: () => killGroup(child.pid),
  };
}

function killGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // It ended by itself.
  }
}
