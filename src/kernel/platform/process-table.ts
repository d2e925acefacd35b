/** The kernel's process table, from /proc (proc(5)). */
import { readFileSync } from "node:fs";
import type { ProcessFacts, ProcessTable } from "../ports/process-table.ts";

/** Of the kernel's times as programs see them (sysconf(_SC_CLK_TCK)): 100 in a second on Linux. */
const TICK_MS = 10;

export const systemProcessTable: ProcessTable = {
  find,
  signal: (pid, signal) => {
    try {
      return process.kill(pid, signal);
    } catch {
      return false;
    }
  },
};

function find(pid: number): ProcessFacts | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    const status = readFileSync(`/proc/${pid}/status`, "latin1");
    // The name may hold blanks and parentheses; fields are counted after the last of them.
    const nameEnd = stat.lastIndexOf(")");
    const fields = stat.slice(nameEnd + 2).split(" ");
    const [parent = "", startTicks = ""] = [fields[1], fields[19]];
    const group = /^Tgid:\t([0-9]+)$/m.exec(status)?.[1] ?? "";
    const name = stat.slice(stat.indexOf("(") + 1, nameEnd);
    const upMs = Number(readFileSync("/proc/uptime", "latin1").split(" ")[0]) * 1000;
    const startedMs = Date.now() - upMs + Number(startTicks) * TICK_MS;
    return { pid, parentPid: Number(parent), threadGroup: Number(group), startTicks, startedMs, name };
  } catch {
    return null;
  }
}
