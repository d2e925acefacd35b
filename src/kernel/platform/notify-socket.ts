/** What a supervisor such as systemd is told: datagrams to the socket that it named (sd_notify(3)). */
import { CodedError } from "../errors.ts";
import { AF_UNIX, loadCLibrary, SOCK_DGRAM_CLOEXEC_NONBLOCK } from "./c-library.ts";

/** Linux (sys/socket.h). */
const MSG_NOSIGNAL = 0x4000;
/** `struct sockaddr_un`. */
const NAME_BYTES_MAX = 108;

/** One that nobody reads hears nothing, which is what its reader then knows. Throws `CodedError`. */
export async function openNotifySocket(path: string): Promise<(state: string) => void> {
  const isAbstract = path.startsWith("@");
  const name = Buffer.from(isAbstract ? `\0${path.slice(1)}` : path, "utf8");
  if (!(isAbstract || path.startsWith("/")) || name.length >= NAME_BYTES_MAX)
    throw new CodedError("notify_unusable", `NOTIFY_SOCKET is no socket's name: ${path}`, { path });
  const library = await loadCLibrary();
  const descriptor = library.call("int socket(int, int, int)")(AF_UNIX, SOCK_DGRAM_CLOEXEC_NONBLOCK, 0);
  if (descriptor < 0) throw new CodedError("notify_unusable", `No socket: ${library.errorName()}`, { path });
  const send = library.call("int64 sendto(int, void *, uint64, int, void *, int)");
  const family = Buffer.alloc(2);
  family.writeUInt16LE(AF_UNIX);
  const address = Buffer.concat([family, name]);
  return (state) => {
    const bytes = Buffer.from(state, "utf8");
    send(descriptor, bytes, bytes.length, MSG_NOSIGNAL, address, address.length);
  };
}
