/** Connections that have not proved who they are, oldest first. */
import { UNAUTHENTICATED_MAX, UNAUTHENTICATED_MS_MAX } from "./limits.ts";

export class Strangers<Session> {
  readonly #sinceMs = new Map<Session, number>();

  get size(): number {
    return this.#sinceMs.size;
  }

  /** The session that has to go for this one, if any: the oldest, since an honest agent needs the shortest time. */
  add(session: Session, nowMs: number): Session | null {
    this.#sinceMs.set(session, nowMs);
    if (this.#sinceMs.size <= UNAUTHENTICATED_MAX) return null;
    return this.#sinceMs.keys().next().value ?? null;
  }

  remove(session: Session): void {
    this.#sinceMs.delete(session);
  }

  expired(nowMs: number): readonly Session[] {
    const expired: Session[] = [];
    for (const [session, sinceMs] of this.#sinceMs) {
      if (nowMs - sinceMs < UNAUTHENTICATED_MS_MAX) break;
      expired.push(session);
    }
    return expired;
  }

  /** Nothing was read for a while: everyone's time begins again. */
  restart(nowMs: number): void {
    for (const session of this.#sinceMs.keys()) this.#sinceMs.set(session, nowMs);
  }
}
