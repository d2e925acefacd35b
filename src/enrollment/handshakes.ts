/**
 * Lets a few TLS handshakes run at a time; the others wait, and of them the newest is next. In a crowd that begins handshakes and falls
 * silent, who means it would be last, and its patience would end before its turn.
 */

export class HandshakeGate<Client> {
  readonly #placesMax: number;
  readonly #start: (client: Client) => void;
  readonly #running = new Set<Client>();
  readonly #waiting: Client[] = [];
  #starting = false;

  constructor(placesMax: number, start: (client: Client) => void) {
    this.#placesMax = placesMax;
    this.#start = start;
  }

  get running(): number {
    return this.#running.size;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  /** Starts the client's handshake now or later. */
  enter(client: Client): void {
    this.#waiting.push(client);
    this.#startNext();
  }

  /** The handshake is over, or the client is gone. */
  leave(client: Client): void {
    const place = this.#waiting.lastIndexOf(client);
    if (place >= 0) this.#waiting.splice(place, 1);
    if (this.#running.delete(client)) this.#startNext();
  }

  /** A start that fails at once calls `leave` from within: the loop below sees the free place, no second loop is needed. */
  #startNext(): void {
    if (this.#starting) return;
    this.#starting = true;
    while (this.#running.size < this.#placesMax) {
      const client = this.#waiting.pop();
      if (client === undefined) break;
      this.#running.add(client);
      this.#start(client);
    }
    this.#starting = false;
  }
}
