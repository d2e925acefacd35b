/** A file whose items are listed, without what is in it. */
export type ItemFile = {
  readonly name: string;
  /** `etc/rules`, below the home. */
  readonly directory: string;
  readonly isEnabled: boolean;
};
