/**
 * What other processes took of the machine meanwhile: where it is much, the waits, the delays and what
 * a second core brings are theirs.
 */
import { existsSync, readFileSync } from 'node:fs';
import { performance } from 'node:perf_hooks';

const STATISTICS = '/proc/stat';
/** Of the kernel's clock, in which it counts. */
const TICK_MS = 10;

/** Cores that others have kept busy since the call, on average; `null` where the kernel does not say. */
export function watchOthers(): () => number | null {
  const startMs = performance.now();
  const busyBefore = busyMs();
  const ownBefore = process.cpuUsage();
  return () => {
    const busy = busyMs();
    if (busy === null || busyBefore === null) return null;
    const { user, system } = process.cpuUsage(ownBefore);
    const othersMs = busy - busyBefore - (user + system) / 1_000;
    return Math.max(0, othersMs / (performance.now() - startMs));
  };
}

/** user nice system idle iowait irq softirq steal, of all cores. */
function busyMs(): number | null {
  if (!existsSync(STATISTICS)) return null;
  const [line] = readFileSync(STATISTICS, 'latin1').split('\n');
  const [user, nice, system, , , irq, softirq, steal] = line!.split(/ +/).slice(1).map(Number);
  return (user! + nice! + system! + irq! + softirq! + steal!) * TICK_MS;
}

/** On a machine that others take more of no baseline is kept. */
export const QUIET_CORES_MAX = 0.15;
/** Above it a turn is taken again: one pause of the machine is the slowest hundredth. */
const DISTURBED_CORES = 0.02;

/** The turn, taken again where others disturbed it, as long as `budget` lasts. */
export async function undisturbed<T>(budget: { left: number }, take: () => Promise<T>): Promise<T> {
  for (;;) {
    const othersCores = watchOthers();
    const taken = await take();
    if ((othersCores() ?? 0) <= DISTURBED_CORES || budget.left === 0) return taken;
    budget.left -= 1;
  }
}
