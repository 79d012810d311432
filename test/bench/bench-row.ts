/** One line of the result: a figure, its spread over the rounds, what it has to reach. */

export interface Row {
  readonly section: string;
  readonly name: string;
  /** The median of the rounds, unless the row's section says otherwise. */
  readonly value: number;
  readonly low: number;
  readonly high: number;
  readonly unit: 'ratio' | 'ms' | 's';
  /** `null`: shown, without a target. */
  readonly target: Target | null;
  /** What else was measured beside it. */
  readonly figures: Readonly<Record<string, number>>;
}

export interface Target {
  readonly bound: 'at least' | 'at most';
  readonly value: number;
}

export interface Pace {
  /** Paired rounds of a row. */
  readonly rounds: number;
  /** Of the durations that a whole run takes. */
  readonly share: number;
}

export type Report = (row: Row) => void;

export const atLeast = (value: number): Target => ({ bound: 'at least', value });
export const atMost = (value: number): Target => ({ bound: 'at most', value });

export function rowOf(
  named: Pick<Row, 'section' | 'name' | 'unit' | 'target'>,
  rounds: readonly number[],
  figures: Row['figures'] = {},
): Row {
  return {
    ...named,
    value: median(rounds),
    low: Math.min(...rounds),
    high: Math.max(...rounds),
    figures,
  };
}

export function isMissed({ value, target }: Row): boolean {
  if (target === null) return false;
  const reaches = target.bound === 'at least' ? value >= target.value : value <= target.value;
  return !reaches;
}

export function median(numbers: readonly number[]): number {
  return quantile(numbers, 0.5);
}

/** Between the two nearest. */
export function quantile(numbers: Iterable<number>, share: number): number {
  const sorted = Float64Array.from(numbers).sort();
  if (sorted.length === 0) return Number.NaN;
  const at = share * (sorted.length - 1);
  const below = sorted[Math.floor(at)]!;
  return below + (at - Math.floor(at)) * (sorted[Math.ceil(at)]! - below);
}
