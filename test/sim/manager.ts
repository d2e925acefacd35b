/** A simulated manager through all its lives: who starts it again, as an init system does. */
import { messageOf } from "#kernel/errors.ts";
import { expected, ManagerLife, type ManagerWorld } from "./manager-life.ts";
import { type ProcessEnding, SimulatedProcess } from "./world.ts";

export class SimulatedManager {
  readonly at: ManagerWorld;
  life: ManagerLife | null = null;
  /** How far its host's clock is off. */
  clockOffsetMs = 0;
  starts = 0;
  /** Nobody starts it again while it is held. */
  #held = false;

  constructor(at: ManagerWorld) {
    this.at = at;
  }

  start(): void {
    if (this.life !== null) return;
    const { network, world } = this.at;
    const number = this.starts++;
    const process = new SimulatedProcess(world, `manager#${number}`, () => this.clockOffsetMs);
    network.hostOf(this.at.address, process);
    process.atEnd((ending) => {
      world.note(`${process.name} ended: ${ending}`);
      this.life = null;
      if (!this.#held) world.after(world.between(200, 4000), () => this.start());
    });
    process.after(0, () => this.#begin(number, process));
  }

  end(ending: ProcessEnding): void {
    this.life?.process.end(ending);
  }

  /** As TERM does; it is started again when it has stopped, after a while. */
  stop(): void {
    if (this.life !== null) this.#stop(this.life);
  }

  hold(): void {
    this.#held = true;
  }

  #begin(number: number, process: SimulatedProcess): void {
    const { world } = this.at;
    try {
      const life = new ManagerLife(this.at, number, process, (error) => {
        if (!process.alive) return;
        world.note(`${process.name} failed: ${messageOf(error)}`);
        expected(error);
        if (this.life !== null) this.#stop(this.life);
      });
      if (!process.alive) return;
      this.life = life;
      life.start().catch((error: unknown) => {
        if (!process.alive) return;
        world.note(`${process.name} does not start: ${messageOf(error)}`);
        process.end("kill");
        expected(error);
      });
    } catch (error) {
      if (!process.alive) return;
      world.note(`${process.name} does not start: ${messageOf(error)}`);
      process.end("kill");
      expected(error);
    }
  }

  #stop(life: ManagerLife): void {
    const { process } = life;
    if (!life.serving) {
      process.end("kill");
      return;
    }
    this.at.world.note(`${process.name} stops`);
    process.after(10_000, () => {
      this.at.world.note(`${process.name} did not stop`);
      process.end("kill");
    });
    void life.stop().then(() => process.end("kill"));
  }
}
