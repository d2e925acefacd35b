/** Keeps what was said and counted, for tests to look at. */
import type { Log, LogLevel } from "#kernel/ports/log.ts";
import type { Metrics } from "#kernel/ports/metrics.ts";

export class RecordingLog implements Log {
  readonly lines: { readonly level: LogLevel; readonly text: string }[] = [];

  write(level: LogLevel, text: string): void {
    this.lines.push({ level, text });
  }

  texts(level?: LogLevel): string[] {
    return this.lines.filter((line) => level === undefined || line.level === level).map((line) => line.text);
  }
}

export class RecordingMetrics implements Metrics {
  readonly values = new Map<string, number>();

  add(name: string, amount = 1): void {
    this.values.set(name, (this.values.get(name) ?? 0) + amount);
  }

  set(name: string, value: number): void {
    this.values.set(name, value);
  }

  get(name: string): number {
    return this.values.get(name) ?? 0;
  }
}
