/**
 * What the batcher costs: its rows a second over those of ONNX Runtime's own session, called directly
 * on this thread with the same batches of the same rows, one awaited after another.
 *
 * Placed inline, so that no second core hides the cost. A round has a turn of each in changing order;
 * where the direct one is first it runs the batches that were cut in the round before.
 */
import { performance } from 'node:perf_hooks';
import { BATCH_ROWS_MAX, POLL_RECORDS_MAX } from '../../services/core/limits.ts';
import { atLeast, median, type Pace, type Report, rowOf, type Target } from './bench-row.ts';
import { createCellsCodec } from './inference-cells.ts';
import { createFeed, type Feed, type Turn } from './inference-feed.ts';
import { ROWS, readScores, runDirect, type Subject, type Subjects } from './inference-subjects.ts';

const SECTION = 'through the batcher ÷ direct';
const WARM_UP_MS = 1_500;
const TURN_MS = 160;
/** What a monitor has by default. */
const ROWS_MAX = BATCH_ROWS_MAX;
/** What a service submits at full load: all rows of a poll in one request, of which batches are views. */
const POLL_ROWS = POLL_RECORDS_MAX;
/** As HTTP callers send them: a batch of several requests is a copy of their rows. */
const SMALL_REQUEST_ROWS = [256, 64, 1] as const;

export async function measureThroughput(
  { tiny, larger, trees }: Subjects,
  pace: Pace,
  report: Report,
): Promise<void> {
  for (const subject of [tiny, larger, trees]) {
    const least = subject === tiny ? 0.85 : 0.92;
    const poll = { rowsPerRequest: POLL_ROWS, each: `polls of ${POLL_ROWS} rows` };
    await compare(subject, { ...poll, target: atLeast(least) }, pace, report);
    const target = null;
    for (const rowsPerRequest of SMALL_REQUEST_ROWS) {
      const each = `requests of ${rowsPerRequest}`;
      await compare(subject, { rowsPerRequest, each, target }, pace, report);
    }
    const cells = { isFromCells: true, ...poll, each: 'cells to answers' };
    await compare(subject, { ...cells, target }, pace, report);
  }
}

interface Requests {
  readonly each: string;
  readonly rowsPerRequest: number;
  readonly target: Target | null;
  /** Cells are packed and predictions unpacked, as the service does. */
  readonly isFromCells?: boolean;
}

async function compare(
  subject: Subject,
  { each, rowsPerRequest, target, isFromCells }: Requests,
  pace: Pace,
  report: Report,
): Promise<void> {
  const model = await subject.load();
  const feed = createFeed({
    ...{ subject, model, rowsPerRequest, placement: 'inline', rowsMax: ROWS_MAX },
    ...(isFromCells && { cells: createCellsCodec(subject, model.description) }),
  });
  const rowCount = Math.ceil((subject.rowsPerMs * TURN_MS * pace.share) / 2_000) * 2_000;
  let turn = await warmUp(feed, subject, rowCount, pace);
  const ratios: number[] = [];
  const rates: number[] = [];
  const batchRows: number[] = [];
  // The turns are short, so there are twice as many.
  for (let round = 0; round < 2 * pace.rounds; round++) {
    let direct: Turn;
    if (round % 2 === 0) {
      turn = await feed.turn(rowCount);
      direct = await directTurn(subject, turn.batchRows);
    } else {
      direct = await directTurn(subject, turn.batchRows);
      turn = await feed.turn(rowCount);
    }
    expectSameScores(subject, turn, direct);
    ratios.push(direct.durationMs / turn.durationMs);
    rates.push(rowCount / turn.durationMs);
    batchRows.push(median(turn.batchRows));
  }
  await feed.close();
  await model.close();
  report(
    rowOf({ section: SECTION, name: `${subject.name}, ${each}`, unit: 'ratio', target }, ratios, {
      rowsPerMs: median(rates),
      batchRows: median(batchRows),
    }),
  );
}

/** A service runs for days: code that is still being compiled is not what is measured. */
async function warmUp(feed: Feed, subject: Subject, rowCount: number, pace: Pace): Promise<Turn> {
  const endMs = performance.now() + WARM_UP_MS * pace.share;
  let turn = await feed.turn(rowCount);
  while (performance.now() < endMs) {
    await directTurn(subject, turn.batchRows);
    turn = await feed.turn(rowCount);
  }
  return turn;
}

async function directTurn(subject: Subject, batchRows: readonly number[]): Promise<Turn> {
  const scores = new Float32Array(ROWS);
  const tensors = [];
  let rowCount = 0;
  for (const rows of batchRows) {
    tensors.push(subject.tensor(rowCount, rows));
    rowCount += rows;
  }
  let at = 0;
  const startMs = performance.now();
  for (const tensor of tensors) {
    const data = await runDirect(subject.session, tensor);
    readScores(scores, at, { data, from: 0, rowCount: data.length });
    at += data.length;
  }
  return { rowCount, durationMs: performance.now() - startMs, batchRows, scores };
}

function expectSameScores(subject: Subject, ours: Turn, direct: Turn): void {
  for (let row = 0; row < Math.min(ROWS, ours.rowCount); row++) {
    // Batches of the round before may be of other sizes, which changes the last bits.
    if (Math.abs(ours.scores[row]! - direct.scores[row]!) <= 1e-5 * Math.abs(direct.scores[row]!)) {
      continue;
    }
    throw new Error(
      `${subject.name}, row ${row}: ${ours.scores[row]} through the batcher, ${direct.scores[row]} directly`,
    );
  }
}
