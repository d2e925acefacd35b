/** Goal: a manager has root's rights only when it must or was told to. Method: texts of passwd(5) and group(5). */
import assert from "node:assert/strict";
import { test } from "node:test";
import { CodedError } from "#kernel/errors.ts";
import { type AccountQuestion, chooseAccount } from "./service-account.ts";

const ROOT_LINE = "root:x:0:0:root:/root:/bin/bash\n";
const OWN_LINE = "cyb3rhq:x:998:997::/nonexistent:/usr/sbin/nologin\n";
const PEER_LINE = "wazuh:x:111:112::/var/ossec:/sbin/nologin\n";
const GROUP = "root:x:0:\nadm:x:4:syslog,cyb3rhq\nother:x:5:xcyb3rhq\nbroken:x:a:cyb3rhq\ncyb3rhq:x:997:\n";
const OWN = { name: "cyb3rhq", userId: 998, groupId: 997, otherGroups: [4] };
const PEER = { name: "wazuh", userId: 111, groupId: 112, otherGroups: [] };

function choose(passwd: string, changes: Partial<AccountQuestion> = {}) {
  const files = { passwd: ROOT_LINE + passwd, group: GROUP };
  return chooseAccount({ asked: null, userId: 0, files, homeOwner: null, ...changes });
}

function codeOf(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    assert(error instanceof CodedError);
    return `${error.code}: ${error.message}`;
  }
  return "";
}

test("chooseAccount() takes the program's own user, else the peer's where the home is the peer's", () => {
  assert.deepEqual(choose(OWN_LINE + PEER_LINE), { account: OWN, warning: null });
  const ofPeer = { homeOwner: { userId: 0, groupId: 112 } };
  assert.deepEqual(choose(PEER_LINE, ofPeer), { account: PEER, warning: null });
  assert.equal(choose(PEER_LINE, { homeOwner: { userId: 0, groupId: 0 } }).account, null);
  assert.equal(choose(PEER_LINE).account, null);
});

test("chooseAccount() goes on as root with one warning that has the next step in it", () => {
  for (const passwd of ["", "cyb3rhq:x:0:0::/:/bin/sh\n", "cyb3rhq:x::997::/:/bin/sh\n", "cyb3rhq\n"]) {
    const { account, warning } = choose(passwd, { homeOwner: { userId: 0, groupId: 0 } });
    assert.equal(account, null, passwd);
    assert.match(
      warning ?? "",
      /^The manager runs as root, .*: useradd --system .* cyb3rhq \(or say --user root\)$/,
    );
  }
});

test("chooseAccount() does as it is asked, and says what cannot be", () => {
  assert.deepEqual(choose(OWN_LINE, { asked: "root" }), { account: null, warning: null });
  assert.deepEqual(choose(OWN_LINE + PEER_LINE, { asked: "wazuh" }), { account: PEER, warning: null });
  assert.deepEqual(choose(OWN_LINE, { userId: 1000 }), { account: null, warning: null });
  assert.deepEqual(choose(OWN_LINE, { userId: 998, asked: "cyb3rhq" }), { account: null, warning: null });
  assert.match(
    codeOf(() => choose(OWN_LINE, { userId: 1000, asked: "cyb3rhq" })),
    /^user_not_possible: Only root/,
  );
  assert.match(
    codeOf(() => choose("", { asked: "mira" })),
    /^no_such_user: There is no user mira; as root: useradd/,
  );
});
