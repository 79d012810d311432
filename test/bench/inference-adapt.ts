/**
 * How well the learned batch size and placement do soon after the load or the model has changed: rows
 * a second in the sixth second after the change, over the best static choice's.
 *
 * The best of all batch sizes inline, and the best on workers, is found at the start by measuring each;
 * in every round both are measured again right before and right after ours, and the better mean is what
 * ours is held against.
 */
import { performance } from 'node:perf_hooks';
import type { LoadedModel } from '../../services/platform/model/model-runtime.ts';
import { atLeast, median, type Pace, type Report, rowOf } from './bench-row.ts';
import { createFeed, type Feed } from './inference-feed.ts';
import { openStatic, type StaticModels } from './inference-static.ts';
import type { Subject, Subjects } from './inference-subjects.ts';

const SECTION = 'after a change ÷ best static choice';
const SHARE_MIN = 0.9;
/** What is measured begins so long after the change. */
const ADAPT_MS = 5_000;
const ADAPT_QUICK_MS = 3_000;
const MEASURED_MS = 500;
const STATIC_MS = 150;
const TRICKLE_MS = 600;
const TRICKLE_EVERY_MS = 10;
const BEFORE_MS = 1_000;
const ROWS_MAX = 1_024;
const REQUEST_ROWS = 256;

interface Trial {
  /** Ours over the static choice's. */
  readonly ratio: number;
  /** The same in each second since the change; those of a slow start are low. */
  readonly bySecond: readonly number[];
  readonly rowsPerMs: number;
  readonly isInline: boolean;
  readonly batchRows: number;
  /** Of each static choice. */
  readonly staticPerMs: readonly number[];
}

interface TrialOptions {
  readonly feed: Feed;
  readonly model: LoadedModel;
  readonly fixed: StaticModels;
  readonly pace: Pace;
}

export async function measureAdaptation(
  { tiny, larger, heavy, light }: Subjects,
  pace: Pace,
  report: Report,
): Promise<void> {
  for (const subject of [tiny, larger]) await changeLoad(subject, pace, report);
  await changeModel([larger, heavy, light], pace, report);
}

async function changeLoad(subject: Subject, pace: Pace, report: Report): Promise<void> {
  const fixed = await openStatic(subject);
  const first: Trial[] = [];
  const again: Trial[] = [];
  for (let round = 0; round < pace.rounds; round++) {
    // Loaded anew, so that nothing is known of it but what loading measures.
    const model = await subject.load();
    const feed = createFeed({
      ...{ subject, model, placement: 'auto', rowsMax: ROWS_MAX, rowsPerRequest: REQUEST_ROWS },
    });
    await trickle(feed);
    first.push(await afterChange({ feed, model, fixed, pace }, () => feed.start()));
    await feed.stop();
    await trickle(feed);
    again.push(await afterChange({ feed, model, fixed, pace }, () => feed.start()));
    await feed.stop();
    await feed.close();
    await model.close();
  }
  await fixed.close();
  reportTrials(`${subject.name}, trickle → full`, fixed, first, report);
  reportTrials(`${subject.name}, full → trickle → full`, fixed, again, report);
}

/** The models follow each other under full load, as the same version. */
async function changeModel(
  [start, ...others]: readonly [Subject, ...Subject[]],
  pace: Pace,
  report: Report,
): Promise<void> {
  const changes = [];
  let from: Subject = start;
  for (const to of others) {
    const name = `${from.name} → ${to.name}`;
    changes.push({ to, name, fixed: await openStatic(to), trials: [] as Trial[] });
    from = to;
  }
  for (let round = 0; round < pace.rounds; round++) {
    const models = [await start.load()];
    const feed = createFeed({
      ...{ subject: start, model: models[0]!, placement: 'auto' },
      ...{ rowsMax: ROWS_MAX, rowsPerRequest: REQUEST_ROWS },
    });
    feed.start();
    await sleep(BEFORE_MS);
    for (const { to, fixed, trials } of changes) {
      const model = await to.load();
      models.push(model);
      trials.push(await afterChange({ feed, model, fixed, pace }, () => feed.serve(model)));
      // The static choice's turn has emptied the queue.
      feed.start();
    }
    await feed.stop();
    await feed.close();
    for (const model of models) await model.close();
  }
  for (const { name, fixed, trials } of changes) {
    await fixed.close();
    reportTrials(name, fixed, trials, report);
  }
}

/** Leaves the feed stopped. */
async function afterChange(
  { feed, model, fixed, pace }: TrialOptions,
  change: () => void,
): Promise<Trial> {
  const adaptMs = pace.share < 1 ? ADAPT_QUICK_MS : ADAPT_MS;
  const before = await fixed.measure(STATIC_MS);
  change();
  const rates: number[] = [];
  for (let atMs = 0; atMs < adaptMs; atMs += 1_000) rates.push(await rateOf(feed, 1_000));
  feed.batchRows.length = 0;
  const rowsPerMs = await rateOf(feed, MEASURED_MS);
  const batchRows = median(feed.batchRows);
  await feed.stop();
  const after = await fixed.measure(STATIC_MS);
  const means = before.map((rate, choice) => (rate + after[choice]!) / 2);
  const rival = Math.max(...means);
  return {
    ratio: rowsPerMs / rival,
    bySecond: rates.map((rate) => rate / rival),
    rowsPerMs,
    isInline: model.placement === 'inline',
    batchRows,
    staticPerMs: means,
  };
}

async function rateOf(feed: Feed, durationMs: number): Promise<number> {
  const startMs = performance.now();
  const startRows = feed.settledRows;
  await sleep(durationMs);
  return (feed.settledRows - startRows) / (performance.now() - startMs);
}

async function trickle(feed: Feed): Promise<void> {
  const endMs = performance.now() + TRICKLE_MS;
  while (performance.now() < endMs) {
    feed.single();
    await sleep(TRICKLE_EVERY_MS);
  }
}

function reportTrials(
  name: string,
  { choices }: StaticModels,
  trials: readonly Trial[],
  report: Report,
): void {
  const bySecond = trials[0]!.bySecond.map((_, second) => {
    const ratio = median(trials.map((trial) => trial.bySecond[second]!));
    return [`second${second + 1}`, ratio] as const;
  });
  report(
    rowOf(
      { section: SECTION, name, unit: 'ratio', target: atLeast(SHARE_MIN) },
      trials.map(({ ratio }) => ratio),
      {
        ...Object.fromEntries(bySecond),
        rowsPerMs: median(trials.map(({ rowsPerMs }) => rowsPerMs)),
        batchRows: median(trials.map(({ batchRows }) => batchRows)),
        inlineRounds: trials.filter(({ isInline }) => isInline).length,
        ...Object.fromEntries(
          choices.map(({ placement, rows }, choice) => [
            `${placement}${rows}RowsPerMs`,
            median(trials.map(({ staticPerMs }) => staticPerMs[choice]!)),
          ]),
        ),
      },
    ),
  );
}

function sleep(durationMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, durationMs));
}
