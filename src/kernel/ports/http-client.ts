/** One request over HTTP/1.1, with or without TLS, on a connection of its own; redirects are the caller's matter. */

export type HttpTls = {
  /** PEM of what the server's certificate must be or chain to; null is the public authorities. */
  readonly authority: Uint8Array | null;
  /** What is shown to the server, as PEM; null shows nothing. */
  readonly client: {
    readonly certificate: Uint8Array;
    /** Null when the certificate's file holds the key too. */
    readonly key: Uint8Array | null;
    readonly keyPassword: string | null;
  } | null;
};

export type HttpRequest = {
  readonly method: "GET" | "POST" | "PUT" | "DELETE";
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | null;
  /** Of `https` only. */
  readonly tls: HttpTls | null;
  /** Without a byte in either direction. */
  readonly silenceMsMax: number;
  /** From the call to the end of the answer. */
  readonly wholeMsMax: number;
  readonly answerBytesMax: number;
};

export type HttpAnswer = {
  readonly status: number;
  /** Where a redirect leads, as it was written; null without one. */
  readonly location: string | null;
  readonly body: Buffer;
};

export type HttpHead = {
  readonly status: number;
  /** Names in lower case; several of a name are joined with `, `. */
  readonly headers: Readonly<Record<string, string>>;
};

/** For answers that are too long to be held. */
export interface HttpStreams {
  /**
   * Resolves when the answer is whole; each piece of its body goes to `receive`. What that throws ends the exchange and is thrown on; else it
   * throws as `request` does.
   */
  stream(request: HttpRequest, receive: (piece: Buffer, head: HttpHead) => void): Promise<HttpHead>;
}

export interface HttpClient {
  /** Throws `CodedError` `http_failed`, `http_timeout` or `http_answer_too_long`; an answer of any status is none of these. */
  request(request: HttpRequest): Promise<HttpAnswer>;
}
