/** For tests of commands that ask the running manager: the local sockets of one that knows these commands. */
import { answerControl, type ControlCommands } from "#local-sockets/control.ts";
import { FramedService } from "#local-sockets/framed-service.ts";
import { FakeClock } from "#testing/clock.ts";
import { FakeLocalSockets } from "#testing/local-sockets.ts";
import { RecordingMetrics } from "#testing/log.ts";

export const HOME = "/home/manager";

export async function socketsOf(commands: ControlCommands): Promise<FakeLocalSockets> {
  const localSockets = new FakeLocalSockets();
  const service = new FramedService(`${HOME}/queue/sockets/cyb3rhq`, {
    clock: new FakeClock(),
    localSockets,
    metrics: new RecordingMetrics(),
    answer: (request) => answerControl(commands, request),
  });
  await service.start();
  return localSockets;
}
