/** Which accounts may be locked, from the texts of passwd(5) and shadow(5). Pure. */

export type AccountVerdict =
  | { readonly ok: true; readonly locked: boolean }
  | { readonly ok: false; readonly code: "no_such_account" | "account_protected" };

/** Never root under whatever name, nor an account that this program runs as. */
export function judgeAccount(
  user: string,
  files: { readonly passwd: string; readonly shadow: string },
  protectedUserIds: readonly number[],
): AccountVerdict {
  const entry = entryOf(files.passwd, user);
  if (entry === null) return { ok: false, code: "no_such_account" };
  const userId = Number(entry[2]);
  const isOrdinary = /^[0-9]{1,10}$/.test(entry[2] ?? "") && userId !== 0;
  if (!isOrdinary || protectedUserIds.includes(userId)) return { ok: false, code: "account_protected" };
  return { ok: true, locked: entryOf(files.shadow, user)?.[1]?.startsWith("!") ?? false };
}

function entryOf(text: string, user: string): readonly string[] | null {
  const line = text.split("\n").find((candidate) => candidate.startsWith(`${user}:`));
  return line === undefined ? null : line.split(":");
}
