/**
 * What a primary's callers feel of a shadow that cannot keep up: the 99th percentile of the time from an
 * event's arrival to its prediction, with the shadow over without, in turns of each in changing order.
 *
 * Two of them side by side, one with the shadow and one without, of which one has events at a time.
 */
import { createDraw } from '../support/draw.ts';
import type { GeneratedModel } from '../support/onnx-models.ts';
import { undisturbed } from './bench-machine.ts';
import { atMost, median, type Pace, quantile, type Report, type Row } from './bench-row.ts';
import { type LoadedScoring, startScoring } from './rollout-scoring.ts';

const SECTION = 'p99 with a shadow that cannot keep up ÷ without';
/** Short and many, so that what else the machine does disturbs some of them and not the median. */
const TURN_MS = 1_000;
const TURNS_A_ROUND = 4;
/** Until the shadow's queue is full and its pace is the one beside others. */
const WARM_MS = 200;
/** Of the interval that holds the ratio. */
const CONFIDENCE = 0.95;
const RESAMPLES = 2_000;
const CAPACITY_MS = 1_500;
/** A third, and all, of what a whole service takes from Kafka on two cores. */
const ROWS_A_SECOND = [5_000, 15_000] as const;
/**
 * Of what scoring does by itself. Without a target: it makes so much garbage that the collector's pauses
 * are the slowest hundredth, and chance takes the ratio further than a tenth.
 */
const SCORING_SHARE = 0.1;
/** Turns of a row that are taken again. */
const DISTURBED_MAX = 60;
const TARGET = 1.1;
const SEED = 1;

export interface ShadowCase {
  readonly name: string;
  readonly primary: GeneratedModel;
  readonly shadow: GeneratedModel;
  readonly placement: 'auto' | 'inline' | 'workers';
}

export async function measureShadow(
  { name, primary, shadow, placement }: ShadowCase,
  pace: Pace,
  report: Report,
): Promise<void> {
  const versions = { primary, shadow };
  const without = await startScoring({ plan: { primary: 'primary' }, versions, placement });
  const plan = { primary: 'primary', shadow: 'shadow' };
  const withShadow = await startScoring({ plan, versions, placement });
  // Code is compiled for each of the two by itself.
  await withShadow.capacity(CAPACITY_MS);
  await withShadow.capacity(CAPACITY_MS);
  await without.capacity(CAPACITY_MS);
  const capacity = await without.capacity(CAPACITY_MS);
  await settle(withShadow);
  const sides = { without, withShadow };
  for (const rate of ROWS_A_SECOND) {
    const named = { name: `${name}, ${rate} rows/s`, target: atMost(TARGET) };
    report(await compare(named, sides, rate, pace));
  }
  const named = { name: `${name}, ${100 * SCORING_SHARE} % of scoring`, target: null };
  report(await compare(named, sides, capacity * SCORING_SHARE, pace));
  for (const service of [without, withShadow]) await service.close();
}

async function compare(
  named: Pick<Row, 'name' | 'target'>,
  { without, withShadow }: Readonly<Record<'without' | 'withShadow', LoadedScoring>>,
  rate: number,
  pace: Pace,
): Promise<Row> {
  const turns = { without: [] as Float64Array[], withShadow: [] as Float64Array[] };
  const durationMs = TURN_MS * pace.share;
  const before = withShadow.shadowCounts();
  const again = { left: DISTURBED_MAX };
  async function take(scoring: LoadedScoring, into: Float64Array[]): Promise<void> {
    await scoring.load(rate, WARM_MS);
    for (let turn = 0; turn < TURNS_A_ROUND; turn += 1) {
      into.push(await undisturbed(again, () => scoring.load(rate, durationMs)));
    }
    await settle(withShadow);
  }
  for (let round = 0; round < pace.rounds; round++) {
    if (round % 2 === 0) await take(without, turns.without);
    await take(withShadow, turns.withShadow);
    if (round % 2 === 1) await take(without, turns.without);
  }
  const after = withShadow.shadowCounts();
  const of = (all: readonly Float64Array[], share: number) =>
    all.map((latenciesMs) => quantile(latenciesMs, share));
  const p99 = { without: of(turns.without, 0.99), withShadow: of(turns.withShadow, 0.99) };
  const ratios = resampled(p99.withShadow, p99.without);
  const half = (odd: number) => median(p99.without.filter((_, turn) => turn % 2 === odd));
  return {
    ...{ ...named, section: SECTION, unit: 'ratio' },
    value: median(p99.withShadow) / median(p99.without),
    low: quantile(ratios, (1 - CONFIDENCE) / 2),
    high: quantile(ratios, (1 + CONFIDENCE) / 2),
    figures: {
      rowsPerSecond: Math.round(rate),
      disturbed: DISTURBED_MAX - again.left,
      p99MsWithout: median(p99.without),
      p99MsWith: median(p99.withShadow),
      // What the same thing differs by from itself, in half as many turns: the machine, not the shadow.
      withoutByItself: half(0) / half(1),
      p50MsWithout: median(of(turns.without, 0.5)),
      p50MsWith: median(of(turns.withShadow, 0.5)),
      shadowRows: after.said - before.said,
      shedRows: after.shed - before.shed,
    },
  };
}

/** Ratios of medians of turns drawn with replacement: how far chance alone takes the ratio. */
function resampled(above: readonly number[], below: readonly number[]): readonly number[] {
  const draw = createDraw(SEED);
  const drawn = (from: readonly number[]) =>
    median(from.map(() => from[draw(0, from.length - 1)]!));
  return Array.from({ length: RESAMPLES }, () => drawn(above) / drawn(below));
}

/** What waits for the shadow has run. */
async function settle(scoring: LoadedScoring): Promise<void> {
  while (scoring.shadowCounts().waiting > 0) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
