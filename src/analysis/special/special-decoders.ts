/** The decoders that are code, by the queue whose messages they read, with what they remember. */
import { CisCatDecoder } from "./ciscat.ts";
import { HostInfoDecoder, type HostInfoSnapshot } from "./host-info.ts";
import { RootcheckDecoder, type RootcheckSnapshot } from "./rootcheck.ts";
import { ScaDecoder, type ScaRequest, type ScaSnapshot } from "./sca.ts";
import type { SpecialDecoder } from "./special.ts";
import { SyscheckDecoder, type SyscheckSnapshot } from "./syscheck.ts";
import { SyscollectorDecoder } from "./syscollector.ts";
import { WindowsEventDecoder } from "./windows-event.ts";

export type SpecialSnapshot = {
  readonly hostInfo: HostInfoSnapshot;
  readonly syscheck: SyscheckSnapshot;
  readonly rootcheck: RootcheckSnapshot;
  readonly sca: ScaSnapshot;
};

export class SpecialDecoders {
  readonly #hostInfo = new HostInfoDecoder();
  readonly #syscheck = new SyscheckDecoder();
  readonly #rootcheck = new RootcheckDecoder();
  readonly #sca = new ScaDecoder();
  readonly #ofQueue: ReadonlyMap<string, SpecialDecoder> = new Map<string, SpecialDecoder>([
    ["3", this.#hostInfo],
    ["8", this.#syscheck],
    ["9", this.#rootcheck],
    ["d", new SyscollectorDecoder()],
    ["e", new CisCatDecoder()],
    ["f", new WindowsEventDecoder()],
    ["p", this.#sca],
  ]);

  /** Undefined for a queue whose messages go through the decoder tree. */
  of(queue: string): SpecialDecoder | undefined {
    return this.#ofQueue.get(queue);
  }

  /** What agents are to be asked for, since the last call. */
  takeScaRequests(): readonly ScaRequest[] {
    return this.#sca.takeRequests();
  }

  /** What was refused or forgotten because a limit was reached. */
  get counts(): Readonly<Record<string, number>> {
    return { ...this.#syscheck.counts, ...this.#rootcheck.counts, ...this.#sca.counts };
  }

  snapshot(): SpecialSnapshot {
    return {
      hostInfo: this.#hostInfo.snapshot(),
      syscheck: this.#syscheck.snapshot(),
      rootcheck: this.#rootcheck.snapshot(),
      sca: this.#sca.snapshot(),
    };
  }

  restore(snapshot: SpecialSnapshot): void {
    this.#hostInfo.restore(snapshot.hostInfo);
    this.#syscheck.restore(snapshot.syscheck);
    this.#rootcheck.restore(snapshot.rootcheck);
    this.#sca.restore(snapshot.sca);
  }
}
