/** Counters that a part increments and the status command prints. Names are snake_case and a closed set of the code. */
export interface Metrics {
  add(name: string, amount?: number): void;
  set(name: string, value: number): void;
}
