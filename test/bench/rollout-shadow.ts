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
/** Rounds are added until the interval's ends are as near to each other, whatever lies between them. */
const PRECISION = 1.25;
/** Times the rounds that a row has at least. */
const ROUNDS_FACTOR_MAX = 6;
/** For code to be compiled. */
const FULL_LOAD_MS = 1_500;
/** A third, and all, of what a whole service takes from Kafka on two cores. */
const ROWS_A_SECOND = [5_000, 15_000] as const;
/** Turns of a row that are taken again; where more of them are disturbed, it cannot be measured. */
const DISTURBED_MAX = 300;
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
  for (const rate of ROWS_A_SECOND) {
    report(await compare(`${name}, ${rate} rows/s`, { without, withShadow }, rate, pace));
  }
  for (const service of [without, withShadow]) await service.close();
}

/** From arrival to answer. */
interface Turn {
  readonly p50Ms: number;
  readonly p99Ms: number;
}

type Round = Readonly<Record<'without' | 'withShadow', readonly Turn[]>>;

async function compare(
  name: string,
  { without, withShadow }: Readonly<Record<keyof Round, LoadedScoring>>,
  rate: number,
  pace: Pace,
): Promise<Row> {
  const before = withShadow.shadowCounts();
  const budget = { left: DISTURBED_MAX };
  async function take(scoring: LoadedScoring): Promise<readonly Turn[]> {
    await scoring.load(rate, WARM_MS);
    const turns: Turn[] = [];
    for (let turn = 0; turn < TURNS_A_ROUND; turn += 1) {
      const tookMs = await undisturbed(budget, () => scoring.load(rate, TURN_MS * pace.share));
      turns.push({ p50Ms: quantile(tookMs, 0.5), p99Ms: quantile(tookMs, 0.99) });
    }
    await settle(withShadow);
    return turns;
  }
  const rounds: Round[] = [];
  let interval = { low: 0, high: Number.POSITIVE_INFINITY };
  const roundsMax = ROUNDS_FACTOR_MAX * pace.rounds;
  const isPrecise = () => interval.high <= PRECISION * interval.low;
  while (!isPrecise() && rounds.length < roundsMax && budget.left > 0) {
    if (rounds.length % 2 === 0) {
      rounds.push({ without: await take(without), withShadow: await take(withShadow) });
    } else rounds.push({ withShadow: await take(withShadow), without: await take(without) });
    if (rounds.length >= pace.rounds) interval = intervalOf(rounds);
  }
  const after = withShadow.shadowCounts();
  const of = (side: keyof Round, key: keyof Turn) =>
    median(rounds.flatMap((round) => round[side].map((turn) => turn[key])));
  return {
    ...{ section: SECTION, name, unit: 'ratio', target: atMost(TARGET) },
    ...interval,
    value: budget.left === 0 ? Number.NaN : ratioOf(rounds),
    figures: {
      rounds: rounds.length,
      disturbed: DISTURBED_MAX - budget.left,
      p99MsWithout: of('without', 'p99Ms'),
      p99MsWith: of('withShadow', 'p99Ms'),
      p50MsWithout: of('without', 'p50Ms'),
      p50MsWith: of('withShadow', 'p50Ms'),
      shadowRows: after.said - before.said,
      shedRows: after.shed - before.shed,
    },
  };
}

/** Of the medians over turns. */
function ratioOf(rounds: readonly Round[]): number {
  const of = (side: keyof Round) =>
    median(rounds.flatMap((round) => round[side].map(({ p99Ms }) => p99Ms)));
  return of('withShadow') / of('without');
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
