/** The peer's sockets of daemons that are parts of the manager here: each tells its configuration, and some do a little more. */
import type { RulesetSources } from "#analysis/ruleset/sources.ts";
import { CodedError } from "#kernel/errors.ts";
import { systemLocalSockets } from "#kernel/platform/local-sockets.ts";
import type { Clock } from "#kernel/ports/clock.ts";
import type { Log } from "#kernel/ports/log.ts";
import type { Metrics } from "#kernel/ports/metrics.ts";
import { Com } from "#local-sockets/com.ts";
import type { Sections } from "#local-sockets/command-answers.ts";
import { answerAnalysis, answerComponent, type ComponentName } from "#local-sockets/components.ts";
import { FramedService, ONE_FRAME } from "#local-sockets/framed-service.ts";
import type { HostResponses } from "#response/host/host-responses.ts";
import {
  analysisSections,
  clusterSections,
  comSections,
  logCollectorSections,
  moduleSections,
  monitorSections,
} from "./active-configuration.ts";
import { ConfigurationChecks } from "./configuration-check.ts";
import type { HomePaths } from "./home.ts";
import type { RulesetReloads } from "./ruleset-reloads.ts";
import type { Settings } from "./settings.ts";

export type ComponentSocketsNeeds = {
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly paths: HomePaths;
  readonly settings: Settings;
  /** A rule set in the peer's layout instead of the configured one. */
  readonly rulesetDirectory: string | null;
  /** Of lines about the configuration. */
  readonly daemon: string;
  readonly responses: Pick<HostResponses, "perform" | "resolve">;
  readonly reloads: RulesetReloads;
  readonly rulesetSources: () => RulesetSources;
};

const RESTART = "!restart-wazuh";

export class ComponentSockets {
  readonly #log: Log;
  readonly #responses: ComponentSocketsNeeds["responses"];
  readonly #checks: ConfigurationChecks;
  readonly #sockets: ReadonlyMap<string, FramedService>;

  constructor(needs: ComponentSocketsNeeds) {
    const { clock, log, metrics, paths, reloads, settings } = needs;
    this.#log = log;
    this.#responses = needs.responses;
    const { home } = paths;
    this.#checks = new ConfigurationChecks(clock, needs.daemon, {
      home,
      rulesetDirectory: needs.rulesetDirectory,
    });
    const serve = (name: string, answer: (request: Buffer) => Buffer | Promise<Buffer>) => {
      const path = `${paths.home}/queue/sockets/${name}`;
      const world = { clock, localSockets: systemLocalSockets, metrics };
      return [path, new FramedService(path, { ...world, answer }, ONE_FRAME)] as const;
    };
    const tell = (name: string, peerName: ComponentName, sections: Sections) =>
      serve(name, (request) => answerComponent(peerName, sections, request));
    const com = this.#makeCom(needs);
    const analysis = {
      sections: analysisSections(settings, paths.home, needs.rulesetSources),
      reloadRules: () => reloads.ask(),
    };
    const eventQueue = paths.eventQueue.slice(paths.home.length + 1);
    this.#sockets = new Map([
      serve("com", (request) => com.answer(request)),
      serve("analysis", (request) => answerAnalysis(analysis, request)),
      tell("logcollector", "LCCOM", logCollectorSections(settings, eventQueue)),
      tell("monitor", "MONCOM", monitorSections(settings)),
      tell("wmodules", "WMCOM", moduleSections(settings)),
    ]);
  }

  /** Does not reject: agents are served without them. */
  async start(): Promise<void> {
    for (const [path, socket] of this.#sockets) {
      try {
        await socket.start();
      } catch (error) {
        if (!(error instanceof CodedError)) throw error;
        this.#log.write("error", `The socket ${path} is not served: ${error.message}`);
      }
    }
  }

  /** Null when the manager will restart, else why not. */
  async restart(): Promise<string | null> {
    // As the response of this name, with whoever has the rights.
    const found = this.#responses.resolve(RESTART);
    if (found === null) return "There is no way to restart it";
    const origin = { name: "", module: "wazuh-execd" };
    const message = { version: 1, origin, command: RESTART, parameters: { extra_args: [], alert: {} } };
    const { ok, text } = await this.#responses.perform({ ...found, message });
    return ok ? null : text;
  }

  /** What a manager that starts now would stop at. */
  checkConfiguration(): Promise<readonly string[]> {
    return this.#checks.run();
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#sockets.values()].map((socket) => socket.stop()));
  }

  #makeCom({ clock, log, settings }: ComponentSocketsNeeds): Com {
    return new Com({
      clock,
      log,
      sections: comSections(settings),
      cluster: clusterSections(settings),
      restart: () => this.restart(),
      checkConfiguration: () => this.checkConfiguration(),
      restartLockSecondsMax: settings.options.execd.restartLockSecondsMax,
    });
  }
}
