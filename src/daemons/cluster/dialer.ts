/** TCP connections that start here. */
import { connect } from "node:net";
import type { Dialer } from "#cluster/needs.ts";
import { CodedError } from "#kernel/errors.ts";
import { SystemConnection } from "#kernel/platform/network.ts";

/** An address that does not answer at all; the system alone would try for two minutes. */
const CONNECT_TIMEOUT_MS = 20_000;

export const systemDialer: Dialer = {
  connect(host, port, handler) {
    return new Promise((resolve, reject) => {
      const socket = connect({ host, port, noDelay: true });
      const refuse = (error: Error) => {
        socket.destroy();
        reject(new CodedError("connect_failed", error.message, { host, port }, error));
      };
      socket.setTimeout(CONNECT_TIMEOUT_MS, () => refuse(new Error(`no answer of ${host}:${port}`)));
      socket.once("error", refuse);
      socket.once("connect", () => {
        socket.setTimeout(0);
        socket.removeListener("error", refuse);
        const connection = new SystemConnection(socket);
        connection.attach(handler);
        resolve(connection);
      });
    });
  },
};
