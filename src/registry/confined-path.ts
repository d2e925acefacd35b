/** The one way from a name that came from outside (an agent, a group, a file of others) to a path: one step below a folder. */

/** What one directory entry can hold on every file system that we run on. */
const ENTRY_NAME_BYTES_MAX = 255;
const STEP = /^[A-Za-z0-9._-]+$/;

/** Null when `name` is not the name of an entry directly below `folder`. */
export function confinedPath(folder: string, name: string): string | null {
  if (name === "." || name === "..") return null;
  if (name.length > ENTRY_NAME_BYTES_MAX || !STEP.test(name)) return null;
  return `${folder}/${name}`;
}
