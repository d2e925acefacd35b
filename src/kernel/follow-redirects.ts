/** Follows redirects, to the same scheme only: from https nothing leads to where others can read and change what is sent. */
import { CodedError } from "./errors.ts";
import type { HttpHead, HttpRequest, HttpStreams } from "./ports/http-client.ts";

/** As many as content networks send. */
const REDIRECTS_MAX = 3;

/** As `stream()`, with the head of the last answer. Throws also `CodedError` `redirect_refused`. */
export async function streamFollowing(
  http: HttpStreams,
  request: HttpRequest,
  receive: (piece: Buffer, head: HttpHead) => void,
): Promise<HttpHead> {
  let { url } = request;
  for (let redirects = 0; ; redirects++) {
    const head = await http.stream({ ...request, url }, (piece, answered) => {
      if (!isRedirect(answered)) receive(piece, answered);
    });
    if (!isRedirect(head)) return head;
    const target = URL.parse(head.headers["location"] ?? "", url.href);
    if (target === null || redirects === REDIRECTS_MAX)
      throw new CodedError("redirect_refused", "too many redirects, or one to nowhere");
    if (target.protocol !== url.protocol)
      throw new CodedError("redirect_refused", `a redirect to ${target.protocol} is not followed`);
    url = target;
  }
}

function isRedirect({ status, headers }: HttpHead): boolean {
  return status >= 301 && status <= 308 && status !== 304 && headers["location"] !== undefined;
}
