/** The decoders that are code, by the queue whose messages they read, with what they remember. */
import { CisCatDecoder } from "./ciscat.ts";
import { HostInfoDecoder, type HostInfoSnapshot } from "./host-info.ts";
import type { SpecialDecoder } from "./special.ts";
import { SyscollectorDecoder } from "./syscollector.ts";
import { WindowsEventDecoder } from "./windows-event.ts";

export type SpecialSnapshot = { readonly hostInfo: HostInfoSnapshot };

export class SpecialDecoders {
  readonly #hostInfo = new HostInfoDecoder();
  readonly #ofQueue: ReadonlyMap<string, SpecialDecoder> = new Map<string, SpecialDecoder>([
    ["3", this.#hostInfo],
    ["d", new SyscollectorDecoder()],
    ["e", new CisCatDecoder()],
    ["f", new WindowsEventDecoder()],
  ]);

  /** Undefined for a queue whose messages go through the decoder tree. */
  of(queue: string): SpecialDecoder | undefined {
    return this.#ofQueue.get(queue);
  }

  snapshot(): SpecialSnapshot {
    return { hostInfo: this.#hostInfo.snapshot() };
  }

  restore(snapshot: SpecialSnapshot): void {
    this.#hostInfo.restore(snapshot.hostInfo);
  }
}
