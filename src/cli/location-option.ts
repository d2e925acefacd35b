/** The option that several commands share: where the lines are said to come from. */
import { InvalidArgumentError, Option } from "commander";

/** wazuh v4.14.7: framework/scripts/wazuh_logtest.py. */
const LOCATION_DEFAULT = "stdin";

/** The peer's form: an agent's id in front has a closing bracket. */
function location(value: string): string {
  if (value === "") throw new InvalidArgumentError("It is empty.");
  if (value.startsWith("[") && !value.includes("]")) {
    throw new InvalidArgumentError("Write [001] (name) any->/path for what an agent sent.");
  }
  return value;
}

export function locationOption(): Option {
  return new Option("-l, --location <location>", "where the lines come from")
    .argParser(location)
    .default(LOCATION_DEFAULT);
}
