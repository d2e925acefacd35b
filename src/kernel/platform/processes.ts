/** Child processes by Node, without a shell. */
import { spawn } from "node:child_process";
import type { ChildProcess, Processes, ProcessHandler } from "../ports/processes.ts";

export const systemProcesses: Processes = {
  start(command: string, args: readonly string[], handler: ProcessHandler): ChildProcess {
    const child = spawn(command, args, { stdio: ["ignore", "pipe", "ignore"] });
    let ended = false;
    const end = (code: number | null) => {
      if (ended) return;
      ended = true;
      handler.ended(code);
    };
    child.stdout.on("data", (chunk: Buffer) => handler.output(chunk));
    child.on("error", () => end(null));
    child.on("close", (code) => end(code));
    return {
      pause: () => child.stdout.pause(),
      resume: () => child.stdout.resume(),
      stop: () => child.kill("SIGTERM"),
    };
  },
};
