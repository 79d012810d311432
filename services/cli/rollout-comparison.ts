/**
 * Versions of a model beside each other, from the last predictions and shadow predictions: what they
 * said, how far they disagree, how long they took, how often another stood in.
 *
 * For somebody who is about to promote or roll back. Unlike a report it holds latencies, and covers
 * the newest records instead of a window: it is not the same twice.
 */

import { ks } from '../core/distance/ks.ts';
import type { Prediction } from '../core/message/prediction.ts';
import type { ShadowPrediction } from '../core/message/shadow-prediction.ts';
import type { Variant } from '../core/rollout/rollout-plan.ts';
import { NumericSketch } from '../core/sketch/numeric-sketch.ts';

/** Of what one version said; `null` where it said nothing finite. */
export interface OutputSummary {
  readonly name: string;
  readonly mean: number | null;
  readonly p5: number | null;
  readonly p50: number | null;
  readonly p95: number | null;
  /** Kolmogorov–Smirnov distance from the version compared with. */
  readonly ks: number | null;
}

export interface DurationSummary {
  readonly p50: number | null;
  readonly p95: number | null;
  readonly p99: number | null;
}

export interface VersionComparison {
  readonly version: string;
  /** Predictions it gave, as a stand-in too. */
  readonly count: number;
  readonly variants: Readonly<Partial<Record<Variant, number>>>;
  readonly outputs: readonly OutputSummary[];
  readonly latencyMs: DurationSummary;
}

export interface OutputDisagreement {
  readonly name: string;
  /** Share of rows whose two values are further apart than the tolerance. */
  readonly share: number;
  /** Of |what the shadow said − what was answered|; `null` where no row has both. */
  readonly differenceMean: number | null;
}

export interface ShadowComparison {
  readonly version: string;
  readonly count: number;
  readonly outputs: readonly OutputSummary[];
  readonly disagreements: readonly OutputDisagreement[];
  /** Of its batches, per row. */
  readonly rowMs: DurationSummary;
}

export interface RolloutComparison {
  readonly predictions: number;
  /** The version that gave most predictions; `null` without any. */
  readonly comparedWith: string | null;
  readonly versions: readonly VersionComparison[];
  readonly fallbacks: readonly {
    readonly reason: string;
    readonly count: number;
    /** Of all predictions. */
    readonly share: number;
  }[];
  readonly shadows: readonly ShadowComparison[];
}

export interface CompareOptions {
  /** Names of the model's outputs, in the monitor's order. */
  readonly outputs: readonly string[];
  /** Values no further apart than this agree. */
  readonly tolerance: number;
}

export const DISAGREEMENT_TOLERANCE = 0.01;

export function compareRollout(
  predictions: readonly Prediction[],
  shadows: readonly ShadowPrediction[],
  { outputs, tolerance }: CompareOptions,
): RolloutComparison {
  const byVersion = groupBy(predictions, ({ modelVersion }) => modelVersion);
  // Groups are in the order of their names: the first of those with equally many.
  const [most] = [...byVersion].sort(([, a], [, b]) => b.length - a.length);
  const said = (records: readonly Prediction[]) =>
    sketchOutputs(outputs, records, ({ rawOutputs }) => rawOutputs);
  const expected = most === undefined ? null : said(most[1]);
  const stoodIn = predictions.filter(({ fallbackReason }) => fallbackReason !== '');
  return {
    predictions: predictions.length,
    comparedWith: most?.[0] ?? null,
    versions: [...byVersion].map(([version, records]) => ({
      version,
      count: records.length,
      variants: countBy(records, ({ variant }) => variant),
      outputs: summarise(outputs, said(records), expected),
      latencyMs: summariseDurations(records.map(({ latencyMs }) => latencyMs)),
    })),
    fallbacks: [...groupBy(stoodIn, ({ fallbackReason }) => fallbackReason)].map(
      ([reason, { length: count }]) => ({ reason, count, share: count / predictions.length }),
    ),
    shadows: [...groupBy(shadows, ({ modelVersion }) => modelVersion)].map(
      ([version, records]) => ({
        version,
        count: records.length,
        outputs: summarise(
          outputs,
          sketchOutputs(outputs, records, (record) => record.outputs),
          expected,
        ),
        disagreements: outputs.map((name, index) => disagreement(name, index, records, tolerance)),
        rowMs: summariseDurations(records.map(({ rowMs }) => rowMs)),
      }),
    ),
  };
}

/** In the order of the keys. */
function groupBy<T>(items: readonly T[], keyOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [item]);
    else group.push(item);
  }
  return new Map([...groups].sort(([a], [b]) => (a < b ? -1 : 1)));
}

function countBy<T, K extends string>(
  items: readonly T[],
  keyOf: (item: T) => K,
): Partial<Record<K, number>> {
  const counts: Partial<Record<K, number>> = {};
  for (const item of items) counts[keyOf(item)] = (counts[keyOf(item)] ?? 0) + 1;
  return counts;
}

function sketchOutputs<T>(
  names: readonly string[],
  records: readonly T[],
  valuesOf: (record: T) => readonly number[],
): readonly NumericSketch[] {
  const sketches = names.map(() => new NumericSketch());
  for (const record of records) {
    const values = valuesOf(record);
    // Empty where something stood in for the model.
    for (const [index, sketch] of sketches.entries()) sketch.add(values[index] ?? Number.NaN);
  }
  return sketches;
}

function summarise(
  names: readonly string[],
  own: readonly NumericSketch[],
  expected: readonly NumericSketch[] | null,
): readonly OutputSummary[] {
  return names.map((name, index) => {
    const sketch = own[index]!;
    const other = expected?.[index] ?? null;
    const isComparable = other !== null && other.count > 0 && sketch.count > 0;
    return {
      name,
      mean: finite(sketch.mean),
      p5: finite(sketch.quantile(0.05)),
      p50: finite(sketch.quantile(0.5)),
      p95: finite(sketch.quantile(0.95)),
      ks: isComparable ? ks(other, sketch) : null,
    };
  });
}

function finite(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}

function disagreement(
  name: string,
  index: number,
  records: readonly ShadowPrediction[],
  tolerance: number,
): OutputDisagreement {
  let apart = 0;
  let sum = 0;
  let finiteCount = 0;
  for (const { outputs, answeredOutputs } of records) {
    const difference = Math.abs((outputs[index] ?? NaN) - (answeredOutputs[index] ?? NaN));
    // NaN on either side agrees with nothing.
    if (!(difference <= tolerance)) apart += 1;
    if (!Number.isFinite(difference)) continue;
    sum += difference;
    finiteCount += 1;
  }
  const differenceMean = finiteCount === 0 ? null : sum / finiteCount;
  return { name, share: apart / records.length, differenceMean };
}

/** The nearest rank: a time that was really taken. */
function summariseDurations(durationsMs: readonly number[]): DurationSummary {
  const sorted = Float64Array.from(durationsMs).sort();
  const at = (q: number) => sorted[Math.ceil(q * sorted.length) - 1] ?? null;
  return { p50: at(0.5), p95: at(0.95), p99: at(0.99) };
}
