/** The recorded cases of a real enrollment daemon (test/vectors/agent/enrolment.json): settings, registered agents, request, answer. */
import { readFileSync } from "node:fs";

export type RecordedAgent = {
  readonly id: string;
  readonly name: string;
  readonly ip: string;
  readonly key: string;
  readonly connection_status: string;
  readonly date_add: number;
  readonly disconnection_time: number;
};

export type RecordedCase = {
  readonly name: string;
  readonly source_ip: string;
  readonly config: {
    readonly use_password: boolean;
    readonly password: string | null;
    readonly use_source_ip: boolean;
    readonly allow_higher_versions: boolean;
    readonly manager_version: string;
    readonly manager_hostname: string;
    readonly groups_present: readonly string[];
    readonly force: {
      readonly enabled: boolean;
      readonly key_mismatch: boolean;
      readonly disconnected_time: { readonly enabled: boolean; readonly value: number };
      readonly after_registration_time: number;
    };
  };
  readonly registered: readonly RecordedAgent[];
  readonly now: number;
  readonly request: string;
  readonly response: { readonly exact?: string; readonly pattern?: string };
  readonly log?: readonly string[];
};

export function recordedCases(): readonly RecordedCase[] {
  const path = new URL("../../../../test/vectors/agent/enrolment.json", import.meta.url);
  const { vectors }: { vectors: readonly RecordedCase[] } = JSON.parse(readFileSync(path, "utf8"));
  return vectors;
}
