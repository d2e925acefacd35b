/** The parent's end of a process with one side of a cluster: apart from the other side and the benchmark, so that its processor time and memory are its own. */
import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";

const PROCESS = fileURLToPath(new URL("cluster-process.ts", import.meta.url));
const ORDER_MS_MAX = 60_000;

/** Each is answered by a report. */
export type ClusterOrder =
  | { readonly kind: "master"; readonly home: string; readonly port: number; readonly agents: number }
  /** Each has its home below `homes`; the answer comes when the master has let all of them in. */
  | {
      readonly kind: "workers";
      readonly homes: string;
      readonly port: number;
      readonly count: number;
      /** That report to each of them. */
      readonly agents: number;
    }
  /** The master looks at its files again; after that each worker may check once. */
  | { readonly kind: "recalculate" }
  /** One worker after the other, so long after it, whether it has ended or not. */
  | { readonly kind: "check"; readonly gapMs: number }
  /** The first worker tells its master of its agents; `checkSeconds` is how long that took. */
  | { readonly kind: "agent_info" }
  | { readonly kind: "report" };

export type ClusterReport = {
  /** Since the start of the process, all threads. */
  readonly cpuSeconds: number;
  readonly rssBytesMax: number;
  /** From the order to the end of the check, or of what it brought, of each worker. */
  readonly checkSeconds: readonly number[];
  /** Warnings and errors of the log. */
  readonly problems: readonly string[];
};

export class ClusterNodes {
  readonly #child: ChildProcess = fork(PROCESS, { stdio: ["ignore", "inherit", "inherit", "ipc"] });

  order(order: ClusterOrder): Promise<ClusterReport> {
    const { promise, resolve, reject } = Promise.withResolvers<ClusterReport>();
    const ended = () => reject(new Error("the process of nodes ended"));
    const timer = setTimeout(() => reject(new Error(`no answer to '${order.kind}'`)), ORDER_MS_MAX);
    const answered = (report: ClusterReport) => {
      if (report.problems.length === 0) resolve(report);
      else reject(new Error(report.problems.slice(0, 10).join("\n")));
    };
    this.#child.once("exit", ended);
    this.#child.once("message", answered);
    this.#child.send(order);
    return promise.finally(() => {
      clearTimeout(timer);
      this.#child.off("exit", ended);
      this.#child.off("message", answered);
    });
  }

  end(): void {
    this.#child.disconnect();
  }
}
