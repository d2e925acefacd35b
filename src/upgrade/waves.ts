/**
 * Which agents of a campaign may begin: first the canary, then waves of one size, each when all before it have ended. Too many failures
 * among those that began end it. Pure.
 */
import { atMost, type Share } from "./share.ts";

export type WavePlan = {
  readonly total: number;
  /** 0 for none. */
  readonly canary: number;
  /** At least 1. */
  readonly wave: number;
};

/** How many of the agents, in their order, may have begun when `ended` of them have ended. */
export function openedBy({ total, canary, wave }: WavePlan, ended: number): number {
  if (ended < canary) return Math.min(total, canary);
  const wavesEnded = Math.floor((ended - canary) / wave);
  return Math.min(total, canary + (wavesEnded + 1) * wave);
}

/** Failures count among those that may have begun: one failed canary of ten is more than 5 %. */
export function failsTooOften(failed: number, opened: number, failuresMax: Share): boolean {
  return failed > atMost(failuresMax, opened);
}
