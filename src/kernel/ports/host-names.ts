/** Names of hosts as the system knows them. */

export interface HostNames {
  /** The first address of the name. Throws `CodedError` `name_unknown`. */
  address(name: string): Promise<string>;
}
