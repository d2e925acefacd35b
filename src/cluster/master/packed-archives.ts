/**
 * The archives that a master sends: workers that lack the same get the same one, packed once. One is kept until the master's table is made again, so
 * that it is never much older, and as long as somebody sends it.
 */
import { SCRATCH_DIRECTORY } from "#formats/wire/cluster/paths.ts";
import type { WrittenChanges } from "../integrity/archive-file.ts";
import { removeArchive } from "../integrity/sending.ts";
import type { ClusterNeeds, ComparedTable } from "../needs.ts";

/** Workers mostly lack the same; each archive may take as much of the disk as all files. */
const KEPT_MAX = 4;

export type PackedArchive = {
  /** Absolute. */
  readonly path: string;
  readonly written: WrittenChanges;
  /** To be called once, when it was sent or not. */
  readonly release: () => void;
};

type Packed = {
  readonly path: string;
  readonly written: Promise<WrittenChanges>;
  users: number;
  isKept: boolean;
};

export class PackedArchives {
  readonly #home: string;
  readonly #needs: Pick<ClusterNeeds, "files" | "heavy" | "random">;
  readonly #kept = new Map<string, Packed>();
  /** Nobody wants them any more, and the disk did not let them go. */
  readonly #unremoved = new Set<string>();

  constructor(home: string, needs: Pick<ClusterNeeds, "files" | "heavy" | "random">) {
    this.#home = home;
    this.#needs = needs;
  }

  /** Rejects as the heavy work does. */
  async take({ changes, digest }: ComparedTable, bytesMax: number): Promise<PackedArchive> {
    const key = `${digest} ${bytesMax}`;
    const packed = this.#kept.get(key) ?? this.#pack(key, changes, bytesMax);
    packed.users++;
    const release = () => {
      packed.users--;
      this.#removeUnused(packed);
    };
    try {
      const written = await packed.written;
      // What could not be read now may be readable for the next worker.
      if (written.warnings.length > 0) this.#forget(key, packed);
      return { path: packed.path, written, release };
    } catch (error) {
      this.#forget(key, packed);
      release();
      throw error;
    }
  }

  /** The table is another one, or the master ends. */
  clear(): void {
    for (const path of this.#unremoved) this.#remove(path);
    for (const [key, packed] of [...this.#kept]) this.#forget(key, packed);
  }

  #pack(key: string, changes: ComparedTable["changes"], bytesMax: number): Packed {
    const { heavy, random } = this.#needs;
    for (const [oldest, packed] of [...this.#kept].slice(0, 1 - KEPT_MAX)) this.#forget(oldest, packed);
    // No node's name has a dot, so it is no node's directory.
    const path = `${this.#home}/${SCRATCH_DIRECTORY}/${random.bytes(16).toString("hex")}.zip`;
    const home = this.#home;
    const written = heavy.run({ kind: "write_changes", home, archive: path, changes, bytesMax });
    const packed: Packed = { path, written, users: 0, isKept: true };
    this.#kept.set(key, packed);
    return packed;
  }

  #forget(key: string, packed: Packed): void {
    packed.isKept = false;
    if (this.#kept.get(key) === packed) this.#kept.delete(key);
    this.#removeUnused(packed);
  }

  #removeUnused({ path, users, isKept }: Packed): void {
    if (users === 0 && !isKept) this.#remove(path);
  }

  #remove(path: string): void {
    if (removeArchive(this.#needs.files, path)) this.#unremoved.delete(path);
    else this.#unremoved.add(path);
  }
}
