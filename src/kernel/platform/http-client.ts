/** HTTP requests by Node. */
import { type ClientRequest, request as httpRequest, type IncomingMessage } from "node:http";
import { request as httpsRequest } from "node:https";
import { CodedError, messageOf } from "../errors.ts";
import type {
  HttpAnswer,
  HttpClient,
  HttpHead,
  HttpRequest,
  HttpStreams,
  HttpTls,
} from "../ports/http-client.ts";

/** A server's headers are read into memory whatever they are; no honest one sends more. */
const HEADER_BYTES_MAX = 32 * 1024;

export const systemHttpClient: HttpClient & HttpStreams = {
  async request(request): Promise<HttpAnswer> {
    const pieces: Buffer[] = [];
    const { status, headers } = await stream(request, (piece) => pieces.push(piece));
    return { status, location: headers["location"] ?? null, body: Buffer.concat(pieces) };
  },
  stream,
};

type Receive = Parameters<HttpStreams["stream"]>[1];

async function stream(request: HttpRequest, receive: Receive): Promise<HttpHead> {
  const { promise, resolve, reject } = Promise.withResolvers<HttpHead>();
  let deadline: NodeJS.Timeout | null = null;
  try {
    // Anything unusable (a header, a key of TLS) is thrown here and now.
    const outgoing = open(request);
    const stop = (error: unknown) => {
      reject(error);
      outgoing.destroy();
    };
    const late = () => stop(new CodedError("http_timeout", "timed out"));
    deadline = setTimeout(late, request.wholeMsMax);
    outgoing.on("timeout", late);
    outgoing.on("error", stop);
    outgoing.on("response", (incoming) => {
      incoming.on("error", stop);
      incoming.on("end", () => resolve(headOf(incoming)));
      takeBody(incoming, request, receive, stop);
    });
    outgoing.end(request.body ?? undefined);
    return await promise;
  } catch (error) {
    throw asCoded(error);
  } finally {
    if (deadline !== null) clearTimeout(deadline);
  }
}

function takeBody(
  incoming: IncomingMessage,
  { answerBytesMax }: HttpRequest,
  receive: Receive,
  stop: (error: unknown) => void,
): void {
  const head = headOf(incoming);
  let bytes = 0;
  incoming.on("data", (piece: Buffer) => {
    bytes += piece.length;
    try {
      if (bytes > answerBytesMax)
        throw new CodedError("http_answer_too_long", `answer of more than ${answerBytesMax} bytes`);
      receive(piece, head);
    } catch (error) {
      stop(error);
    }
  });
}

function open({ url, method, headers, body, tls, silenceMsMax }: HttpRequest): ClientRequest {
  const length = body === null ? {} : { "content-length": String(Buffer.byteLength(body)) };
  const options = {
    method,
    headers: { ...headers, ...length },
    agent: false as const,
    timeout: silenceMsMax,
    maxHeaderSize: HEADER_BYTES_MAX,
  };
  if (url.protocol !== "https:") return httpRequest(url, options);
  return httpsRequest(url, { ...options, ...tlsOptions(tls) });
}

function tlsOptions(tls: HttpTls | null) {
  if (tls === null) return {};
  const client =
    tls.client === null
      ? {}
      : {
          cert: Buffer.from(tls.client.certificate),
          key: Buffer.from(tls.client.key ?? tls.client.certificate),
          ...(tls.client.keyPassword === null ? {} : { passphrase: tls.client.keyPassword }),
        };
  // A server's own certificate may stand for its authority, also when another one signed it.
  const authority =
    tls.authority === null ? {} : { ca: Buffer.from(tls.authority), allowPartialTrustChain: true };
  return { ...authority, ...client, rejectUnauthorized: true };
}

function headOf({ statusCode, headers }: IncomingMessage): HttpHead {
  const texts = Object.entries(headers).map(([name, value]) => [
    name,
    Array.isArray(value) ? value.join(", ") : (value ?? ""),
  ]);
  return { status: statusCode ?? 0, headers: Object.fromEntries(texts) };
}

function asCoded(error: unknown): CodedError {
  if (error instanceof CodedError) return error;
  return new CodedError("http_failed", messageOf(error), {}, error);
}
