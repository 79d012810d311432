/**
 * The sketches that are measured side by side: ours, and two from npm.
 *
 * Each has its own inner loops, so that no call in them is shared between classes and every one is
 * compiled for what it measures.
 */
import { createRequire } from 'node:module';
import { NumericSketch } from '../../services/core/sketch/numeric-sketch.ts';
import { TDigest } from '../../services/core/sketch/t-digest.ts';

/** A kind of sketch, with all work in it that a user of it has. */
export interface Subject<Sketch> {
  readonly name: string;
  create(): Sketch;
  /** Value `i` goes to sketch `i mod n`: a row of a table is one value for each column. */
  addRows(sketches: readonly Sketch[], values: Float64Array): void;
  /** What is done once a sketch has all its values, before it is kept. */
  finish(sketch: Sketch): void;
  /** All of them in one. */
  merge(sketches: readonly Sketch[]): Sketch;
  quantile(sketch: Sketch, q: number): number;
}

interface RivalTDigest {
  push(value: number): void;
  push_centroid(centroids: readonly unknown[]): void;
  toArray(): readonly unknown[];
  compress(): void;
  percentile(q: number): number;
}

interface RivalDdSketch {
  accept(value: number): void;
  merge(other: RivalDdSketch): void;
  getValueAtQuantile(q: number): number;
}

const require = createRequire(import.meta.url);
const { TDigest: NpmTDigest } = require('tdigest') as { readonly TDigest: new () => RivalTDigest };
const { DDSketch } = require('@datadog/sketches-js') as {
  readonly DDSketch: new () => RivalDdSketch;
};

/** The digest alone: what both rivals are. */
export const digest: Subject<TDigest> = {
  name: 'TDigest',
  create: () => new TDigest(),
  addRows(sketches, values) {
    const width = sketches.length;
    for (let start = 0; start < values.length; start += width) {
      for (let column = 0; column < width; column++) {
        sketches[column]!.add(values[start + column]!);
      }
    }
  },
  finish: (sketch) => sketch.compact(),
  merge(sketches) {
    const merged = new TDigest();
    merged.merge(sketches);
    merged.compact();
    return merged;
  },
  quantile: (sketch, q) => sketch.quantile(q),
};

/** The column around it: moments, missing and non-finite values too. */
export const column: Subject<NumericSketch> = {
  name: 'NumericSketch',
  create: () => new NumericSketch(),
  addRows(sketches, values) {
    const width = sketches.length;
    for (let start = 0; start < values.length; start += width) {
      for (let column = 0; column < width; column++) {
        sketches[column]!.add(values[start + column]!);
      }
    }
  },
  finish: (sketch) => sketch.compact(),
  merge(sketches) {
    const merged = new NumericSketch();
    merged.mergeAll(sketches);
    merged.compact();
    return merged;
  },
  quantile: (sketch, q) => sketch.quantile(q),
};

/** npm `tdigest`, with its defaults. */
export const npmTDigest: Subject<RivalTDigest> = {
  name: 'tdigest',
  create: () => new NpmTDigest(),
  addRows(sketches, values) {
    const width = sketches.length;
    for (let start = 0; start < values.length; start += width) {
      for (let column = 0; column < width; column++) {
        sketches[column]!.push(values[start + column]!);
      }
    }
  },
  finish: (sketch) => sketch.compress(),
  merge(sketches) {
    const merged = new NpmTDigest();
    for (const sketch of sketches) merged.push_centroid(sketch.toArray());
    merged.compress();
    return merged;
  },
  quantile: (sketch, q) => sketch.percentile(q),
};

/** npm `@datadog/sketches-js`, with its defaults: 1 % relative error of the value, none of the rank. */
export const ddSketch: Subject<RivalDdSketch> = {
  name: 'DDSketch',
  create: () => new DDSketch(),
  addRows(sketches, values) {
    const width = sketches.length;
    for (let start = 0; start < values.length; start += width) {
      for (let column = 0; column < width; column++) {
        sketches[column]!.accept(values[start + column]!);
      }
    }
  },
  finish: () => {},
  merge(sketches) {
    const merged = new DDSketch();
    for (const sketch of sketches) merged.merge(sketch);
    return merged;
  },
  quantile: (sketch, q) => sketch.getValueAtQuantile(q),
};
