/**
 * `npm run bench:inference`: the batcher beside ONNX Runtime and other ways of batching. Options as in
 * bench-run.ts.
 *
 * Started with a heap like a service's: in the small one of a new process the collector marks ten times a
 * second, for the sake of output buffers that lie outside of it, and a turn is as fast as it lets it be.
 */
import { type Part, runBench } from './bench-run.ts';
import { measureAdaptation } from './inference-adapt.ts';
import { measureGaps } from './inference-gaps.ts';
import { measureRivals } from './inference-rival-rates.ts';
import { openSubjects } from './inference-subjects.ts';
import { measureThroughput } from './inference-throughput.ts';
import { measureWait } from './inference-wait.ts';

const subjects = await openSubjects();
const of =
  (measure: typeof measureThroughput): Part =>
  (_name, pace, report) =>
    measure(subjects, pace, report);

await runBench(
  { baseline: 'test/bench/inference.baseline.json', rounds: 5, nameWidth: 50 },
  {
    throughput: of(measureThroughput),
    rivals: of(measureRivals),
    wait: of(measureWait),
    gaps: of(measureGaps),
    adaptation: of(measureAdaptation),
  },
);
await subjects.close();
