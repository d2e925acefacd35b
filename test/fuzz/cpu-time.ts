/** Time that counts what the thread worked, not how long others held the machine. */

export function cpuMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}
