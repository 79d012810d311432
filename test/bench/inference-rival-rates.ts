/**
 * Full load on each model, ours beside the other ways in one table: rows a second over those of ONNX
 * Runtime called on this thread with 256 rows at a time. Where ours runs on workers it is also what two
 * workers bring, at 256 rows.
 */
import { performance } from 'node:perf_hooks';
import type { LoadedModel } from '../../services/platform/model/model-runtime.ts';
import { atLeast, median, type Pace, type Report, rowOf, type Target } from './bench-row.ts';
import { createFeed, type Feed } from './inference-feed.ts';
import {
  type CreateRowServer,
  createFixedBatcher,
  createRowByRow,
  FIXED_ROWS,
  FIXED_TIMEOUT_MS,
} from './inference-rivals.ts';
import { runDirect, type Subject, type Subjects } from './inference-subjects.ts';

const SECTION = 'full load ÷ ONNX Runtime on the main thread';
const TURN_MS = 150;
const WARM_MS = 1_500;
/** While others have their turns ours stands still, and is placed as one that hardly runs. */
const LEAD_MS = 600;
const ROWS_MAX = 256;
const WORKERS_TARGET = 1.4;
/** Rows that wait at the rivals, as at ours. */
const AHEAD_ROWS = 8_192;

/** A turn of about so long gives rows a millisecond. */
type Turn = (durationMs: number) => Promise<number>;

interface Contender {
  readonly name: string;
  readonly target: Target | null;
  readonly turn: Turn;
}

export async function measureRivals(
  { tiny, larger, trees, heavy }: Subjects,
  pace: Pace,
  report: Report,
): Promise<void> {
  for (const subject of [tiny, larger, trees, heavy]) {
    await measureSubject(subject, subject === tiny ? null : atLeast(WORKERS_TARGET), pace, report);
  }
}

async function measureSubject(
  subject: Subject,
  workersTarget: Target | null,
  pace: Pace,
  report: Report,
): Promise<void> {
  const [own, ofWorkers] = [await subject.load(), await subject.load()];
  await ofWorkers.place('workers');
  const common = { subject, rowsMax: ROWS_MAX, rowsPerRequest: ROWS_MAX };
  const auto = createFeed({ ...common, model: own, placement: 'auto' });
  const workers = createFeed({ ...common, model: ofWorkers, placement: 'workers' });
  await feedTurn(auto, WARM_MS);
  const contenders: readonly Contender[] = [
    {
      ...{ name: 'ONNX Runtime, 256 rows', target: null },
      turn: (durationMs) => directTurn(subject, durationMs),
    },
    {
      ...{ name: 'ours', target: null },
      turn: async (durationMs) => {
        await feedTurn(auto, LEAD_MS);
        return feedTurn(auto, durationMs);
      },
    },
    {
      ...{ name: 'ours, workers always', target: workersTarget },
      turn: (durationMs) => feedTurn(workers, durationMs),
    },
    {
      ...{ name: 'workers alone, 256 rows', target: null },
      turn: (durationMs) => lanesTurn(subject, ofWorkers, durationMs),
    },
    {
      ...{ name: `fixed ${FIXED_ROWS} rows or ${FIXED_TIMEOUT_MS} ms`, target: null },
      turn: (durationMs) => rowsTurn(subject, createFixedBatcher, durationMs),
    },
    {
      ...{ name: 'no batching', target: null },
      turn: (durationMs) => rowsTurn(subject, createRowByRow, durationMs),
    },
  ];
  const rates = contenders.map((): number[] => []);
  for (let round = -1; round < pace.rounds; round++) {
    for (let index = 0; index < contenders.length; index++) {
      const at = (index + Math.max(0, round)) % contenders.length;
      const rate = await contenders[at]!.turn(TURN_MS * pace.share);
      if (round >= 0) rates[at]!.push(rate);
    }
  }
  const batchRows = median(workers.batchRows);
  const isInline = own.placement === 'inline' ? 1 : 0;
  await auto.close();
  await workers.close();
  await own.close();
  await ofWorkers.close();
  for (const [index, { name, target }] of contenders.entries()) {
    const ratios = rates[index]!.map((rate, round) => rate / rates[0]![round]!);
    report(
      rowOf({ section: SECTION, name: `${subject.name}, ${name}`, unit: 'ratio', target }, ratios, {
        rowsPerMs: median(rates[index]!),
        ...(name === 'ours' && { inline: isInline }),
        ...(name === 'ours, workers always' && { batchRows }),
      }),
    );
  }
}

async function feedTurn(feed: Feed, durationMs: number): Promise<number> {
  feed.batchRows.length = 0;
  const startRows = feed.settledRows;
  const startMs = performance.now();
  feed.start();
  await new Promise((resolve) => setTimeout(resolve, durationMs));
  const rate = (feed.settledRows - startRows) / (performance.now() - startMs);
  await feed.stop();
  return rate;
}

async function directTurn({ session, tensor }: Subject, durationMs: number): Promise<number> {
  const startMs = performance.now();
  let rowCount = 0;
  let scoreSum = 0;
  while (performance.now() - startMs < durationMs) {
    for (const score of await runDirect(session, tensor(rowCount, ROWS_MAX))) scoreSum += score;
    rowCount += ROWS_MAX;
  }
  if (Number.isNaN(scoreSum)) throw new Error('a score is not a number');
  return rowCount / (performance.now() - startMs);
}

/** The pool without a batcher. */
async function lanesTurn(
  { rows }: Subject,
  model: LoadedModel,
  durationMs: number,
): Promise<number> {
  const startMs = performance.now();
  let rowCount = 0;
  async function lane(): Promise<void> {
    while (performance.now() - startMs < durationMs) {
      await model.run(rows(rowCount, ROWS_MAX));
      rowCount += ROWS_MAX;
    }
  }
  await Promise.all(Array.from({ length: model.batchesInFlightMax }, lane));
  return rowCount / (performance.now() - startMs);
}

async function rowsTurn(
  subject: Subject,
  create: CreateRowServer,
  durationMs: number,
): Promise<number> {
  let submitted = 0;
  let answered = 0;
  const server = create(subject, () => {
    answered += 1;
    server.submit(submitted, submitted);
    submitted += 1;
  });
  const startMs = performance.now();
  while (submitted < AHEAD_ROWS) {
    server.submit(submitted, submitted);
    submitted += 1;
  }
  await new Promise((resolve) => setTimeout(resolve, durationMs));
  const rate = answered / (performance.now() - startMs);
  await server.stop();
  return rate;
}
