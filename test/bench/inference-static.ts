/**
 * What somebody could choose by hand: one batch size and one placement for ever. Runs of that size one
 * after another inline, or two in flight for each worker; no queue, no batcher, rows packed before.
 */
import { performance } from 'node:perf_hooks';
import type {
  LoadedModel,
  ModelBatch,
  Placement,
} from '../../services/platform/model/model-runtime.ts';
import { median } from './bench-row.ts';
import { OUTPUT, ROWS, type Subject } from './inference-subjects.ts';

const SIZES = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1_024] as const;
const LOOK_MS = 40;
/** The best of a short look at each placement are looked at again, in turn. */
const CANDIDATES = 3;
const CANDIDATE_TURNS = 5;

export interface Choice {
  readonly placement: Placement;
  readonly rows: number;
}

export interface StaticModels {
  /** The best size inline, and the best on workers: which of them is better is measured each time. */
  readonly choices: readonly Choice[];
  /** Rows a millisecond of each choice. */
  measure(durationMs: number): Promise<readonly number[]>;
  close(): Promise<void>;
}

export async function openStatic(subject: Subject): Promise<StaticModels> {
  const inline = await subject.load();
  const workers = await subject.load();
  await workers.place('workers');

  const rateOf = ({ placement, rows }: Choice, durationMs: number) =>
    runStatic(subject, placement === 'inline' ? inline : workers, rows, durationMs);

  async function bestOf(placement: Placement): Promise<Choice> {
    const looks: { readonly choice: Choice; readonly rates: number[] }[] = [];
    for (const rows of SIZES) {
      const choice = { placement, rows };
      looks.push({ choice, rates: [await rateOf(choice, LOOK_MS)] });
    }
    const sort = () => looks.sort((a, b) => median(b.rates) - median(a.rates));
    sort().splice(CANDIDATES);
    for (let turn = 1; turn < CANDIDATE_TURNS; turn++) {
      for (const { choice, rates } of looks) rates.push(await rateOf(choice, LOOK_MS));
    }
    return sort()[0]!.choice;
  }

  const choices = [await bestOf('inline'), await bestOf('workers')];
  return {
    choices,
    async measure(durationMs) {
      const rates: number[] = [];
      for (const choice of choices) rates.push(await rateOf(choice, durationMs));
      return rates;
    },
    async close() {
      await inline.close();
      await workers.close();
    },
  };
}

async function runStatic(
  subject: Subject,
  model: LoadedModel,
  rows: number,
  durationMs: number,
): Promise<number> {
  const batches: ModelBatch[] = [];
  for (let from = 0; from < ROWS; from += rows) batches.push(subject.rows(from, rows));
  const startMs = performance.now();
  const endMs = startMs + durationMs;
  let ranRows = 0;
  let next = 0;
  let scoreSum = 0;
  async function lane(): Promise<void> {
    while (performance.now() < endMs) {
      const { outputs } = await model.run(batches[next++ % batches.length]!);
      const data = outputs.get(OUTPUT)!.data as Float32Array;
      for (let row = 0; row < rows; row++) scoreSum += data[row]!;
      ranRows += rows;
    }
  }
  await Promise.all(Array.from({ length: model.batchesInFlightMax }, lane));
  if (Number.isNaN(scoreSum)) throw new Error(`${subject.name}: a score is not a number`);
  return ranRows / (performance.now() - startMs);
}
