/** What the engine's benchmarks are fed with: files of queue messages, events made of recorded ones, and events made up. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { splitQueueMessage } from "#formats/wire/agent/queue-message.ts";
import type { EventInput } from "#model/event-block.ts";
import { WINDOWS_FOLDERS, windowsMessages } from "./windows-corpus.ts";
import { WORST_EVENTS, worstMessages } from "./worst-corpus.ts";

const RECORDED = ["quiet", "plain", "mix", "rules", "bruteforce"];
const WINDOWS = "windows";
const WORST = "worst";
/** So that every run is fed the same. */
const SEED = 1;

export const CORPORA: readonly string[] = [...RECORDED, WINDOWS, WORST];

function recordedPath(corpus: string): string {
  return `bench/${corpus}.q.gz`;
}

/** Below the data directory. */
export function corpusNeeds(corpus: string): readonly string[] {
  if (corpus === WINDOWS) return WINDOWS_FOLDERS;
  return corpus === WORST ? [] : [recordedPath(corpus)];
}

function messagesOf(corpus: string, dataDirectory: string): readonly string[] {
  if (corpus === WINDOWS) return windowsMessages(dataDirectory, SEED);
  if (corpus === WORST) return worstMessages(WORST_EVENTS, SEED);
  const packed = readFileSync(`${dataDirectory}/${recordedPath(corpus)}`);
  return gunzipSync(packed).toString("latin1").trimEnd().split("\n");
}

export function corpusEvents(corpus: string, dataDirectory: string): readonly EventInput[] {
  return messagesOf(corpus, dataDirectory).map(eventOf);
}

/** Of a message of the event queue: `1:[agent id] (name) any->location:message`. */
export function eventOf(queueMessage: string): EventInput {
  const parts = splitQueueMessage(queueMessage);
  assert(!("error" in parts), queueMessage);
  const { queue, agentId, location, message } = parts;
  return { receivedMs: 0, queue, agentId, locationPrefix: "", location, message };
}
