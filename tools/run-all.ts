/** Runs commands side by side, each with its output kept together, and says which failed. */
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

export const ROOT = fileURLToPath(new URL("..", import.meta.url));

export type Task = { readonly name: string; readonly command: string; readonly args: readonly string[] };

type TaskResult = {
  readonly task: Task;
  readonly code: number;
  readonly output: string;
  readonly seconds: number;
};

function runTask(task: Task): Promise<TaskResult> {
  const begun = performance.now();
  return new Promise((resolve) => {
    const child = spawn(task.command, task.args, { cwd: ROOT, stdio: ["ignore", "pipe", "pipe"] });
    const chunks: Buffer[] = [];
    child.stdout.on("data", (chunk: Buffer) => chunks.push(chunk));
    child.stderr.on("data", (chunk: Buffer) => chunks.push(chunk));
    child.on("error", (error) => chunks.push(Buffer.from(`${error.message}\n`)));
    child.on("close", (code) => {
      const seconds = (performance.now() - begun) / 1000;
      resolve({ task, code: code ?? 1, output: Buffer.concat(chunks).toString("utf8"), seconds });
    });
  });
}

/** True when all ended well; prints a line for each and the output of those that did not. */
export async function runAll(tasks: readonly Task[]): Promise<boolean> {
  const results = await Promise.all(tasks.map(runTask));
  for (const { task, code, output, seconds } of results) {
    process.stdout.write(`${code === 0 ? "ok  " : "FAIL"} ${task.name} (${seconds.toFixed(1)} s)\n`);
    if (code !== 0) process.stdout.write(output);
  }
  return results.every(({ code }) => code === 0);
}
