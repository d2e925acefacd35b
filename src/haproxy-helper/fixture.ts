/** The helper with a cluster, a clock and a log of the test's, and an HTTP side that plays back recorded calls. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { setImmediate as turn } from "node:timers/promises";
import { defaultManagerConfig } from "#config/manager-config.ts";
import type { HaproxyHelperConfig } from "#config/sections/haproxy-helper.ts";
import { CodedError } from "#kernel/errors.ts";
import { LocalClock } from "#kernel/local-time.ts";
import type { HttpAnswer, HttpClient, HttpRequest } from "#kernel/ports/http-client.ts";
import { type AgentId, agentIdOf } from "#model/agent.ts";
import { Secret } from "#model/secret.ts";
import { FakeClock } from "#testing/clock.ts";
import { FakeFiles } from "#testing/files.ts";
import { FakeLocalSockets } from "#testing/local-sockets.ts";
import {
  type ActiveAgent,
  type ClusterView,
  HELPER_TAG,
  type HelperLog,
  type HelperLogLevel,
  type HelperNeeds,
  type HelperSubtag,
} from "./needs.ts";

export type RecordedCall = {
  readonly t: number;
  readonly method: string;
  readonly path_and_query: string;
  readonly basic_auth: string;
  readonly body: unknown;
  readonly status: number;
  readonly response: unknown;
};

export function recordedCalls(name: string): readonly RecordedCall[] {
  const url = new URL(`../../test/vectors/cluster/haproxy_calls_${name}.json`, import.meta.url);
  const { calls } = JSON.parse(readFileSync(url, "utf8")) as { calls: RecordedCall[] };
  return calls;
}

/** A string is a transport that fails with it. */
export type FakeAnswer =
  | { readonly status: number; readonly body: unknown; readonly location?: string }
  | string;

/** Answers as a function of the request says. */
export class FakeHttp implements HttpClient {
  readonly requests: HttpRequest[] = [];
  readonly answer: (request: HttpRequest) => FakeAnswer;

  constructor(answer: (request: HttpRequest) => FakeAnswer) {
    this.answer = answer;
  }

  request(request: HttpRequest): Promise<HttpAnswer> {
    this.requests.push(request);
    const answer = this.answer(request);
    if (typeof answer === "string") return Promise.reject(new CodedError("http_failed", answer));
    const { status, body, location = null } = answer;
    const text = typeof body === "string" ? body : body === null ? "" : JSON.stringify(body);
    return Promise.resolve({ status, location, body: Buffer.from(text) });
  }
}

export class RecordingHelperLog implements HelperLog {
  readonly lines: string[] = [];
  readonly #clock: FakeClock;
  readonly #local = new LocalClock();

  constructor(clock: FakeClock) {
    this.#clock = clock;
  }

  /** As cluster.log has it. */
  write(level: HelperLogLevel, subtag: HelperSubtag, text: string): void {
    const at = this.#local.at(this.#clock.wallMs()).isoSeconds;
    const date = at.replaceAll("-", "/").replace("T", " ");
    this.lines.push(`${date} ${level.toUpperCase()}: [${HELPER_TAG}] [${subtag}] ${text}`);
  }

  /** Without times and tags. */
  texts(): string[] {
    return this.lines.map((line) => line.replace(/^.{19} (\w+): \[HAPHelper\] \[[\w ]+\] /, "$1 "));
  }
}

export function agents(count: number, version = "Wazuh v4.14.7", first = 1): ActiveAgent[] {
  return Array.from({ length: count }, (_, index) => ({ id: agentIdOf(first + index), version }));
}

export class FakeCluster implements ClusterView {
  addresses = new Map<string, string>();
  agentsOf = new Map<string, readonly ActiveAgent[]>();
  failure: CodedError | null = null;
  readonly reconnected: (readonly AgentId[])[] = [];

  nodes(): Promise<ReadonlyMap<string, string>> {
    return this.#unless(new Map(this.addresses));
  }

  activeAgents(): Promise<ReadonlyMap<string, readonly ActiveAgent[]>> {
    return this.#unless(new Map(this.agentsOf));
  }

  reconnect(ids: readonly AgentId[]): Promise<void> {
    this.reconnected.push(ids);
    return this.#unless(undefined);
  }

  #unless<T>(value: T): Promise<T> {
    return this.failure === null ? Promise.resolve(value) : Promise.reject(this.failure);
  }
}

/** The options of the recorded calls. */
export function helperOptions(changes: Partial<HaproxyHelperConfig> = {}): HaproxyHelperConfig {
  return {
    ...defaultManagerConfig().cluster.haproxyHelper,
    enabled: true,
    address: "127.0.0.1",
    port: 15_555,
    user: "haproxyuser",
    password: new Secret("haproxypass"),
    backend: "wazuh_reporting",
    frequencySeconds: 10,
    stabilitySeconds: 10,
    agentChunkSize: 100,
    agentReconnectionSeconds: 1,
    ...changes,
  };
}

export function helperNeeds(http: HttpClient, startMs?: number) {
  const clock = new FakeClock(startMs);
  const needs = {
    clock,
    log: new RecordingHelperLog(clock),
    cluster: new FakeCluster(),
    files: new FakeFiles(),
    http,
    localSockets: new FakeLocalSockets(),
    hostNames: {
      addresses: (name: string) => Promise.reject(new CodedError("name_unknown", `no host ${name}`)),
    },
  } satisfies HelperNeeds;
  return needs;
}

const STEP_MS = 500;

/** Lets the helper go on until it waits, then a little time pass, until `done` holds. */
export async function passTime(clock: FakeClock, secondsMax: number, done: () => boolean): Promise<void> {
  for (let passedMs = 0; ; passedMs += STEP_MS) {
    await turn();
    if (done()) return;
    assert(passedMs < secondsMax * 1000, `not within ${secondsMax} s`);
    clock.advance(STEP_MS);
  }
}
