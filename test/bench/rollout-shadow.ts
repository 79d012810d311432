/**
 * What a primary's callers feel of a shadow that cannot keep up: the 99th percentile of the time from an
 * event's arrival to its prediction, with the shadow over without; and over that of the very same turns
 * without the rows that were beside a batch of the shadow.
 *
 * Three of them side by side, one with the shadow and two without, of which one has events at a time, in
 * turns of changing order. What tells the two apart that are alike is what the ratio cannot resolve.
 */
import type { RolloutPlan } from '../../services/core/rollout/rollout-plan.ts';
import { createDraw } from '../support/draw.ts';
import type { GeneratedModel } from '../support/onnx-models.ts';
import { undisturbed } from './bench-machine.ts';
import { atMost, median, type Pace, quantile, type Report, type Row } from './bench-row.ts';
import { type Answered, type LoadedScoring, startScoring } from './rollout-scoring.ts';

const SIDE_BY_SIDE = 'p99 with a shadow that cannot keep up ÷ without';
const WITHIN_TURNS = 'p99 with a shadow ÷ p99 of its rows that were beside none of its batches';
/** Short and many, so that what else the machine does disturbs some of them and not the median. */
const TURN_MS = 1_000;
/** Of each, for each round that was asked for. */
const TURNS = 3;
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
  const start = (plan: Partial<RolloutPlan>) =>
    startScoring({ plan: { primary: 'primary', ...plan }, versions, placement });
  const scorings: Scorings = {
    without: await start({}),
    withShadow: await start({ shadow: 'shadow' }),
    withoutToo: await start({}),
  };
  // Code is compiled for each of them by itself.
  for (const scoring of Object.values(scorings)) {
    await scoring.fullLoad(FULL_LOAD_MS);
    await scoring.fullLoad(FULL_LOAD_MS);
  }
  await settle(scorings.withShadow);
  const withinRows: Row[] = [];
  for (const rate of ROWS_A_SECOND) {
    const compared = await compare(scorings, rate, pace);
    report(sideBySide(`${name}, ${rate} rows/s`, compared));
    withinRows.push(withinTurns(`${name}, ${rate} rows/s`, compared));
  }
  for (const row of withinRows) report(row);
  for (const scoring of Object.values(scorings)) await scoring.close();
}

type Side = 'without' | 'withShadow' | 'withoutToo';
type Scorings = Readonly<Record<Side, LoadedScoring>>;

const WITHOUT = ['without', 'withoutToo'] as const;

/** Round by round. */
const ORDERS: readonly (readonly Side[])[] = [
  ['without', 'withShadow', 'withoutToo'],
  ['withoutToo', 'withShadow', 'without'],
  ['withShadow', 'without', 'withoutToo'],
  ['without', 'withoutToo', 'withShadow'],
  ['withoutToo', 'without', 'withShadow'],
  ['withShadow', 'withoutToo', 'without'],
];

interface Turn {
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Of the rows that were beside no batch of the shadow. */
  readonly p99ApartMs: number;
  readonly besideShare: number;
}

/** One turn of each. */
type Round = Readonly<Record<Side, Turn>>;

interface Compared {
  readonly rounds: readonly Round[];
  readonly figures: Row['figures'];
}

async function compare(scorings: Scorings, rate: number, pace: Pace): Promise<Compared> {
  const { withShadow } = scorings;
  const before = withShadow.shadowCounts();
  const budget = { left: DISTURBED_MAX };
  async function take(side: Side): Promise<readonly [Side, Turn]> {
    const scoring = scorings[side];
    await scoring.load(rate, WARM_MS);
    const turn = turnOf(await undisturbed(budget, () => scoring.load(rate, TURN_MS * pace.share)));
    await settle(withShadow);
    return [side, turn];
  }
  const rounds: Round[] = [];
  while (rounds.length < TURNS * pace.rounds) {
    const turns: (readonly [Side, Turn])[] = [];
    for (const side of ORDERS[rounds.length % ORDERS.length]!) turns.push(await take(side));
    rounds.push(Object.fromEntries(turns) as Round);
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
  const of = (key: keyof Turn, ...sides: readonly Side[]) => medianOf(rounds, key, sides);
  return {
    ...{ section: SIDE_BY_SIDE, name, unit: 'ratio', target: atMost(TARGET) },
    value: ratioOf(rounds),
    ...intervalOf(rounds),
    figures: {
      p99MsWithout: of('p99Ms', ...WITHOUT),
      p99MsWith: of('p99Ms', 'withShadow'),
      p50MsWithout: of('p50Ms', ...WITHOUT),
      p50MsWith: of('p50Ms', 'withShadow'),
      betweenTwoWithout: of('p99Ms', 'withoutToo') / of('p99Ms', 'without'),
      ...figures,
    },
  };
}

/** The mean over turns, as most of them have no batch of the shadow; the least and the most of one. */
function withinTurns(name: string, { rounds }: Compared): Row {
  const turns = rounds.map(({ withShadow }) => withShadow);
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
  return medianOf(rounds, 'p99Ms', ['withShadow']) / medianOf(rounds, 'p99Ms', WITHOUT);
}

/** Over all turns of these. */
function medianOf(rounds: readonly Round[], key: keyof Turn, sides: readonly Side[]): number {
  return median(rounds.flatMap((round) => sides.map((side) => round[side][key])));
}

/**
 * How far chance takes the ratio: of rounds drawn with replacement (bootstrap). Whole rounds, as turns
 * after each other are alike.
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
