/** Randomness fit for keys, tokens and nonces. */
export interface Random {
  bytes(count: number): Buffer;
  /** A whole number in [0, bound). */
  below(bound: number): number;
}
