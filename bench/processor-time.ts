/** What another process used, as the kernel counts it: a benchmark's agents and manager share the machine, so the clock says little. */
import { readFileSync } from "node:fs";

/** The kernel's unit of a process's times (proc(5)): 100 on all of Linux's architectures that count here. */
const TICKS_PER_SECOND = 100;
/** Fields 14 and 15 of /proc/PID/stat, counted behind the command's name. */
const UTIME_FIELD = 11;
const STIME_FIELD = 12;

/** All threads of the process, since its start. */
export function cpuSecondsOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[UTIME_FIELD]) + Number(fields[STIME_FIELD])) / TICKS_PER_SECOND;
}

/** A share of one core with a thousandth's precision. */
export function shareOf(cpuSeconds: number, seconds: number): number {
  return Number((cpuSeconds / seconds).toFixed(3));
}
