/**
 * The Data Plane API, version 2 (wazuh v4.14.7: framework/wazuh/core/cluster/hap_helper/proxy.py): one connection a request, basic
 * authentication, and the version of HAProxy's configuration that each request carries and each answer may raise.
 */
import { CodedError, messageOf } from "#kernel/errors.ts";
import type { HttpAnswer, HttpClient, HttpRequest, HttpTls } from "#kernel/ports/http-client.ts";
import type { Secret } from "#model/secret.ts";
import { helperError } from "../errors.ts";
import { ANSWER_BYTES_MAX, REDIRECTS_MAX, REQUEST_MS_MAX, SILENCE_MS_MAX } from "../limits.ts";
import { numberIn, recordOf, textIn } from "./json.ts";

type Method = HttpRequest["method"];
type Query = readonly (readonly [name: string, value: string])[];

export type DataPlaneAddress = {
  readonly protocol: "http" | "https";
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: Secret;
  readonly tls: HttpTls | null;
};

/** A configuration is changed at once, not when its owner next reloads HAProxy. */
export const RELOADED: Query[number] = ["force_reload", "true"];

export class DataPlaneClient {
  readonly #http: HttpClient;
  readonly #base: URL;
  readonly #tls: HttpTls | null;
  readonly #authorization: string;
  #version = 0;

  constructor(http: HttpClient, address: DataPlaneAddress) {
    this.#http = http;
    this.#base = baseOf(address);
    this.#tls = address.tls;
    const credentials = Buffer.from(`${address.user}:${address.password.reveal()}`, "latin1");
    this.#authorization = `Basic ${credentials.toString("base64")}`;
  }

  /** Says by its error why the API cannot be used; it asks nothing of HAProxy. */
  async checkHealth(): Promise<void> {
    const answer = await this.#exchange("GET", new URL("health", this.#base), null).catch(
      (error: unknown) => {
        if (error instanceof CodedError && error.code === "http_failed")
          throw helperError(3043, "Check connectivity and the configuration in the `ossec.conf`", error);
        throw helperError(3043, messageOf(error));
      },
    );
    if (answer.status === 401) throw helperError(3046);
    if (answer.status === 404) throw helperError(3047);
  }

  get(path: string, query: Query = []): Promise<unknown> {
    return this.#request("GET", path, query, null);
  }

  post(path: string, query: Query, body: unknown): Promise<unknown> {
    return this.#request("POST", path, query, body);
  }

  put(path: string, query: Query, body: unknown): Promise<unknown> {
    return this.#request("PUT", path, query, body);
  }

  delete(path: string, query: Query): Promise<unknown> {
    return this.#request("DELETE", path, query, null);
  }

  async #request(method: Method, path: string, query: Query, body: unknown): Promise<unknown> {
    const answer = await this.#follow(method, this.#urlOf(path, query), body);
    if (answer.status === 401) throw helperError(3046);
    const content = parseJson(answer.body);
    if (answer.status < 200 || answer.status > 299) {
      const told = textIn(recordOf(content), "message") ?? `HTTP status ${answer.status}`;
      throw helperError(3045, told);
    }
    const version = numberIn(recordOf(content), "_version");
    if (version !== null) this.#version = version;
    else if (method !== "GET" && path.includes("configuration")) await this.#readVersion();
    return content ?? {};
  }

  async #readVersion(): Promise<void> {
    const content = await this.get("services/haproxy/configuration/version");
    if (typeof content !== "number" || !Number.isSafeInteger(content)) throw helperError(3049, "no version");
    this.#version = content;
  }

  #urlOf(path: string, query: Query): URL {
    const url = new URL(path, this.#base);
    const parts = [...query, ["version", String(this.#version)] as const];
    url.search = parts.map(([name, value]) => `${name}=${encodeURIComponent(value)}`).join("&");
    return url;
  }

  async #follow(method: Method, first: URL, body: unknown): Promise<HttpAnswer> {
    let url = first;
    let current = method;
    let text = body === null ? null : jsonOf(body);
    for (let redirects = 0; redirects <= REDIRECTS_MAX; redirects++) {
      const answer = await this.#exchange(current, url, text).catch((error: unknown) => {
        throw helperError(3044, messageOf(error));
      });
      if (answer.location === null || ![301, 302, 303, 307, 308].includes(answer.status)) return answer;
      url = redirected(url, answer.location);
      // As browsers and the peer's client do it: only 307 and 308 repeat a request that is no GET.
      const repeats = answer.status === 307 || answer.status === 308;
      const becomesGet = answer.status === 303 || (current === "POST" && !repeats);
      if (becomesGet) current = "GET";
      if (becomesGet) text = null;
    }
    throw helperError(3044, "Exceeded maximum allowed redirects.");
  }

  #exchange(method: Method, url: URL, body: string | null): Promise<HttpAnswer> {
    // The password is for one host only, wherever that host points to.
    const isOwn = url.origin === this.#base.origin;
    return this.#http.request({
      method,
      url,
      headers: {
        accept: "application/json",
        ...(body === null ? {} : { "content-type": "application/json" }),
        ...(isOwn ? { authorization: this.#authorization } : {}),
      },
      body,
      tls: isOwn ? this.#tls : withoutClient(this.#tls),
      silenceMsMax: SILENCE_MS_MAX,
      wholeMsMax: REQUEST_MS_MAX,
      answerBytesMax: ANSWER_BYTES_MAX,
    });
  }
}

function withoutClient(tls: HttpTls | null): HttpTls | null {
  return tls === null ? null : { ...tls, client: null };
}

function baseOf({ protocol, host, port }: DataPlaneAddress): URL {
  const written = host.includes(":") && !host.startsWith("[") ? `[${host}]` : host;
  const text = `${protocol}://${written}:${port}/v2/`;
  const url = URL.parse(text);
  // `user@host/path` as an address would make another URL of it.
  if (url === null || url.pathname !== "/v2/" || url.username !== "" || url.search !== "") {
    throw helperError(3042, `'${host}' is no address`);
  }
  return url;
}

/** From https nothing leads to where others can read what is sent. */
function redirected(from: URL, location: string): URL {
  const url = URL.parse(location, from.href);
  if (url === null || (url.protocol !== from.protocol && url.protocol !== "https:")) {
    throw helperError(3044, "a redirect leads to nowhere");
  }
  return url;
}

/** Parts of a body may be an answer that is sent back changed, however deep it is nested. */
function jsonOf(body: unknown): string {
  try {
    return JSON.stringify(body);
  } catch (error) {
    throw helperError(3049, messageOf(error));
  }
}

/** Undefined for what is no JSON: an empty answer, a page of a proxy. */
function parseJson(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString("utf8"));
  } catch {
    return undefined;
  }
}
