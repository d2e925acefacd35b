/** Where a plugin decoder puts the fields it finds. The event implements it. */

/**
 * The fields that an event has by name, in the order in which an alert document shows them
 * (wazuh v4.14.7: src/analysisd/format/to_json.c).
 */
export const STATIC_FIELDS = [
  "protocol",
  "action",
  "srcip",
  "srcport",
  "srcuser",
  "dstip",
  "dstport",
  "dstuser",
  "id",
  "status",
  "url",
  "data",
  "extra_data",
  "system_name",
] as const;

export type StaticField = (typeof STATIC_FIELDS)[number];

export interface FieldSink {
  /** Replaces an earlier value. An empty value counts as set: alert documents show it. */
  setStatic(name: StaticField, value: string): void;
  /** Appends, also when the name exists. False: the table is full, the field is dropped. */
  addDynamic(name: string, value: string): boolean;
  /** True when the field is set to a text that is not empty. */
  has(name: StaticField): boolean;
}
