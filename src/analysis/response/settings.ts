/** What of ossec.conf decides about active responses. */
import type { WhiteListEntry } from "#config/sections/global.ts";
import type { ActiveResponse } from "#config/sections/response.ts";

export type ResponseSettings = {
  /** Empty when active responses are disabled. */
  readonly responses: readonly ActiveResponse[];
  readonly whiteList: readonly WhiteListEntry[];
};

export const NO_RESPONSES: ResponseSettings = { responses: [], whiteList: [] };
