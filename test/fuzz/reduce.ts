/** Makes a failing input smaller: lines go in ever smaller groups as long as it still fails. */

/** `fails` is asked until `mayGoOn` says no. */
export function reduceInput(
  input: string,
  fails: (input: string) => boolean,
  mayGoOn: () => boolean,
): string {
  let lines = input.split("\n");
  for (let size = Math.ceil(lines.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let at = 0; at < lines.length && mayGoOn(); ) {
      const fewer = [...lines.slice(0, at), ...lines.slice(at + size)];
      if (fails(fewer.join("\n"))) lines = fewer;
      else at += size;
    }
  }
  return lines.join("\n");
}
