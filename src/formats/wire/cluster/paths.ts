/** Paths that another node names: relative to the home, and never out of the directory they are meant for. */

/** What Linux takes, for a path and for one name in it. */
const PATH_BYTES_MAX = 4096;
const NAME_BYTES_MAX = 255;

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Null for bytes that are no UTF-8. */
export function textOf(bytes: Uint8Array): string | null {
  try {
    return utf8.decode(bytes);
  } catch {
    return null;
  }
}

/** Whether `path` names something below the directory it is joined to, whatever the directory holds but links. */
export function isSafeRelativePath(path: string): boolean {
  return Buffer.byteLength(path) <= PATH_BYTES_MAX && path.split("/").every(isSafeName);
}

/** One name: no separator of any system, no control character, not the directory itself or the one above. */
export function isSafeName(name: string): boolean {
  if (name === "" || name === "." || name === "..") return false;
  return !/[\u0000-\u001f\u007f/\\]/.test(name) && Buffer.byteLength(name) <= NAME_BYTES_MAX;
}

/** Since 4.14.6 the master takes no other name of a node: it becomes the name of a directory, and the head of the names of files in it. */
const NODE_NAME = /^[A-Za-z0-9_-]{1,192}$/;

export function isNodeName(name: string): boolean {
  return NODE_NAME.test(name);
}

/** Where the nodes exchange files, relative to the home. */
export const SCRATCH_DIRECTORY = "queue/cluster";

/** Where a node's files arrive, relative to the home: the directory of the worker, on both sides. */
export function scratchDirectory(workerName: string): string {
  return `${SCRATCH_DIRECTORY}/${workerName}`;
}

/**
 * The name of a file directly in the worker's scratch directory. `path` is relative to the home, with a slash before it in transfers and without in
 * the commands that name the file afterwards. Null for anything else, deeper directories included.
 */
export function scratchName(path: string, workerName: string): string | null {
  const relative = path.startsWith("/") ? path.slice(1) : path;
  const prefix = `${scratchDirectory(workerName)}/`;
  if (!relative.startsWith(prefix)) return null;
  const name = relative.slice(prefix.length);
  return isSafeName(name) && !name.includes(" ") ? name : null;
}
