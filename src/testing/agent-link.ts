/** How a test agent's payloads reach a manager: frames on a TCP connection, or datagrams. Shares nothing with `formats/`. */
import { createSocket } from "node:dgram";
import { connect as connectTcp } from "node:net";

export type AgentServer = {
  readonly host: string;
  readonly port: number;
  /** TCP when it is not said. */
  readonly protocol?: "tcp" | "udp";
};

export type LinkHandler = {
  payload(payload: Buffer): void;
  /** Whoever ended it; called once. */
  closed(): void;
};

export type AgentLink = {
  write(payload: Buffer): void;
  /** Ends it when all is sent. */
  end(): void;
  destroy(): void;
};

export function frameOf(payload: Buffer): Buffer {
  const frame = Buffer.alloc(4 + payload.length);
  frame.writeUInt32LE(payload.length, 0);
  payload.copy(frame, 4);
  return frame;
}

/** Cuts whole payloads out of a stream. */
export class TestFrames {
  #rest: Buffer = Buffer.alloc(0);

  push(chunk: Buffer): Buffer[] {
    this.#rest = Buffer.concat([this.#rest, chunk]);
    const payloads: Buffer[] = [];
    while (this.#rest.length >= 4 && this.#rest.length >= 4 + this.#rest.readUInt32LE(0)) {
      const end = 4 + this.#rest.readUInt32LE(0);
      payloads.push(this.#rest.subarray(4, end));
      this.#rest = this.#rest.subarray(end);
    }
    return payloads;
  }
}

/** `localAddress` is where it comes from, on a host with several addresses. */
export function openLink(
  server: AgentServer,
  localAddress: string | undefined,
  handler: LinkHandler,
): Promise<AgentLink> {
  return server.protocol === "udp"
    ? openDatagrams(server, localAddress, handler)
    : openStream(server, localAddress, handler);
}

function openStream(
  { host, port }: AgentServer,
  localAddress: string | undefined,
  handler: LinkHandler,
): Promise<AgentLink> {
  const from = localAddress === undefined ? {} : { localAddress };
  const socket = connectTcp({ host, port, noDelay: true, ...from });
  return new Promise((resolve, reject) => {
    socket.once("error", reject);
    socket.once("connect", () => {
      const frames = new TestFrames();
      socket.on("error", () => socket.destroy());
      socket.on("data", (chunk: Buffer) => {
        for (const payload of frames.push(chunk)) handler.payload(payload);
      });
      socket.on("close", () => handler.closed());
      resolve({
        write: (payload) => void socket.write(frameOf(payload)),
        end: () => void socket.end(),
        destroy: () => void socket.destroy(),
      });
    });
  });
}

/** There is no connection to lose: a server that is gone shows by its silence, or by the system's refusal. */
function openDatagrams(
  { host, port }: AgentServer,
  localAddress: string | undefined,
  handler: LinkHandler,
): Promise<AgentLink> {
  const socket = createSocket("udp4");
  let isOver = false;
  const end = () => {
    if (!isOver) socket.close();
    isOver = true;
  };
  return new Promise((resolve, reject) => {
    socket.once("error", reject);
    socket.on("message", (payload) => {
      // NGINX passes datagrams without content on, which say nothing.
      if (payload.length > 0) handler.payload(payload);
    });
    socket.once("connect", () => {
      socket.off("error", reject);
      socket.on("error", end);
      socket.on("close", () => handler.closed());
      const write = (payload: Buffer) => {
        if (!isOver) socket.send(payload);
      };
      resolve({ write, end, destroy: end });
    });
    socket.bind({ port: 0, ...(localAddress === undefined ? {} : { address: localAddress }) }, () =>
      socket.connect(port, host),
    );
  });
}
