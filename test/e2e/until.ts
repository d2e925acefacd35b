/** Waiting for what another process does. */
import { setTimeout as delay } from "node:timers/promises";

const LOOK_PERIOD_MS = 20;

/** Resolves when `condition` is true; rejects after `millisecondsMax`, which is there for what never comes and not a promise of speed. */
export async function until(
  what: string,
  millisecondsMax: number,
  condition: () => boolean | Promise<boolean>,
): Promise<void> {
  const deadline = performance.now() + millisecondsMax;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`not within ${millisecondsMax} ms: ${what}`);
    await delay(LOOK_PERIOD_MS);
  }
}
