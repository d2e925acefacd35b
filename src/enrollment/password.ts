/** The enrollment password: from `etc/authd.pass`, or a random one that the operator finds in the log. */
import { CodedError } from "#kernel/errors.ts";
import type { Files } from "#kernel/ports/files.ts";
import type { Random } from "#kernel/ports/random.ts";
import { Secret } from "#model/secret.ts";

/** wazuh v4.14.7: src/os_auth/main-server.c reads the first line into 4,096 bytes. */
const PASSWORD_BYTES_MAX = 4094;
/**
 * wazuh v4.14.7: a line of up to two bytes, newline included, is not taken: the peer then says that a password is used and asks
 * for none. We do not start.
 */
const LINE_BYTES_MIN = 3;
const RANDOM_BYTES = 16;

export type EnrollmentPassword = {
  readonly password: Secret | null;
  /** For the line that says the service has started. */
  readonly text: string;
};

export const NO_PASSWORD: EnrollmentPassword = { password: null, text: "No password required." };

/** Throws `CodedError` `password_empty` or `password_too_short`, or what the file system throws. */
export function readPassword(files: Files, path: string, random: Random): EnrollmentPassword {
  if (files.info(path) === null) {
    const text = random.bytes(RANDOM_BYTES).toString("hex");
    // In clear, as in the peer: the log is the only place where the operator can learn it.
    return {
      password: new Secret(text),
      text: `Random password chosen for agent authentication: ${text}`,
    };
  }
  const file = files.read(path).toString("latin1");
  if (file.length <= 1) throw new CodedError("password_empty", "Empty password provided.", { path });
  const newlineAt = file.indexOf("\n");
  const line = newlineAt === -1 ? file : file.slice(0, newlineAt + 1);
  if (line.length < LINE_BYTES_MIN) {
    throw new CodedError(
      "password_too_short",
      "The first line of the password file is too short for a password",
      {
        path,
      },
    );
  }
  const password = line.replace("\n", "").slice(0, PASSWORD_BYTES_MAX);
  return { password: new Secret(password), text: "Using password specified on file: etc/authd.pass" };
}
