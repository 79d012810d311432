/**
 * How long a row waits besides its own run, at a tenth of the capacity: single rows that arrive at
 * random (Poisson), the same arrivals for ours and for the rivals.
 *
 * The capacity is what the batcher does of requests of one row, measured first, inline. For a model of
 * 3 µs a row or more that is most of what ONNX Runtime can do; of the tiny one's twenty million rows a
 * second nobody makes requests one by one.
 *
 * A row's time begins when it is due and not when it is submitted: what arrives while a run holds the
 * thread waits for it, whoever is at fault. From the time to its score the median direct run of one
 * row is taken off. A row that is not answered when its round ends has waited until then at least.
 */
import type { Batcher } from '../../services/inference-worker/batcher.ts';
import type { LoadedModel, ModelBatch } from '../../services/platform/model/model-runtime.ts';
import { undisturbed } from './bench-machine.ts';
import { atMost, median, type Pace, quantile, type Report, rowOf } from './bench-row.ts';
import { arrivals } from './inference-arrivals.ts';
import { createBenchBatcher, VERSION } from './inference-batcher.ts';
import { createFeed } from './inference-feed.ts';
import {
  createFixedBatcher,
  createRowByRow,
  FIXED_ROWS,
  FIXED_TIMEOUT_MS,
  type OnScore,
  type RowServer,
} from './inference-rivals.ts';
import { OUTPUT, ROWS, type Subject, type Subjects } from './inference-subjects.ts';

const SECTION = 'added wait at 10 % load, p99';
const LOAD = 0.1;
const OURS_MS = 1_400;
const RIVAL_MS = 300;
const CAPACITY_MS = 100;
const WAIT_MS_MAX = 2;
/** Turns of a subject that are taken again. */
const DISTURBED_MAX = 30;

interface Contender {
  readonly name: string;
  readonly durationMs: number;
  readonly isOurs: boolean;
  create(onScore: OnScore): RowServer;
}

export async function measureWait(
  { tiny, larger, trees }: Subjects,
  pace: Pace,
  report: Report,
): Promise<void> {
  for (const subject of [tiny, larger, trees]) await measureSubject(subject, pace, report);
}

async function measureSubject(subject: Subject, pace: Pace, report: Report): Promise<void> {
  const model = await subject.load();
  const rowsPerMs = LOAD * (await capacity(subject, model, pace));
  const batcher = createBenchBatcher({ model, placement: 'auto', rowsMax: 256 });
  const contenders: readonly Contender[] = [
    {
      ...{ name: 'ours', isOurs: true, durationMs: OURS_MS * pace.share },
      create: (onScore) => createOurs(subject, batcher, onScore),
    },
    {
      name: `fixed ${FIXED_ROWS} rows or ${FIXED_TIMEOUT_MS} ms`,
      ...{ isOurs: false, durationMs: RIVAL_MS * pace.share },
      create: (onScore) => createFixedBatcher(subject, onScore),
    },
    {
      ...{ name: 'no batching', isOurs: false, durationMs: RIVAL_MS * pace.share },
      create: (onScore) => createRowByRow(subject, onScore),
    },
  ];
  const waits = contenders.map((): Float64Array[] => []);
  const again = { left: DISTURBED_MAX };
  for (let round = -1; round < pace.rounds; round++) {
    for (let turn = 0; turn < contenders.length; turn++) {
      const index = (turn + Math.max(0, round)) % contenders.length;
      const { create, durationMs } = contenders[index]!;
      const load = { rowsPerMs, seed: round, durationMs };
      const waitsMs = await undisturbed(again, () => arrivals(subject, create, load));
      if (round >= 0) waits[index]!.push(waitsMs);
    }
  }
  await batcher.close();
  reportWaits(
    { subject, contenders, waits, model, rowsPerMs, disturbed: DISTURBED_MAX - again.left },
    report,
  );
  await model.close();
}

/** Rows a millisecond, one a request. */
async function capacity(subject: Subject, model: LoadedModel, pace: Pace): Promise<number> {
  const feed = createFeed({ subject, model, placement: 'inline', rowsMax: 256, rowsPerRequest: 1 });
  const rates: number[] = [];
  let rowCount = 10_000;
  for (let round = -2; round < pace.rounds; round++) {
    const { durationMs } = await feed.turn(rowCount);
    if (round >= 0) rates.push(rowCount / durationMs);
    rowCount = Math.ceil((rowCount / durationMs) * CAPACITY_MS * pace.share);
  }
  await feed.close();
  return median(rates);
}

function reportWaits(
  {
    subject,
    contenders,
    waits,
    model,
    rowsPerMs,
    disturbed,
  }: {
    readonly subject: Subject;
    readonly contenders: readonly Contender[];
    readonly waits: readonly (readonly Float64Array[])[];
    readonly model: LoadedModel;
    readonly rowsPerMs: number;
    readonly disturbed: number;
  },
  report: Report,
): void {
  for (const [index, { name, isOurs }] of contenders.entries()) {
    const rounds = waits[index]!;
    const all = rounds.flatMap((round) => [...round]);
    report(
      rowOf(
        {
          ...{ section: SECTION, name: `${subject.name}, ${name}`, unit: 'ms' },
          target: isOurs ? atMost(WAIT_MS_MAX) : null,
        },
        rounds.map((round) => quantile(round, 0.99)),
        {
          p50: median(rounds.map((round) => quantile(round, 0.5))),
          p99OfAllRounds: quantile(all, 0.99),
          p999OfAllRounds: quantile(all, 0.999),
          rows: all.length,
          rowsPerMs,
          shareOfDirect: rowsPerMs / subject.rowsPerMs,
          oneRowMs: subject.oneRowMs,
          disturbed,
          ...(isOurs && { inline: model.placement === 'inline' ? 1 : 0 }),
        },
      ),
    );
  }
}

function createOurs(subject: Subject, batcher: Batcher, onScore: OnScore): RowServer {
  const packed: ModelBatch[] = [];
  for (let row = 0; row < ROWS; row++) packed.push(subject.rows(row, 1));
  return {
    submit(streamRow, token) {
      batcher.submit({
        version: VERSION,
        rows: packed[streamRow % ROWS]!,
        deadlineMs: Number.POSITIVE_INFINITY,
        settle(_fromRow, _toRow, result) {
          if (result.kind === 'failed') throw new Error(result.rejection.message);
          onScore(token, Number(result.outputs.get(OUTPUT)!.data[result.outputRow]));
        },
      });
    },
    stop: () => batcher.drain(),
  };
}
