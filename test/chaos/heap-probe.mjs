// @ts-check
/**
 * Preloaded into a service under `--expose-gc`: every ten seconds, what is left of its memory after
 * a full garbage collection, heap and buffers together, in bytes, to the file that CHAOS_HEAP_FILE
 * names. Resident memory alone does not tell a leak from garbage that nobody had to collect yet.
 */
import { writeFileSync } from 'node:fs';

const PROBE_INTERVAL_MS = 10_000;
const file = process.env.CHAOS_HEAP_FILE;
const collectGarbage = globalThis.gc;

if (file !== undefined && collectGarbage !== undefined) {
  setInterval(() => {
    collectGarbage();
    const { heapUsed, external } = process.memoryUsage();
    writeFileSync(file, String(heapUsed + external));
  }, PROBE_INTERVAL_MS).unref();
}
