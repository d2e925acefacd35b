/** The connection service on a network that is made, for what is measured without sockets. */
import { CONNECTION_DEFAULTS } from "#connection/config.ts";
import { AgentConnectionService } from "#connection/service.ts";
import type { Clock } from "#kernel/ports/clock.ts";
import type { Network } from "#kernel/ports/network.ts";
import type { EventSink } from "#model/event-sink.ts";
import { FakeFiles } from "#testing/files.ts";
import { RecordingLog, RecordingMetrics } from "#testing/log.ts";
import { SeededRandom } from "#testing/random.ts";

export async function startConnectionService(
  sink: EventSink,
  network: Network,
  clock: Clock,
): Promise<AgentConnectionService> {
  const random = new SeededRandom(1);
  const base = { ...CONNECTION_DEFAULTS, host: "0.0.0.0", processId: 0, managerVersion: "v4.14.7" };
  const service = new AgentConnectionService(
    { ...base, countersDirectory: "/rids" },
    {
      network,
      clock,
      log: new RecordingLog(),
      metrics: new RecordingMetrics(),
      random: { bytes: (count) => random.bytes(count), below: (bound) => random.below(bound) },
      files: new FakeFiles(),
      sink,
      reports: { report: () => {}, keyWanted: () => {}, pushEnded: () => {} },
    },
  );
  await service.start();
  return service;
}
