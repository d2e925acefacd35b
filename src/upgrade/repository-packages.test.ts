/** Goal: each agent gets its package, each package is fetched once, and nobody's words fetch more. Method: the service with a fake download. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { CodedError } from "#kernel/errors.ts";
import { agentIdOf } from "#model/agent.ts";
import { FakeFiles } from "#testing/files.ts";
import { RecordingLog, RecordingMetrics } from "#testing/log.ts";
import type { DownloadOutcome, DownloadRequest } from "./download.ts";
import { FakeAgent, PACKAGES, SETTINGS } from "./fixture.ts";
import { PLACES_MAX } from "./limits.ts";
import type { UpgradeSettings } from "./needs.ts";
import { type FetchOrder, RepositoryPackages } from "./repository-packages.ts";

const hasCode = (code: string) => (error: unknown) => error instanceof CodedError && error.code === code;

function site(count: number, settings: Partial<UpgradeSettings> = {}) {
  const agents = Array.from({ length: count }, (_, index) => new FakeAgent(index + 1));
  const requests: DownloadRequest[] = [];
  const files = new FakeFiles();
  files.write("/ca.pem", "the authority");
  let answer = (request: DownloadRequest): Promise<readonly DownloadOutcome[]> =>
    Promise.resolve(request.places.map(({ name }) => ({ ok: true, path: `${request.directory}/${name}` })));
  const repository = new RepositoryPackages({
    agent: (id) => agents.find((agent) => agent.id === id)?.view ?? null,
    files,
    log: new RecordingLog(),
    metrics: new RecordingMetrics(),
    managerVersion: "v4.14.7",
    packages: PACKAGES,
    settings: { ...SETTINGS, ...settings },
    download: (request, progress) => {
      requests.push(request);
      progress({ name: "p", bytes: 1, totalBytes: null });
      return answer(request);
    },
  });
  const order = (changes: Partial<FetchOrder> = {}): FetchOrder => ({
    agents: agents.map(({ id }) => id),
    repository: null,
    useHttp: false,
    version: null,
    packageType: null,
    force: false,
    ...changes,
  });
  const answerWith = (next: typeof answer) => {
    answer = next;
  };
  return { agents, requests, repository, order, answerWith };
}

test("fetch() fetches each package once, of the manager's version, and says who gets it", async () => {
  const { agents, requests, repository, order } = site(5, { repositoryAuthorities: "/ca.pem" });
  const [, second, third, fourth, fifth] = agents;
  Object.assign(second ?? {}, { platform: "windows" });
  Object.assign(fourth ?? {}, { version: "Wazuh v4.14.7" });
  Object.assign(fifth ?? {}, { platform: "sunos" });
  const fetched = await repository.fetch(order());
  const linux = `${PACKAGES}/wazuh_agent_v4.14.7_linux_amd64.deb.wpk`;
  assert.deepEqual(fetched.packages, [
    { path: linux, agents: [agentIdOf(1), third?.id] },
    { path: `${PACKAGES}/wazuh_agent_v4.14.7_windows.wpk`, agents: [agentIdOf(2)] },
  ]);
  assert.deepEqual(
    fetched.refused.map(({ agentId, code }) => [agentId, code]),
    [
      ["004", 12],
      ["005", 9],
    ],
  );
  assert.equal(requests[0]?.repository, "https://packages.wazuh.com/4.x/wpk/");
  assert.deepEqual(requests[0]?.tls, { authority: Buffer.from("the authority"), client: null });
  assert.equal(repository.progress, null);
});

test("fetch() prefers what is asked for to what is configured", async () => {
  const { requests, repository, order } = site(1, { repository: "mirror/wpk" });
  await repository.fetch(order({ useHttp: true }));
  await repository.fetch(order({ repository: "https://other/", version: "4.13.0" }));
  assert.deepEqual(
    requests.map(({ repository: address, version }) => [address, version]),
    [
      ["http://mirror/wpk/", "v4.14.7"],
      ["https://other/", "v4.13.0"],
    ],
  );
});

test("fetch() refuses the agents of a package that cannot be had, with the peer's number", async () => {
  const { repository, order, answerWith } = site(2);
  answerWith(() => Promise.resolve([{ ok: false, code: "package_sum_wrong", text: "it has another" }]));
  const { packages, refused } = await repository.fetch(order());
  assert.deepEqual(packages, []);
  assert.deepEqual(refused[1], {
    agentId: "002",
    code: 17,
    message: "The WPK sha1 of the file is not valid: it has another",
  });
});

test("fetch() is one at a time, and shows how far it is", async () => {
  const { repository, order, answerWith } = site(1);
  const { promise, resolve } = Promise.withResolvers<readonly DownloadOutcome[]>();
  answerWith(() => promise);
  const first = repository.fetch(order());
  assert.deepEqual(repository.progress, { name: "p", bytes: 1, totalBytes: null });
  await assert.rejects(repository.fetch(order()), hasCode("fetch_busy"));
  resolve([]);
  assert.equal((await first).refused[0]?.code, 16);
});

test("fetch() refuses orders that make no sense, and agents cannot name places without bound", async () => {
  const { agents, requests, repository, order } = site(PLACES_MAX + 3);
  for (const agent of agents) agent.architecture = `arch${agent.id}`;
  const { packages, refused } = await repository.fetch(order());
  assert.deepEqual([packages.length, refused.length], [PLACES_MAX, 3]);
  await assert.rejects(repository.fetch(order({ version: "../x" })), hasCode("version_invalid"));
  await assert.rejects(
    repository.fetch(order({ repository: "file:///etc/" })),
    hasCode("repository_invalid"),
  );
  assert.equal(requests.length, 1);
  const off = site(1, { enabled: false });
  await assert.rejects(off.repository.fetch(off.order()), hasCode("upgrades_disabled"));
});
