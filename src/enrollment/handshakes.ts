/** Lets a few TLS handshakes run at a time; the others wait in the order in which they came. */

export class HandshakeGate<Client> {
  readonly #placesMax: number;
  readonly #start: (client: Client) => void;
  readonly #running = new Set<Client>();
  readonly #waiting = new Set<Client>();
  #starting = false;

  constructor(placesMax: number, start: (client: Client) => void) {
    this.#placesMax = placesMax;
    this.#start = start;
  }

  get running(): number {
    return this.#running.size;
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  /** Starts the client's handshake now or later. */
  enter(client: Client): void {
    this.#waiting.add(client);
    this.#startNext();
  }

  /** The handshake is over, or the client is gone. */
  leave(client: Client): void {
    this.#waiting.delete(client);
    if (this.#running.delete(client)) this.#startNext();
  }

  /** A start that fails at once calls `leave` from within: the loop below sees the free place, no second loop is needed. */
  #startNext(): void {
    if (this.#starting) return;
    this.#starting = true;
    for (const client of this.#waiting) {
      if (this.#running.size >= this.#placesMax) break;
      this.#waiting.delete(client);
      this.#running.add(client);
      this.#start(client);
    }
    this.#starting = false;
  }
}
