/**
 * What the kernel threw away of datagrams because nobody read them in time: the last column of `/proc/net/udp` and `/proc/net/udp6`.
 *
 * A table that is missing or has another form says nothing; it is no error.
 */
import { CodedError } from "./errors.ts";
import type { Files } from "./ports/files.ts";

const TABLES = ["/proc/net/udp", "/proc/net/udp6"] as const;

/** `sl: local:port remote:port st tx:rx tr:when retrnsmt uid timeout inode ref pointer drops` */
const LINE = /^\s*\d+: [0-9A-F]{8,32}:([0-9A-F]{4}) .* (\d{1,15})\s*$/;

/** Of the sockets that are bound to the port, whatever their addresses. */
export function dropsOfPort(table: string, port: number): number {
  const wanted = port.toString(16).toUpperCase().padStart(4, "0");
  let drops = 0;
  for (const line of table.split("\n")) {
    const [, linePort, lineDrops] = LINE.exec(line) ?? [];
    if (linePort === wanted) drops += Number(lineDrops);
  }
  return drops;
}

/** Follows the counters of one port. Make it when the port is bound: what was dropped before belongs to somebody else. */
export class UdpDrops {
  readonly #files: Files;
  readonly #port: number;
  #known: number;

  constructor(files: Files, port: number) {
    this.#files = files;
    this.#port = port;
    this.#known = this.#read();
  }

  /** Datagrams dropped since the last call. */
  fresh(): number {
    const drops = this.#read();
    // A socket that was closed took its count with it.
    const fresh = Math.max(0, drops - this.#known);
    this.#known = drops;
    return fresh;
  }

  #read(): number {
    let drops = 0;
    for (const table of TABLES) drops += dropsOfPort(this.#text(table), this.#port);
    return drops;
  }

  #text(table: string): string {
    try {
      return this.#files.read(table).toString("latin1");
    } catch (error) {
      if (error instanceof CodedError) return "";
      throw error;
    }
  }
}
