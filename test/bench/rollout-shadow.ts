/**
 * What a primary's callers feel of a shadow that cannot keep up: the 99th percentile of the time from an
 * event's arrival to its prediction, with the shadow over without; and over that of the very same turns
 * without the rows that were beside a batch of the shadow.
 *
 * One scoring, whose plan names the shadow in some turns and in others does not. Two scorings, one with
 * and one without, differ by more than the shadow: of two that are alike, each keeps its own pace for
 * minutes.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { createDraw } from '../support/draw.ts';
import type { GeneratedModel } from '../support/onnx-models.ts';
import { undisturbed } from './bench-machine.ts';
import { atMost, geometricMean, type Pace, quantile, type Report, type Row } from './bench-row.ts';
import {
  type Answered,
  type LoadedScoring,
  type RolloutChoice,
  startScoring,
} from './rollout-scoring.ts';

const SIDE_BY_SIDE = 'p99 with a shadow that cannot keep up ÷ without';
const WITHIN_TURNS = 'p99 with a shadow ÷ p99 of its rows that were beside none of its batches';
/** Short and many, so that what else the machine does disturbs some of them and not others. */
const TURN_MS = 500;
/** One after the other, before the plan is changed. */
const TURNS = 4;
/** For each that was asked for. */
const ROUNDS = 2;
/** Before each side's turns, while nothing arrives: on a machine that has rested there are fewer pauses. */
const REST_MS = 4_000;
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
  const scoring = await startScoring({
    ...{ plan: PLANS.withShadow, versions: { primary, shadow }, placement },
  });
  for (const side of ['withShadow', 'without'] as const) {
    await change(scoring, side);
    await scoring.fullLoad(FULL_LOAD_MS);
    await scoring.fullLoad(FULL_LOAD_MS);
  }
  const withinRows: Row[] = [];
  for (const rate of ROWS_A_SECOND) {
    const compared = await compare(scoring, rate, pace);
    report(sideBySide(`${name}, ${rate} rows/s`, compared));
    withinRows.push(withinTurns(`${name}, ${rate} rows/s`, compared));
  }
  for (const row of withinRows) report(row);
  await scoring.close();
}

type Side = 'without' | 'withShadow';

/** The version stays loaded when the plan does not name it, as any that may be gone back to. */
const PLANS: Readonly<Record<Side, RolloutChoice>> = {
  without: { primary: 'primary' },
  withShadow: { primary: 'primary', shadow: 'shadow' },
};

/** Of a round, so that neither side gains from a machine that becomes faster or slower meanwhile. */
const ORDER: readonly Side[] = ['without', 'withShadow', 'withShadow', 'without'];

interface Turn {
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Of the rows that were beside no batch of the shadow. */
  readonly p99ApartMs: number;
  readonly besideShare: number;
}

/** Turns one after the other, under one plan. */
interface Stretch {
  readonly side: Side;
  readonly turns: readonly Turn[];
}

/** In the order of `ORDER`. */
type Round = readonly Stretch[];

interface Compared {
  readonly rounds: readonly Round[];
  readonly figures: Row['figures'];
}

async function compare(scoring: LoadedScoring, rate: number, pace: Pace): Promise<Compared> {
  const before = scoring.shadowCounts();
  const budget = { left: DISTURBED_MAX };
  async function take(side: Side): Promise<Stretch> {
    const rested = sleep(REST_MS);
    await change(scoring, side);
    await rested;
    await scoring.load(rate, WARM_MS);
    const turns: Turn[] = [];
    while (turns.length < TURNS) {
      const load = () => scoring.load(rate, TURN_MS * pace.share);
      turns.push(turnOf(await undisturbed(budget, load)));
    }
    return { side, turns };
  }
  const rounds: Round[] = [];
  while (rounds.length < ROUNDS * pace.rounds) {
    const round: Stretch[] = [];
    for (const side of ORDER) round.push(await take(side));
    rounds.push(round);
  }
  const after = scoring.shadowCounts();
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
  const of = (key: TimeKey, side: Side) => meanOf(key, turnsOf(rounds, side));
  const first = rounds.flatMap((round) => round[0]!.turns);
  const last = rounds.flatMap((round) => round.at(-1)!.turns);
  return {
    ...{ section: SIDE_BY_SIDE, name, unit: 'ratio', target: atMost(TARGET) },
    value: ratioOf(rounds),
    ...intervalOf(rounds),
    figures: {
      p99MsWithout: of('p99Ms', 'without'),
      p99MsWith: of('p99Ms', 'withShadow'),
      p50MsWithout: of('p50Ms', 'without'),
      p50MsWith: of('p50Ms', 'withShadow'),
      betweenTwoWithout: meanOf('p99Ms', last) / meanOf('p99Ms', first),
      ...figures,
    },
  };
}

/** Over turns, as most of them have no batch of the shadow; the least and the most of one. */
function withinTurns(name: string, { rounds }: Compared): Row {
  const turns = turnsOf(rounds, 'withShadow');
  const ratios = turns.map(({ p99Ms, p99ApartMs }) => p99Ms / p99ApartMs);
  const besideShare = turns.reduce((sum, turn) => sum + turn.besideShare, 0) / turns.length;
  return {
    ...{ section: WITHIN_TURNS, name, unit: 'ratio', target: atMost(TARGET) },
    value: geometricMean(ratios),
    low: Math.min(...ratios),
    high: Math.max(...ratios),
    figures: { besideShare },
  };
}

type TimeKey = 'p50Ms' | 'p99Ms';

function ratioOf(rounds: readonly Round[]): number {
  const p99Ms = (side: Side) => meanOf('p99Ms', turnsOf(rounds, side));
  return p99Ms('withShadow') / p99Ms('without');
}

function meanOf(key: TimeKey, turns: readonly Turn[]): number {
  return geometricMean(turns.map((turn) => turn[key]));
}

function turnsOf(rounds: readonly Round[], of: Side): readonly Turn[] {
  return rounds.flat().flatMap(({ side, turns }) => (side === of ? turns : []));
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

async function change(scoring: LoadedScoring, side: Side): Promise<void> {
  await settle(scoring);
  const isThere = (): boolean =>
    (scoring.variantOf('shadow') === 'shadow') === (side === 'withShadow');
  if (isThere()) return;
  await scoring.changePlan(PLANS[side]);
  while (!isThere()) await sleep(5);
}

/** What waits for the shadow has run. */
async function settle(scoring: LoadedScoring): Promise<void> {
  while (scoring.shadowCounts().waiting > 0) await sleep(20);
}
