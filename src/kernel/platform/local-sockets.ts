/** Stream sockets of the host's file system. */
import { chmodSync } from "node:fs";
import { createConnection, createServer } from "node:net";
import { CodedError, messageOf } from "../errors.ts";
import type {
  LocalConnection,
  LocalListener,
  LocalListenOptions,
  LocalSockets,
} from "../ports/local-sockets.ts";
import { SystemConnection } from "./network.ts";
import { guarded, removeStale } from "./socket-files.ts";

export const systemLocalSockets: LocalSockets = {
  async listen({ path, permissions, backlog }: LocalListenOptions, accept): Promise<LocalListener> {
    guarded(path, () => removeStale(path));
    const server = createServer((socket) => {
      const connection = new SystemConnection(socket);
      connection.attach(accept(connection));
    });
    await new Promise<void>((resolve, reject) => {
      server.once("error", (error) =>
        reject(new CodedError("listen_failed", messageOf(error), { path }, error)),
      );
      server.listen({ path, backlog }, () => {
        server.removeAllListeners("error");
        // An accept that fails for want of descriptors is that client's loss, not the server's.
        server.on("error", () => {});
        resolve();
      });
    });
    const listener = { close: () => new Promise<void>((done) => server.close(() => done())) };
    try {
      // The umask keeps all others out until here.
      guarded(path, () => chmodSync(path, permissions));
    } catch (error) {
      await listener.close();
      throw error;
    }
    return listener;
  },

  open(path, handler): Promise<LocalConnection> {
    return new Promise((resolve, reject) => {
      const socket = createConnection({ path });
      const failed = (error: Error) =>
        reject(new CodedError("socket_unavailable", messageOf(error), { path }, error));
      socket.once("error", failed);
      socket.once("connect", () => {
        socket.off("error", failed);
        const connection = new SystemConnection(socket);
        connection.attach(handler);
        resolve(connection);
      });
    });
  },
};
