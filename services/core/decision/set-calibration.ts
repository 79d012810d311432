/**
 * Measures on the reference itself how much less the rows of a set tell than as many independent
 * ones: `calibrateColumn` for what is measured of several columns together. See calibration.ts for
 * how blocks are compared and inflation is drawn from them.
 *
 * A test that looks for what moves most gets the inflation of what moves most by itself: of one pair,
 * of one frequency, of one projection. That errs upwards, as the others move less.
 */
import { correlations } from '../distance/correlation-change.ts';
import { embedding } from '../distance/mmd.ts';
import { mergeSetSketches, type SetSketch } from '../sketch/set-sketch.ts';
import {
  BLOCKS_MIN,
  CALIBRATION_BLOCKS_MAX,
  calibrateColumn,
  inflationByCount,
  joinPairs,
  type Level,
  type SquaresByStatistic,
  SquareTable,
  withMostRestless,
} from './calibration.ts';
import type { ColumnCalibration, InflationAtCount } from './column-calibration.ts';
import { FISHER_ROWS, fisher, isTooRare } from './fisher.ts';
import type { SetVariation } from './set-variation.ts';

/** A frequency whose features hardly vary says nothing. */
const SPREAD_MIN = 1e-6;

/** `blocks`: in time order, of about equal length, of one specification; empty ones are left out. */
export function calibrateSet(
  blocks: readonly SetSketch[],
  variation: SetVariation,
): ColumnCalibration {
  let level = blocks.filter((block) => block.count > FISHER_ROWS);
  while (level.length > CALIBRATION_BLOCKS_MAX) level = joinPairs(level, mergeSetSketches);
  if (level.length < BLOCKS_MIN) return { inflation: {} };
  const whole = mergeSetSketches(level);
  const inflation = projectionInflation(level);
  const levels: Level[] = [];
  for (; level.length >= BLOCKS_MIN; level = joinPairs(level, mergeSetSketches)) {
    const count = level.reduce((sum, block) => sum + block.count, 0) / level.length;
    levels.push({
      count,
      blockCount: level.length,
      squares: squaresOf(whole, level, variation),
    });
  }
  for (const statistic of levels[0]!.squares.keys()) {
    inflation[statistic] = inflationByCount(levels, statistic);
  }
  return { inflation };
}

function squaresOf(
  whole: SetSketch,
  blocks: readonly SetSketch[],
  variation: SetVariation,
): SquaresByStatistic {
  const byPair = new SquareTable(blocks.length);
  const byFrequency = new SquareTable(blocks.length);
  const wholeCorrelations = correlations(whole);
  const wholeEmbedding = embedding(whole);
  const frequencyCount = wholeEmbedding.length / 2;
  for (const block of blocks) {
    for (const [pair, r] of correlations(block).entries()) {
      const before = wholeCorrelations[pair]!;
      const { variance, kurtosis } = variation.pairs[pair]!;
      if (Number.isNaN(r) || Number.isNaN(before) || isTooRare(kurtosis, block.count)) continue;
      const square = (fisher(r) - fisher(before)) ** 2 / variance;
      byPair.add(String(pair), square * (block.count - FISHER_ROWS));
    }
    const blockEmbedding = embedding(block);
    for (let at = 0; at < wholeEmbedding.length; at += 2) {
      const [cosine, sine] = [wholeEmbedding[at]!, wholeEmbedding[at + 1]!];
      // Cosine and sine vary by this together, since their squares add up to one.
      const spread = 1 / frequencyCount - cosine * cosine - sine * sine;
      if (spread * frequencyCount < SPREAD_MIN) continue;
      const square = (blockEmbedding[at]! - cosine) ** 2 + (blockEmbedding[at + 1]! - sine) ** 2;
      byFrequency.add(String(at), (square * block.count) / spread);
    }
  }
  const none = new SquareTable(blocks.length);
  return new Map([
    ...withMostRestless(none, 'correlation', byPair),
    ...withMostRestless(none, 'joint', byFrequency),
  ]);
}

/** Of every statistic and at every count, that of the projection that has most. */
function projectionInflation(
  blocks: readonly SetSketch[],
): Record<string, readonly InflationAtCount[]> {
  const most: Record<string, readonly InflationAtCount[]> = {};
  for (const index of blocks[0]!.projections.keys()) {
    const { inflation } = calibrateColumn(blocks.map(({ projections }) => projections[index]!));
    for (const [statistic, points] of Object.entries(inflation)) {
      const before = most[statistic];
      most[statistic] = before === undefined ? points : largerOf(before, points);
    }
  }
  return most;
}

/** Two curves over the same counts; the one that goes on for longer keeps its end. */
function largerOf(
  left: readonly InflationAtCount[],
  right: readonly InflationAtCount[],
): readonly InflationAtCount[] {
  const [longer, shorter] = left.length >= right.length ? [left, right] : [right, left];
  return longer.map(({ count, inflation }, index) => ({
    count,
    inflation: Math.max(inflation, shorter[index]?.inflation ?? 0),
  }));
}
