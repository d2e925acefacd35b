/** A string on its way to the other side, part by part: the command that follows names it. */
import { joinName } from "#formats/wire/cluster/commands.ts";
import type { ClusterException } from "#formats/wire/cluster/exceptions.ts";
import type { Channel } from "./channel.ts";
import { TRANSFER_PART_BYTES } from "./limits.ts";
import { sendParts } from "./send-parts.ts";

export type StringOutcome =
  /** `id` is the other side's. */
  | { readonly kind: "sent"; readonly id: string }
  | { readonly kind: "failed"; readonly error: ClusterException };

export async function sendString(channel: Channel, bytes: Buffer): Promise<StringOutcome> {
  const size = Buffer.from(String(bytes.length));
  const begun = await channel.request("new_str", size);
  if (begun.kind === "failed") {
    // The other side may have taken it all the same, and its answer was lost.
    await channel.request("err_str", size);
    return begun;
  }
  const id = begun.payload.toString("latin1", 0, 64);
  // A string with a hole is no string; the peer would send on.
  const failure = await sendParts(
    partsOf(bytes),
    (part) => channel.request("str_upd", joinName(id, part)),
    (outcome) => outcome.kind === "failed",
  );
  return failure ?? { kind: "sent", id };
}

function* partsOf(bytes: Buffer): Generator<Buffer> {
  for (let offset = 0; offset < bytes.length; offset += TRANSFER_PART_BYTES)
    yield bytes.subarray(offset, offset + TRANSFER_PART_BYTES);
}
