/** Where a part says something. Texts are the peer's where operators' rules match on them; secrets and raw network bytes never go in. */

export type LogLevel = "debug" | "info" | "warning" | "error" | "critical";

export interface Log {
  write(level: LogLevel, text: string): void;
}
