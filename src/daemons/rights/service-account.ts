/** Whose rights a manager works with that root started. Pure. */
import { CodedError } from "#kernel/errors.ts";
import type { Account } from "#kernel/platform/hand-over.ts";

export type ServiceAccount = Account & {
  readonly name: string;
  /** Groups that it is a member of besides its own: with `adm` it reads logs of this host. */
  readonly otherGroups: readonly number[];
};

/** The texts of passwd(5) and group(5). */
export type AccountFiles = { readonly passwd: string; readonly group: string };

export type AccountQuestion = {
  /** By an option; null for the usual one. */
  readonly asked: string | null;
  /** The user who started the program. */
  readonly userId: number;
  readonly files: AccountFiles;
  /** Of the home; null when there is none yet. */
  readonly homeOwner: Account | null;
};

/** No account: the manager goes on with the rights that it was started with. */
export type AccountChoice = { readonly account: ServiceAccount | null; readonly warning: string | null };

const ROOT = 0;
const ID = /^[0-9]{1,10}$/;
const ROOT_NAME = "root";
const OWN_NAME = "cyb3rhq";
/** Of homes that the peer made. */
const PEER_NAME = "wazuh";
const USERADD = "useradd --system --user-group --no-create-home --shell /usr/sbin/nologin";

/** Throws `CodedError` `no_such_user` or `user_not_possible`. */
export function chooseAccount({ asked, userId, files, homeOwner }: AccountQuestion): AccountChoice {
  const asStarted = { account: null, warning: null };
  if (asked !== null) {
    const account = accountOf(files, asked);
    if (account === null)
      throw new CodedError("no_such_user", `There is no user ${asked}; as root: ${USERADD} ${asked}`);
    if (account.userId === userId) return asStarted;
    if (userId === ROOT) return { account, warning: null };
    throw new CodedError("user_not_possible", `Only root can start the manager as ${asked}`);
  }
  if (userId !== ROOT) return asStarted;
  const own = accountOf(files, OWN_NAME);
  if (own !== null && own.userId !== ROOT) return { account: own, warning: null };
  const peer = accountOf(files, PEER_NAME);
  const isPeers = homeOwner?.userId === peer?.userId || homeOwner?.groupId === peer?.groupId;
  if (peer !== null && peer.userId !== ROOT && isPeers) return { account: peer, warning: null };
  const text = "The manager runs as root, since it has no user of its own; make one and start again";
  return { account: null, warning: `${text}: ${USERADD} ${OWN_NAME} (or say --user ${ROOT_NAME})` };
}

/** Null when there is none, or its line is not whole. */
function accountOf({ passwd, group }: AccountFiles, name: string): ServiceAccount | null {
  const line = passwd.split("\n").find((candidate) => candidate.startsWith(`${name}:`));
  const [, , userId = "", groupId = ""] = line?.split(":") ?? [];
  if (!ID.test(userId) || !ID.test(groupId)) return null;
  const groups = group.split("\n").map((candidate) => candidate.split(":"));
  const otherGroups = groups.flatMap(([, , id = "", members = ""]) =>
    ID.test(id) && members.split(",").includes(name) ? [Number(id)] : [],
  );
  return { name, userId: Number(userId), groupId: Number(groupId), otherGroups };
}
