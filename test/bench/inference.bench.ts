/**
 * `npm run bench:inference`: the batcher beside ONNX Runtime and other ways of batching. Options as in
 * bench-run.ts; a baseline is kept of a whole run only, and if other processes left the machine alone.
 *
 * Started with a heap like a service's: in the small one of a new process the collector marks ten times a
 * second, for the sake of output buffers that lie outside of it, and a turn is as fast as it lets it be.
 */

import { watchOthers } from './bench-machine.ts';
import type { Pace, Report } from './bench-row.ts';
import { startBench } from './bench-run.ts';
import { measureAdaptation } from './inference-adapt.ts';
import { measureGaps } from './inference-gaps.ts';
import { measureRivals } from './inference-rival-rates.ts';

import { openSubjects, type Subjects } from './inference-subjects.ts';
import { measureThroughput } from './inference-throughput.ts';
import { measureWait } from './inference-wait.ts';

/** A busier machine gives no baseline. */
const OTHERS_CORES_MAX = 0.15;

type Part = (subjects: Subjects, pace: Pace, report: Report) => Promise<void>;

const PARTS: Readonly<Record<string, Part>> = {
  throughput: measureThroughput,
  rivals: measureRivals,
  wait: measureWait,
  gaps: measureGaps,
  adaptation: measureAdaptation,
};

const bench = startBench({
  baseline: 'test/bench/inference.baseline.json',
  rounds: 5,
  nameWidth: 50,
});

/** Cores that others kept busy, by part. */
const others: Record<string, number | null> = {};
const startMs = Date.now();
const subjects = await openSubjects();
for (const [name, measure] of bench.chosen(PARTS)) {
  const othersCores = watchOthers();
  await measure(subjects, bench.pace, bench.report);
  others[name] = othersCores();
  bench.say(
    `  (others took ${others[name]?.toFixed(2) ?? 'an unknown number of'} cores meanwhile)`,
  );
}
await subjects.close();

const seconds = Math.round((Date.now() - startMs) / 1_000);
const isQuiet = Object.values(others).every((cores) => (cores ?? 0) <= OTHERS_CORES_MAX);
bench.end({ others, seconds }, `${seconds} s`, (isWhole) =>
  isQuiet && isWhole ? null : 'others took too much of the machine, or parts were left out',
);
