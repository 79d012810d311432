/**
 * What a primary's callers feel of a shadow that cannot keep up: the 99th percentile of the time from an
 * event's arrival to its prediction, with the shadow over without, in turns of each in changing order;
 * and over that of the very same turns without the rows that were beside a batch of the shadow.
 *
 * Two of them side by side, one with the shadow and one without, of which one has events at a time.
 */
import { createDraw } from '../support/draw.ts';
import type { GeneratedModel } from '../support/onnx-models.ts';
import { undisturbed } from './bench-machine.ts';
import { atMost, median, type Pace, quantile, type Report, type Row } from './bench-row.ts';
import { type Answered, type LoadedScoring, startScoring } from './rollout-scoring.ts';

const SIDE_BY_SIDE = 'p99 with a shadow that cannot keep up ÷ without';
const WITHIN_TURNS = 'p99 with a shadow ÷ p99 of its rows that were beside none of its batches';
/** Short and many, so that what else the machine does disturbs some of them and not the median. */
const TURN_MS = 1_000;
const TURNS_A_ROUND = 4;
/** Until the shadow's queue is full and its pace is the one beside others. */
const WARM_MS = 200;
/** Of the interval that holds the ratio. */
const CONFIDENCE = 0.95;
const RESAMPLES = 2_000;
/** For code to be compiled. */
const FULL_LOAD_MS = 1_500;
/** A third, and all, of what a whole service takes from Kafka on two cores. */
const ROWS_A_SECOND = [5_000, 15_000] as const;
/** Turns of a load that are taken again. */
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
  for (const service of [withShadow, without]) {
    await service.fullLoad(FULL_LOAD_MS);
    await service.fullLoad(FULL_LOAD_MS);
  }
  await settle(withShadow);
  const withinRows: Row[] = [];
  for (const rate of ROWS_A_SECOND) {
    const compared = await compare({ without, withShadow }, rate, pace);
    report(sideBySide(`${name}, ${rate} rows/s`, compared));
    withinRows.push(withinTurns(`${name}, ${rate} rows/s`, compared));
  }
  for (const row of withinRows) report(row);
  for (const service of [without, withShadow]) await service.close();
}

type Side = 'without' | 'withShadow';

interface Turn {
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Of the rows that were beside no batch of the shadow. */
  readonly p99ApartMs: number;
  readonly besideShare: number;
}

type Round = Readonly<Record<Side, readonly Turn[]>>;

interface Compared {
  readonly rounds: readonly Round[];
  readonly figures: Row['figures'];
}

async function compare(
  { without, withShadow }: Readonly<Record<Side, LoadedScoring>>,
  rate: number,
  pace: Pace,
): Promise<Compared> {
  const before = withShadow.shadowCounts();
  const budget = { left: DISTURBED_MAX };
  async function take(scoring: LoadedScoring): Promise<readonly Turn[]> {
    await scoring.load(rate, WARM_MS);
    const turns: Turn[] = [];
    for (let turn = 0; turn < TURNS_A_ROUND; turn += 1) {
      turns.push(turnOf(await undisturbed(budget, () => scoring.load(rate, TURN_MS * pace.share))));
    }
    await settle(withShadow);
    return turns;
  }
  const rounds: Round[] = [];
  while (rounds.length < pace.rounds) {
    if (rounds.length % 2 === 0) {
      rounds.push({ without: await take(without), withShadow: await take(withShadow) });
    } else rounds.push({ withShadow: await take(withShadow), without: await take(without) });
  }
  const after = withShadow.shadowCounts();
  const figures = {
    disturbed: DISTURBED_MAX - budget.left,
    shadowRows: after.said - before.said,
    shedRows: after.shed - before.shed,
  };
  return { rounds, figures };
}

function turnOf({ tookMs, besideShadow }: Answered): Turn {
  const apart = tookMs.filter((_, row) => besideShadow[row] === 0);
  return {
    p50Ms: quantile(tookMs, 0.5),
    p99Ms: quantile(tookMs, 0.99),
    p99ApartMs: quantile(apart, 0.99),
    besideShare: 1 - apart.length / tookMs.length,
  };
}

function sideBySide(name: string, { rounds, figures }: Compared): Row {
  const of = (side: Side, key: keyof Turn) => medianOf(rounds, side, key);
  return {
    ...{ section: SIDE_BY_SIDE, name, unit: 'ratio', target: atMost(TARGET) },
    value: ratioOf(rounds),
    ...intervalOf(rounds),
    figures: {
      p99MsWithout: of('without', 'p99Ms'),
      p99MsWith: of('withShadow', 'p99Ms'),
      p50MsWithout: of('without', 'p50Ms'),
      p50MsWith: of('withShadow', 'p50Ms'),
      ...figures,
    },
  };
}

/** The mean over turns, as most of them have no batch of the shadow; the least and the most of one. */
function withinTurns(name: string, { rounds }: Compared): Row {
  const turns = rounds.flatMap(({ withShadow }) => withShadow);
  const ratios = turns.map(({ p99Ms, p99ApartMs }) => p99Ms / p99ApartMs);
  const mean = (numbers: readonly number[]) =>
    numbers.reduce((sum, number) => sum + number, 0) / numbers.length;
  return {
    ...{ section: WITHIN_TURNS, name, unit: 'ratio', target: atMost(TARGET) },
    value: mean(ratios),
    low: Math.min(...ratios),
    high: Math.max(...ratios),
    figures: { besideShare: mean(turns.map(({ besideShare }) => besideShare)) },
  };
}

function ratioOf(rounds: readonly Round[]): number {
  return medianOf(rounds, 'withShadow', 'p99Ms') / medianOf(rounds, 'without', 'p99Ms');
}

/** Over all turns. */
function medianOf(rounds: readonly Round[], side: Side, key: keyof Turn): number {
  return median(rounds.flatMap((round) => round[side].map((turn) => turn[key])));
}

/**
 * How far chance takes the ratio: of rounds drawn with replacement (bootstrap). Whole rounds, as turns
 * after each other are alike: the kernel leaves a thread on its core for seconds.
 */
function intervalOf(rounds: readonly Round[]): Pick<Row, 'low' | 'high'> {
  const draw = createDraw(SEED);
  const ratios = Array.from({ length: RESAMPLES }, () =>
    ratioOf(rounds.map(() => rounds[draw(0, rounds.length - 1)]!)),
  );
  return {
    low: quantile(ratios, (1 - CONFIDENCE) / 2),
    high: quantile(ratios, (1 + CONFIDENCE) / 2),
  };
}

/** What waits for the shadow has run. */
async function settle(scoring: LoadedScoring): Promise<void> {
  while (scoring.shadowCounts().waiting > 0) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
