/** Which processes may be stopped. */
import type { ProcessFacts, ProcessTable } from "#kernel/ports/process-table.ts";
import { ANCESTORS_MAX } from "./limits.ts";

export type ProcessVerdict = "may_stop" | "no_such_process" | "process_protected";

/** Of kthreadd, the parent of the kernel's threads. */
const KERNEL_PID = 2;

/**
 * `family` are processes of this program: neither they, nor what they started, nor what started them is stopped. A number that belongs to
 * a thread is none of a process.
 */
export function judgeProcess(
  { pid, startTicks }: { readonly pid: number; readonly startTicks: string },
  table: ProcessTable,
  family: readonly number[],
): ProcessVerdict {
  const facts = table.find(pid);
  if (facts === null || facts.startTicks !== startTicks || facts.threadGroup !== pid)
    return "no_such_process";
  const above = ancestorsOf(facts, table);
  if (above === null || pid <= KERNEL_PID || above.includes(KERNEL_PID)) return "process_protected";
  const isBelow = [pid, ...above].some((ancestor) => family.includes(ancestor));
  const isAbove = family.some((member) => {
    const found = table.find(member);
    return found !== null && (ancestorsOf(found, table)?.includes(pid) ?? true);
  });
  return isBelow || isAbove ? "process_protected" : "may_stop";
}

/** Null when there is no end to them. */
function ancestorsOf({ parentPid }: ProcessFacts, table: ProcessTable): readonly number[] | null {
  const above: number[] = [];
  for (let next = parentPid; next > 0; next = table.find(next)?.parentPid ?? 0) {
    above.push(next);
    if (above.length > ANCESTORS_MAX) return null;
  }
  return above;
}
