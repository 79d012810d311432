/**
 * Keeps every core from sleeping, by a process on each that spins with the lowest priority there is and
 * yields at once. For delays of less than a millisecond: a virtual core that sleeps comes back when its
 * host finds the time, which on a busy host is tens of milliseconds later.
 *
 * Linux alone, by util-linux; elsewhere nothing happens.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { availableParallelism, platform } from 'node:os';

/** Ends when whoever started it does. */
const SPIN =
  'const from = process.ppid; while (process.ppid === from) for (let n = 1e7; n > 0; n -= 1);';

/** Resolves to what lets them sleep again. */
export async function keepCoresAwake(): Promise<() => void> {
  if (platform() !== 'linux') return () => undefined;
  const spinners = Array.from({ length: availableParallelism() }, (_, core) => {
    // The idle class runs where nothing else does; nice is how its time is told from that of others.
    const ways = ['-n', '19', 'taskset', '-c', String(core), 'chrt', '--idle', '0'];
    return spawn('nice', [...ways, process.execPath, '-e', SPIN], { stdio: 'ignore' });
  });
  await Promise.all(spinners.map((spinner) => once(spinner, 'spawn')));
  return () => {
    for (const spinner of spinners) spinner.kill();
  };
}
