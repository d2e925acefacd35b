/** The option that several commands share: which rule set to use. */
import { Option } from "commander";
import { SHIPPED_RULESET } from "#kernel/platform/program-places.ts";

export function rulesetOption(): Option {
  return new Option("--ruleset <dir>", "rule set with decoders/, rules/ and lists/").default(
    SHIPPED_RULESET,
    "the program's own",
  );
}
