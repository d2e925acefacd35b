/** Keys that are to be asked for elsewhere, each once in a while: who is refused tries again at once, and strangers name any id. Pure. */
import { type KeyWish, keyWishText } from "#model/agent.ts";
import { KEY_WISH_AGAIN_MS, KEY_WISHES_MAX } from "./limits.ts";

export type WishVerdict = "new" | "asked_before" | "over_limit";

export class KeyWishes {
  /** When each was asked for, oldest first. */
  readonly #askedMs = new Map<string, number>();

  take(wish: KeyWish, nowMs: number): WishVerdict {
    for (const [asked, askedMs] of this.#askedMs) {
      if (nowMs - askedMs < KEY_WISH_AGAIN_MS) break;
      this.#askedMs.delete(asked);
    }
    const text = `${wish.kind}:${keyWishText(wish)}`;
    if (this.#askedMs.has(text)) return "asked_before";
    if (this.#askedMs.size >= KEY_WISHES_MAX) return "over_limit";
    this.#askedMs.set(text, nowMs);
    return "new";
  }
}
