/** The system's resolver. */
import { lookup } from "node:dns/promises";
import { CodedError, messageOf } from "../errors.ts";
import type { HostNames } from "../ports/host-names.ts";

export const systemHostNames: HostNames = {
  async addresses(name) {
    try {
      return (await lookup(name, { all: true })).map(({ address }) => address);
    } catch (error) {
      throw new CodedError("name_unknown", messageOf(error), { name }, error);
    }
  },
};
