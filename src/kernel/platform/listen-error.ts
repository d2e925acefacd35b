/** Why a port cannot be listened on. */
import { CodedError, errnoOf, messageOf } from "../errors.ts";

export type Place = { readonly host: string; readonly port: number };

export function listenError(error: unknown, options: Place): CodedError {
  const where = { host: options.host, port: options.port };
  switch (errnoOf(error)) {
    case "EADDRINUSE":
      return new CodedError("port_taken", `Port ${options.port} is taken on ${options.host}`, where, error);
    case "EACCES":
      return new CodedError("port_forbidden", `No right to listen on port ${options.port}`, where, error);
    case "EADDRNOTAVAIL":
      return new CodedError("address_unavailable", `No such address here: ${options.host}`, where, error);
    default:
      return new CodedError("listen_failed", messageOf(error), where, error);
  }
}
