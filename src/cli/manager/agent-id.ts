/** Ids of agents as people write them. */

/** Ids have three digits at least, and the peer's programs fill up what is shorter (wazuh v4.14.7: src/addagent/manage_agents.c). */
const SHORT_ID = /^[0-9]{1,2}$/;
const ID_DIGITS_MIN = 3;

export function filledId(text: string): string {
  return SHORT_ID.test(text) ? text.padStart(ID_DIGITS_MIN, "0") : text;
}
