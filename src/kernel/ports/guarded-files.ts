/**
 * Files that are moved with rights which others do not have: no link is followed on the way, and nothing is written over.
 *
 * Throws `CodedError`: `path_has_link`, `not_regular`, `hard_linked`, `changed_meanwhile`, `file_exists`, `file_not_found`,
 * `file_too_large`, `directory_unsafe`, or another code of `FileErrorCode`.
 */

export type MovedFile = {
  readonly bytes: number;
  readonly mode: number;
  readonly userId: number;
  readonly groupId: number;
  readonly inode: number;
};

export interface GuardedFiles {
  /** Without links; null when there is nothing there. */
  realPath(path: string): string | null;
  /** Makes `directory`, or checks that it is this user's alone; its parent must be there. So do all that follow. */
  writePrivate(directory: string, name: string, bytes: Uint8Array): void;
  readPrivate(directory: string, name: string): Buffer;
  removePrivate(directory: string, name: string): void;
  /** Moves a regular file to a new name, which is made from what the file is. */
  takeAway(path: string, directory: string, nameOf: (file: MovedFile) => string): MovedFile;
  /** Moves it out again to a path where nothing is. */
  putBack(from: { readonly directory: string; readonly name: string }, path: string): void;
}
