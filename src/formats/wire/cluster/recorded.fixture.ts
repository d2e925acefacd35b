/** What real nodes sent and made, recorded: `test/vectors/cluster`. */
import { readFileSync } from "node:fs";

const VECTORS = new URL("../../../../test/vectors/cluster/", import.meta.url);

/** The shape is the test's word: the files are part of the project. */
export function recorded<T>(name: string): T {
  return JSON.parse(readFileSync(new URL(`${name}.json`, VECTORS), "utf8")) as T;
}

export const RECORDED_KEY = "c98b62a9b6169ac5f67dae55ae4a9088";

export function hex(text: string): Buffer {
  return Buffer.from(text, "hex");
}
