/** The peer's texts about messages that cannot be read: operators' rules match on their numbers. */

export function badFormatLog(agentId: string, peerAddress: string): string {
  return `(1403): Incorrectly formatted message from agent '${agentId}' (host '${peerAddress}').`;
}

export function authenticationErrorLog(agentId: string, peerAddress: string): string {
  return `(1404): Authentication error. Wrong key or corrupt payload. Message received from agent '${agentId}' at '${peerAddress}'.`;
}

export function checksumLog(agentId: string, registeredAddress: string): string {
  return `(1406): Checksum mismatch. Message received from agent '${agentId}' at '${registeredAddress}'.`;
}

export function invalidIdLog(agentId: string, peerAddress: string, name: string): string {
  return `(1408): Invalid ID ${agentId} for the source ip: '${peerAddress}' (name '${name}').`;
}

export function decompressionLog(agentId: string, registeredAddress: string): string {
  return `(2202): Error uncompressing string. Message received from agent '${agentId}' at '${registeredAddress}'`;
}

export function tooShortLog(agentId: string): string {
  return `Decompressed message too short from agent '${agentId}'`;
}
