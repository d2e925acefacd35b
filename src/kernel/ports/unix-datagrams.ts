/** Datagram sockets in the file system: what programs of this host send without waiting for an answer. */

export type DatagramOptions = {
  readonly path: string;
  /** Of the socket file: who may send. */
  readonly permissions: number;
};

export type DatagramHandler = {
  /**
   * `bytes` holds for this call only, and has no more than `DATAGRAM_BYTES_MAX` of the `sentBytes` that were sent. False: taken, but no
   * more until `resume()`; the system then lets senders wait.
   */
  datagram(bytes: Buffer, sentBytes: number): boolean;
};

/** The peer reads no more of one (wazuh v4.14.7: OS_MAXSTR - 1). */
export const DATAGRAM_BYTES_MAX = 65_535;

export interface DatagramSocket {
  resume(): void;
  /** Removes the socket file, hands over what was sent before, and resolves within a second. */
  close(): Promise<void>;
}

export interface UnixDatagrams {
  /**
   * Replaces the socket that a program before left at `path`. Throws `CodedError`: `datagrams_unavailable` where the system has none
   * for us, `socket_path_taken` when something else is there, else `listen_failed`.
   */
  bind(options: DatagramOptions, handler: DatagramHandler): Promise<DatagramSocket>;
}
