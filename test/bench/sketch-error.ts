/** How far the sketches' quantiles are from the exact ones, in ranks: the worst over many seeds. */
import { encodeColumnSketch } from '../../services/core/sketch/column-sketch.ts';
import { rankError, runsOf, sample } from '../unit/core/sketch/samples.ts';
import { column, ddSketch, digest, npmTDigest, type Subject } from './sketch-subjects.ts';

const VALUES = 100_000;
const PARTS = 100;
const QUANTILES = Array.from({ length: 999 }, (_, index) => (index + 1) / 1_000);
const DISTRIBUTIONS = ['normal', 'lognormal'] as const;

export interface ErrorRow {
  readonly subject: string;
  readonly distribution: string;
  readonly way: 'direct' | 'merged';
  readonly seeds: number;
  /** Over 999 quantiles and all seeds. */
  readonly worst: number;
  /** At q = .001 and .999. */
  readonly worstAtEnds: number;
  readonly worstTarget: number | null;
  readonly worstAtEndsTarget: number | null;
}

interface Trial {
  readonly subject: string;
  readonly way: 'direct' | 'merged';
  readonly worstTarget: number | null;
  readonly worstAtEndsTarget: number | null;
  /** The quantiles of `values` by the sketch. */
  estimate(values: Float64Array): number[];
}

function direct<Sketch>(subject: Subject<Sketch>, worstTarget: number | null): Trial {
  return {
    subject: subject.name,
    way: 'direct',
    worstTarget,
    worstAtEndsTarget: worstTarget === null ? null : 1e-4,
    estimate(values) {
      const sketch = subject.create();
      subject.addRows([sketch], values);
      subject.finish(sketch);
      return QUANTILES.map((q) => subject.quantile(sketch, q));
    },
  };
}

/** Every part is finished, as it would be when it came over the wire. */
function merged<Sketch>(subject: Subject<Sketch>, worstTarget: number | null): Trial {
  return {
    subject: subject.name,
    way: 'merged',
    worstTarget,
    worstAtEndsTarget: worstTarget === null ? null : 1e-4,
    estimate(values) {
      const parts = runsOf(values, PARTS).map((run) => {
        const part = subject.create();
        subject.addRows([part], run);
        subject.finish(part);
        return part;
      });
      const sketch = subject.merge(parts);
      return QUANTILES.map((q) => subject.quantile(sketch, q));
    },
  };
}

const TRIALS: readonly Trial[] = [
  direct(digest, 5e-4),
  merged(digest, 6e-4),
  direct(npmTDigest, null),
  direct(ddSketch, null),
];

export function measureErrors(seeds: number, report: (row: ErrorRow) => void): readonly ErrorRow[] {
  return TRIALS.flatMap((trial) =>
    DISTRIBUTIONS.map((distribution) => {
      const row = errorRow(trial, distribution, seeds);
      report(row);
      return row;
    }),
  );
}

function errorRow(
  trial: Trial,
  distribution: (typeof DISTRIBUTIONS)[number],
  seeds: number,
): ErrorRow {
  let worst = 0;
  let worstAtEnds = 0;
  for (let seed = 1; seed <= seeds; seed++) {
    const values = sample(distribution, seed, VALUES);
    const estimates = trial.estimate(values);
    const sorted = values.sort();
    QUANTILES.forEach((q, index) => {
      const error = rankError(sorted, q, estimates[index]!);
      worst = Math.max(worst, error);
      if (index === 0 || index === QUANTILES.length - 1) worstAtEnds = Math.max(worstAtEnds, error);
    });
  }
  const { subject, way, worstTarget, worstAtEndsTarget } = trial;
  return { subject, distribution, way, seeds, worst, worstAtEnds, worstTarget, worstAtEndsTarget };
}

/** The largest a sealed numeric column gets, with all its state, over sizes and kinds of data. */
export function measureBytes(): { readonly sealedBytesMax: number; readonly values: number } {
  let largest = { sealedBytesMax: 0, values: 0 };
  for (const distribution of ['normal', 'lognormal', 'uniform', 'poisson', 'rounded'] as const) {
    for (const values of [64, 300, 400, 401, 800, 801, 5_000, 100_000, 1_000_000]) {
      const sketch = column.create();
      column.addRows([sketch], sample(distribution, values, values));
      sketch.addMissing(values);
      column.finish(sketch);
      const sealedBytesMax = encodeColumnSketch(sketch).length;
      if (sealedBytesMax > largest.sealedBytesMax) largest = { sealedBytesMax, values };
    }
  }
  return largest;
}
