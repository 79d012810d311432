/**
 * How long the sketches take, in rounds in which every subject has its turn: what slows the machine
 * down for a while slows them all, and the ratio of a round is fair.
 */
import { sample } from '../unit/core/sketch/samples.ts';
import { column, ddSketch, digest, npmTDigest, type Subject } from './sketch-subjects.ts';

export interface SpeedRow {
  readonly name: string;
  /** Median time per value (when merging: per merge of 100) and subject. */
  readonly nanoseconds: Readonly<Record<string, number>>;
  /** Median over the rounds of npm tdigest's time over that of `TDigest`. */
  readonly ratio: number;
  /** The same for the whole column sketch. */
  readonly columnRatio: number;
  readonly ratioTarget: number | null;
}

interface Workload {
  readonly name: string;
  readonly ratioTarget: number | null;
  /** What one turn is divided by. */
  readonly units: number;
  prepare<Sketch>(subject: Subject<Sketch>): () => void;
}

function liveColumns(columnCount: number, rowCount: number, ratioTarget: number): Workload {
  const values = sample('normal', columnCount, columnCount * rowCount);
  return {
    name: `update, ${columnCount} live columns`,
    ratioTarget,
    units: values.length,
    prepare: (subject) => () => {
      const sketches = Array.from({ length: columnCount }, () => subject.create());
      subject.addRows(sketches, values);
      for (const sketch of sketches) subject.finish(sketch);
    },
  };
}

function sortedInput(): Workload {
  const values = sample('normal', 7, 200_000).sort();
  return {
    name: 'update, sorted input',
    ratioTarget: 35,
    units: values.length,
    prepare: (subject) => () => {
      const sketch = subject.create();
      subject.addRows([sketch], values);
      subject.finish(sketch);
    },
  };
}

function windowsOfThousand(): Workload {
  const values = sample('normal', 8, 200_000);
  return {
    name: 'windows of 1 000 values, allocation included',
    ratioTarget: 11,
    units: values.length,
    prepare: (subject) => () => {
      for (let start = 0; start < values.length; start += 1_000) {
        const sketch = subject.create();
        subject.addRows([sketch], values.subarray(start, start + 1_000));
        subject.finish(sketch);
      }
    },
  };
}

function mergingHundred(valuesEach: number, ratioTarget: number | null): Workload {
  const repeats = 5;
  const values = sample('normal', 9, 100 * valuesEach);
  return {
    name: `merging 100 digests of ${valuesEach} values`,
    ratioTarget,
    units: repeats,
    prepare: (subject) => {
      const parts = Array.from({ length: 100 }, (_, index) => {
        const part = subject.create();
        subject.addRows([part], values.subarray(index * valuesEach, (index + 1) * valuesEach));
        subject.finish(part);
        return part;
      });
      return () => {
        for (let repeat = 0; repeat < repeats; repeat++) subject.merge(parts);
      };
    },
  };
}

const WORKLOADS: readonly (() => Workload)[] = [
  () => liveColumns(20, 20_000, 10),
  () => liveColumns(200, 4_000, 30),
  () => liveColumns(1_000, 2_000, 60),
  sortedInput,
  windowsOfThousand,
  () => mergingHundred(10_000, 60),
  () => mergingHundred(1_000, null),
];

/** The ratio is the median of the rounds' own ratios. */
export function measureSpeed(rounds: number, report: (row: SpeedRow) => void): readonly SpeedRow[] {
  return WORKLOADS.map((create) => {
    const row = measure(create(), rounds);
    report(row);
    return row;
  });
}

function measure(workload: Workload, rounds: number): SpeedRow {
  const turns = [
    { name: digest.name, run: workload.prepare(digest) },
    { name: column.name, run: workload.prepare(column) },
    { name: npmTDigest.name, run: workload.prepare(npmTDigest) },
    { name: ddSketch.name, run: workload.prepare(ddSketch) },
  ];
  // While none of a class is alive, a full collection also discards the code compiled for it.
  const alive = [digest, column, npmTDigest, ddSketch].map((subject) => {
    const sketch = subject.create();
    subject.addRows([sketch] as never, sample('normal', 1, 2_000));
    return sketch;
  });
  const times = turns.map((): number[] => []);
  // The first round is for the compiler and is not counted.
  for (let round = -1; round < rounds; round++) {
    turns.forEach(({ run }, index) => {
      globalThis.gc?.();
      const start = process.hrtime.bigint();
      run();
      const elapsed = Number(process.hrtime.bigint() - start) / workload.units;
      if (round >= 0) times[index]!.push(elapsed);
    });
  }
  if (alive.length !== turns.length) throw new Error('a subject without a turn');
  const [ours, whole, rival] = times as [number[], number[], number[]];
  return {
    name: workload.name,
    nanoseconds: Object.fromEntries(turns.map(({ name }, index) => [name, median(times[index]!)])),
    ratio: median(ours.map((time, round) => rival[round]! / time)),
    columnRatio: median(whole.map((time, round) => rival[round]! / time)),
    ratioTarget: workload.ratioTarget,
  };
}

function median(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
