/** What an administrator and the agents can switch on beside rules, all of it at once: responses, places of addresses, labels, statistics. */
import assert from "node:assert/strict";
import { AgentLabels } from "#analysis/alert/agent-labels.ts";
import type { RulesetAdditions } from "#analysis/engine.ts";
import { city, writeGeoFile } from "#analysis/geoip/geo-database.fixture.ts";
import { GeoDatabase, openGeoDatabase } from "#analysis/geoip/geo-database.ts";
import { GeoPlaces } from "#analysis/geoip/geo-places.ts";
import type { AlertForm } from "#analysis/pipeline.ts";
import { NO_AVERAGES } from "#analysis/stats/event-averages.ts";
import type { StatisticsOptions } from "#analysis/stats/hourly-statistics.ts";
import type { ActiveResponse } from "#config/sections/response.ts";
import { parseAddressRule } from "#config/text-kinds.ts";
import { agentIdOf } from "#model/agent.ts";

const BLOCK = { name: "block", executable: "firewall-drop", timeoutAllowed: true, extraArgs: "-x 'y'" };

function response(changes: Partial<ActiveResponse>): ActiveResponse {
  const usual = { level: null, rulesGroup: null, ruleIds: [], timeoutSeconds: 0 };
  return { command: BLOCK, target: { location: "local" }, ...usual, ...changes };
}

const trusted = parseAddressRule("10.1.0.0/16");
assert(trusted !== null);

const database = openGeoDatabase(
  writeGeoFile({
    networks: {
      "10.0.0.0/9": city("DE", "Berlin"),
      "192.0.2.0/24": city("AQ"),
      "198.51.100.0/24": city("U\n\x1b[2J", '"}\xff'),
      "2001:db8::/32": city("FR", "Corse"),
    },
  }),
);
assert(database instanceof GeoDatabase);

export const ADDITIONS: RulesetAdditions = {
  responses: {
    responses: [
      response({ level: 6, timeoutSeconds: 600 }),
      response({ ruleIds: [100_013, 100_004], target: { location: "defined-agent", agentId: agentIdOf(2) } }),
      response({ rulesGroup: "failures|rootcheck", target: { location: "all" } }),
      response({ level: 9, target: { location: "server" } }),
    ],
    whiteList: [
      { kind: "address", rule: trusted },
      { kind: "host", pattern: "^web" },
    ],
  },
  places: new GeoPlaces(database).of,
};

const labels = new AgentLabels(false);
const label = (key: string, value: string, hidden = false) => ({ key, value, hidden, system: false });
labels.set("000", { address: null, labels: [label("site.room", "1"), label("site", "2")] });
labels.set("001", {
  address: "192.0.2.1",
  labels: [
    label("a.b", '"\\\n** Alert 1.1: - x\x1b[2J'),
    label("secret", "s", true),
    label("__proto__", "\xff"),
  ],
});

export const FORM: AlertForm = { labels, placesInJson: true, customAlert: null };

/** Low limits: a few events are too many. */
export const STATISTICS: StatisticsOptions = {
  averages: {
    differenceMax: 10,
    differenceMin: 1,
    differencePercent: 5,
    alertLevel: 8,
    saved: { ...NO_AVERAGES, hourly: NO_AVERAGES.hourly.map(() => 2), days: 3 },
  },
};
