/** Goal: the hashes are those that other nodes compare with. Method: recorded hashes. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { globalGroupHash, groupHash } from "./group-hashes.ts";
import { recorded } from "./recorded.fixture.ts";

const HASHES = recorded<{
  agent_group_hash: { csv: string; sha256_first_8_hex: string }[];
  global_group_hash: { group_hashes_in_agent_id_order: string[]; sha1_of_concatenation: string };
}>("hashes");

test("groupHash() and globalGroupHash() are the peer's", () => {
  for (const { csv, sha256_first_8_hex } of HASHES.agent_group_hash) {
    assert.equal(groupHash(csv), sha256_first_8_hex);
  }
  const { group_hashes_in_agent_id_order, sha1_of_concatenation } = HASHES.global_group_hash;
  assert.equal(globalGroupHash(group_hashes_in_agent_id_order), sha1_of_concatenation);
});
