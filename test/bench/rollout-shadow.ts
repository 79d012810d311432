/**
 * What a primary's callers feel of a shadow that cannot keep up: the 99th percentile of the time from an
 * event's arrival to its prediction, with the shadow over without; and over that of the very same rows
 * without those that were beside a batch of the shadow.
 *
 * The percentile is of a round's rows, seconds of each side: of half a second it would be what one run of
 * the shadow does to the half second that holds it.
 *
 * One scoring, whose plan names the shadow in some turns and in others does not. Two scorings, one with
 * and one without, differ by more than the shadow: of two that are alike, each keeps its own pace for
 * minutes.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { GeneratedModel } from '../support/onnx-models.ts';
import { undisturbed } from './bench-machine.ts';
import { atMost, median, type Pace, quantile, type Report, type Row, rowOf } from './bench-row.ts';
import {
  type Answered,
  type LoadedScoring,
  type RolloutChoice,
  startScoring,
} from './rollout-scoring.ts';

const SIDE_BY_SIDE = 'p99 with a shadow that cannot keep up ÷ without';
const OVER_ALL = 'the same over all rounds of all rows; low and high hold it with 95 %';
const WITHIN_ROUNDS = 'p99 with a shadow ÷ p99 of its rows that were beside none of its batches';
/** Short, so that few are disturbed by what else the machine does, and to be taken again. */
const TURN_MS = 500;
/**
 * One after the other, before the plan is changed: about two runs of a shadow that rests for five seconds,
 * of which the first comes at once, so it has no fewer than it would have in the long run.
 */
const TURNS = 20;
/** For code to be compiled. */
const FULL_LOAD_MS = 1_500;
/** A third, and all, of what a whole service takes from Kafka on two cores. */
const ROWS_A_SECOND = [5_000, 15_000] as const;
/** Turns of a load that are taken again. */
const DISTURBED_MAX = 60;
const TARGET = 1.1;
/** Standard deviations on either side. */
const NORMAL_95 = 1.96;

export interface ShadowCase {
  readonly name: string;
  readonly primary: GeneratedModel;
  readonly shadow: GeneratedModel;
  readonly placement: 'auto' | 'inline' | 'workers';
}

/** With ÷ without, of each round at each load. */
export async function measureShadow(
  { name, primary, shadow, placement }: ShadowCase,
  pace: Pace,
  report: Report,
): Promise<readonly number[]> {
  const scoring = await startScoring({
    ...{ plan: PLANS.withShadow, versions: { primary, shadow }, placement },
  });
  for (const side of ['withShadow', 'without'] as const) {
    await change(scoring, side);
    await scoring.fullLoad(FULL_LOAD_MS);
    await scoring.fullLoad(FULL_LOAD_MS);
  }
  const withinRows: Row[] = [];
  const ratios: number[] = [];
  for (const rate of ROWS_A_SECOND) {
    const compared = await compare(scoring, rate, pace);
    ratios.push(...compared.rounds.map(ratioOf));
    report(sideBySide(`${name}, ${rate} rows/s`, compared));
    withinRows.push(withinRounds(`${name}, ${rate} rows/s`, compared));
  }
  for (const row of withinRows) report(row);
  await scoring.close();
  return ratios;
}

/** As many as one row's do not tell a tenth from chance on a machine that pauses. */
export function overAll(name: string, ratios: readonly number[]): Row {
  const logs = ratios.map(Math.log);
  const mean = logs.reduce((sum, log) => sum + log, 0) / logs.length;
  const variance = logs.reduce((sum, log) => sum + (log - mean) ** 2, 0) / (logs.length - 1);
  const reach = NORMAL_95 * Math.sqrt(variance / logs.length);
  return {
    ...{ section: OVER_ALL, name, unit: 'ratio', target: atMost(TARGET) },
    value: Math.exp(mean),
    low: Math.exp(mean - reach),
    high: Math.exp(mean + reach),
    figures: { rounds: ratios.length },
  };
}

type Side = 'without' | 'withShadow';

/** The version stays loaded when the plan does not name it, as any that may be gone back to. */
const PLANS: Readonly<Record<Side, RolloutChoice>> = {
  without: { primary: 'primary' },
  withShadow: { primary: 'primary', shadow: 'shadow' },
};

/** Of a round, so that neither side gains from a machine that becomes faster or slower meanwhile. */
const ORDER: readonly Side[] = ['without', 'withShadow', 'withShadow', 'without'];

/** The times of a side's rows, ascending. */
interface Times {
  readonly allMs: Float64Array;
  /** Of the rows that were beside no batch of the shadow. */
  readonly apartMs: Float64Array;
}

type Round = Readonly<Record<Side, Times>>;

interface Compared {
  readonly rounds: readonly Round[];
  readonly figures: Row['figures'];
}

async function compare(scoring: LoadedScoring, rate: number, pace: Pace): Promise<Compared> {
  const before = scoring.shadowCounts();
  const budget = { left: DISTURBED_MAX };
  async function take(side: Side): Promise<readonly Answered[]> {
    await change(scoring, side);
    const turns: Answered[] = [];
    while (turns.length < TURNS) {
      const load = () => scoring.load(rate, TURN_MS * pace.share);
      turns.push(await undisturbed(budget, load));
    }
    return turns;
  }
  const rounds: Record<Side, Answered[]>[] = [];
  while (rounds.length < pace.rounds) {
    const turns: Record<Side, Answered[]> = { without: [], withShadow: [] };
    for (const side of ORDER) turns[side].push(...(await take(side)));
    rounds.push(turns);
  }
  const after = scoring.shadowCounts();
  const figures = {
    disturbed: DISTURBED_MAX - budget.left,
    shadowRows: after.said - before.said,
    shedRows: after.shed - before.shed,
  };
  return {
    // Once all is measured, so that the collector has nothing of this to do meanwhile.
    rounds: rounds.map(({ without, withShadow }) => ({
      without: timesOf(without),
      withShadow: timesOf(withShadow),
    })),
    figures,
  };
}

function timesOf(turns: readonly Answered[]): Times {
  const all: number[] = [];
  const apart: number[] = [];
  for (const { tookMs, besideShadow } of turns) {
    for (const [row, ms] of tookMs.entries()) {
      all.push(ms);
      if (besideShadow[row] === 0) apart.push(ms);
    }
  }
  return { allMs: Float64Array.from(all).sort(), apartMs: Float64Array.from(apart).sort() };
}

function sideBySide(name: string, { rounds, figures }: Compared): Row {
  const of = (share: number, side: Side) =>
    median(rounds.map((round) => quantile(round[side].allMs, share)));
  const named = { section: SIDE_BY_SIDE, name, unit: 'ratio', target: null } as const;
  return rowOf(named, rounds.map(ratioOf), {
    p50MsWithout: of(0.5, 'without'),
    p50MsWith: of(0.5, 'withShadow'),
    p90MsWithout: of(0.9, 'without'),
    p90MsWith: of(0.9, 'withShadow'),
    p99MsWithout: of(0.99, 'without'),
    p99MsWith: of(0.99, 'withShadow'),
    ...figures,
  });
}

function ratioOf({ withShadow, without }: Round): number {
  return p99(withShadow.allMs) / p99(without.allMs);
}

function withinRounds(name: string, { rounds }: Compared): Row {
  const ratios = rounds.map(({ withShadow }) => p99(withShadow.allMs) / p99(withShadow.apartMs));
  const besideShare = rounds.map(
    ({ withShadow: { allMs, apartMs } }) => 1 - apartMs.length / allMs.length,
  );
  const named = { section: WITHIN_ROUNDS, name, unit: 'ratio', target: atMost(TARGET) } as const;
  return rowOf(named, ratios, { besideShare: median(besideShare) });
}

function p99(timesMs: Float64Array): number {
  return quantile(timesMs, 0.99);
}

async function change(scoring: LoadedScoring, side: Side): Promise<void> {
  const isThere = (): boolean =>
    (scoring.variantOf('shadow') === 'shadow') === (side === 'withShadow');
  if (isThere()) return;
  await scoring.changePlan(PLANS[side]);
  while (!isThere()) await sleep(5);
}
