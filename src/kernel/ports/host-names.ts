/** Names of hosts as the system knows them. */

export interface HostNames {
  /** All addresses of the name, one at least, in an order that may be another each time. Throws `CodedError` `name_unknown`. */
  addresses(name: string): Promise<readonly string[]>;
}
