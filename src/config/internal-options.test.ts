/** Goal: both files give the peer's numbers. Method: hand-written files, each limit from both sides. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { formatProblem } from "#formats/source-position.ts";
import {
  defaultInternalOptions,
  describeInternalOptions,
  readInternalOptions,
  valuesOf,
} from "./internal-options.ts";

const read = (text: string) => readInternalOptions([{ text, file: "internal_options.conf" }]);

test("defaultInternalOptions() has the peer's defaults", () => {
  const { analysisd, remoted, auth, authd } = defaultInternalOptions();
  assert.deepEqual(
    [
      analysisd.defaultTimeframeSeconds,
      analysisd.ftsListSize,
      analysisd.decoderOrderSize,
      analysisd.eventQueueSize,
    ],
    [360, 32, 256, 16_384],
  );
  assert.deepEqual(
    [remoted.countersFlushedEvery, remoted.keyUpdateSeconds, remoted.passEmptyKeyFile],
    [128, 10, 1],
  );
  assert.deepEqual([auth.timeoutSeconds, authd.debug], [1, 0]);
});

test("describeInternalOptions() gives defaults inside their ranges", () => {
  for (const { name, fallback, min, max } of describeInternalOptions()) {
    assert(fallback >= min && fallback <= max, name);
  }
});

test("readInternalOptions() skips comments, blank lines and what others read; the first line of a name counts", () => {
  const { options, problems } = read(
    "# remoted.debug=2\n\nsyscheck.sleep=1\nno line\nremoted.worker_pool=7\r\nremoted.worker_pool=8\n =\n",
  );
  assert.deepEqual(problems, []);
  assert.equal(options.remoted.debug, 0);
  assert.equal(options.remoted.workerPool, 7);
});

test("readInternalOptions() lets the later file win", () => {
  const { options } = readInternalOptions([
    { text: "remoted.debug=1\nauthd.debug=1", file: "internal_options.conf" },
    { text: "remoted.debug=2", file: "local_internal_options.conf" },
  ]);
  assert.deepEqual([options.remoted.debug, options.authd.debug], [2, 1]);
});

test("readInternalOptions() accepts each end of a range and refuses one more, keeping the default", () => {
  assert.deepEqual(read("remoted.request_pool=1\nremoted.worker_pool=16").problems, []);
  const { options, problems } = read(
    "remoted.request_pool=0\nremoted.worker_pool=17\nremoted.debug=x\nauthd.debug=",
  );
  assert.deepEqual(problems.map(formatProblem), [
    "internal_options.conf:1:22: error: (2302): Invalid definition for remoted.request_pool: '0'. (expected a whole number from 1 to 4096)",
    "internal_options.conf:2:21: error: (2302): Invalid definition for remoted.worker_pool: '17'. (expected a whole number from 1 to 16)",
    "internal_options.conf:3:15: error: (2302): Invalid definition for remoted.debug: 'x'. (expected a whole number from 0 to 2)",
    "internal_options.conf:4:13: error: (2302): Invalid definition for authd.debug: ''. (expected a whole number from 0 to 2)",
  ]);
  assert.deepEqual([options.remoted.requestPool, options.remoted.workerPool], [1024, 4]);
});

test("valuesOf() gives a group by the names of the file", () => {
  const { options } = read("remoted.request_pool=7\n");
  const values = valuesOf(options, "remoted");
  assert.equal(values["request_pool"], 7);
  assert.equal(values["response_timeout"], 60);
  assert.deepEqual(valuesOf(options, "authd"), { debug: 0 });
});
