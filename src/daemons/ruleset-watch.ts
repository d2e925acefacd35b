/**
 * Looks now and then whether the files of the rule set changed: the same files with the same sizes and times are the same rule set.
 *
 * A change counts when the next look finds it unchanged, so that a file that is being written is not read half.
 */
import { sourcesFingerprint } from "#analysis/ruleset/fingerprint.ts";
import type { RulesetSources } from "#analysis/ruleset/sources.ts";
import { CodedError } from "#kernel/errors.ts";
import type { Clock, Timer } from "#kernel/ports/clock.ts";
import type { Files } from "#kernel/ports/files.ts";

export type RulesetWatchNeeds = {
  readonly files: Files;
  readonly clock: Clock;
  /** As the configuration names them now; null when it has errors. May throw `CodedError`. */
  readonly sources: () => RulesetSources | null;
  readonly changed: () => void;
};

export class RulesetWatch {
  readonly #needs: RulesetWatchNeeds;
  readonly #timer: Timer;
  /** Of the files that are in use, or whose change was told. */
  #known: string | null;
  #seen: string | null;

  /** `inUse`: the files that are being loaded. */
  constructor(needs: RulesetWatchNeeds, periodSeconds: number, inUse: RulesetSources) {
    this.#needs = needs;
    this.#known = this.#fingerprint(() => inUse);
    this.#seen = this.#known;
    this.#timer = needs.clock.every(periodSeconds * 1000, () => this.#look());
  }

  stop(): void {
    this.#timer.cancel();
  }

  #look(): void {
    const found = this.#fingerprint(this.#needs.sources);
    const settled = found === this.#seen;
    this.#seen = found;
    if (found === null || !settled || found === this.#known) return;
    this.#known = found;
    this.#needs.changed();
  }

  /** Null when it cannot be told now. */
  #fingerprint(sources: () => RulesetSources | null): string | null {
    try {
      const found = sources();
      return found === null ? null : sourcesFingerprint(this.#needs.files, found);
    } catch (error) {
      if (error instanceof CodedError) return null;
      throw error;
    }
  }
}
