/**
 * What is kept of several numeric columns together: how they go with each other, row by row.
 *
 * Of the rows that are complete in all columns: sums and sums of products of the standardised values
 * (correlations), sums of random Fourier features (a mean embedding: the difference of two is an
 * MMD), and a digest of each of a few random projections. Rows with a value that is missing, NaN or
 * infinite are counted and left out.
 *
 * Standardised values and features are whole numbers of a small unit, so all sums are exact up to
 * 2^30 rows, and beyond that to the last bit of a double: however rows are split over parts, and in
 * whatever order those are merged, the sums are the same. There is no cancellation to fear either,
 * as values are at most `CLIP_SCALES` scales from the centre. `add` allocates nothing but what the
 * digests do.
 */
import { NumericSketch } from './numeric-sketch.ts';
import { addFeatures } from './random-features.ts';
import {
  type PreparedSet,
  prepareSet,
  SET_COLUMNS_MAX,
  type SetSpecification,
  standardised,
  VALUE_UNITS,
} from './set-specification.ts';
import { corrupt } from './sketch-bytes.ts';

export interface SetSketchState {
  /** Complete rows. */
  readonly count: number;
  readonly leftOutCount: number;
  /** Of the standardised values, in `VALUE_UNITS`. */
  readonly sums: Float64Array;
  /** Of products of two of them; lower triangle by rows, diagonal included. */
  readonly products: Float64Array;
  /** Cosine and sine in turn, in `FEATURE_UNITS`. */
  readonly features: Float64Array;
  readonly projections: readonly NumericSketch[];
}

/** Of the row being added. */
const values = new Int32Array(SET_COLUMNS_MAX);

export class SetSketch {
  readonly kind = 'set';
  readonly specification: SetSpecification;
  readonly #prepared: PreparedSet;
  #count = 0;
  #leftOutCount = 0;
  #sums: Float64Array;
  #products: Float64Array;
  #features: Float64Array;
  #projections: readonly NumericSketch[];

  constructor(specification: SetSpecification) {
    const dimension = specification.columns.length;
    this.specification = specification;
    this.#prepared = prepareSet(specification);
    this.#sums = new Float64Array(dimension);
    this.#products = new Float64Array(triangleSize(dimension));
    this.#features = new Float64Array(2 * specification.frequencyCount);
    this.#projections = Array.from(
      { length: specification.projectionCount },
      () => new NumericSketch(),
    );
  }

  /** The sketch a state was read from, to the bit. The state is trusted; its arrays are taken over. */
  static restore(specification: SetSpecification, state: SetSketchState): SetSketch {
    const sketch = new SetSketch(specification);
    sketch.#count = state.count;
    sketch.#leftOutCount = state.leftOutCount;
    sketch.#sums = state.sums;
    sketch.#products = state.products;
    sketch.#features = state.features;
    sketch.#projections = state.projections;
    return sketch;
  }

  /** All that a sketch is, as a view that is valid until the sketch changes. */
  get state(): SetSketchState {
    return {
      count: this.#count,
      leftOutCount: this.#leftOutCount,
      sums: this.#sums,
      products: this.#products,
      features: this.#features,
      projections: this.#projections,
    };
  }

  /** A value per column, in the specification's order; NaN for a missing one. */
  add(row: Float64Array): void {
    const { columns } = this.specification;
    for (let index = 0; index < columns.length; index++) {
      const value = row[index]!;
      if (value - value !== 0) {
        this.#leftOutCount++;
        return;
      }
      values[index] = standardised(value, columns[index]!);
    }
    this.#count++;
    this.#addProducts(columns.length);
    addFeatures(this.#features, this.#prepared.frequencies, values);
    this.#addProjections(columns.length);
  }

  /** Rows known to lack a value. */
  addLeftOut(count = 1): void {
    this.#leftOutCount += count;
  }

  /** Rows that are complete. */
  get count(): number {
    return this.#count;
  }

  /** Rows with a value that is missing, NaN or infinite. */
  get leftOutCount(): number {
    return this.#leftOutCount;
  }

  /** A digest of each random projection of the standardised rows. */
  get projections(): readonly NumericSketch[] {
    return this.#projections;
  }

  /** Takes in all of `others`, made by an equal specification, at once; they are left as they are. */
  mergeAll(others: readonly SetSketch[]): void {
    for (const other of others) {
      if (!isSameSet(this, other)) throw corrupt('sets of two specifications cannot be merged');
    }
    for (const other of others) {
      this.#count += other.#count;
      this.#leftOutCount += other.#leftOutCount;
      addAll(this.#sums, other.#sums);
      addAll(this.#products, other.#products);
      addAll(this.#features, other.#features);
    }
    for (const [index, projection] of this.#projections.entries()) {
      projection.mergeAll(others.map((other) => other.#projections[index]!));
    }
  }

  /** Makes the bytes small; for a sketch that is complete. */
  compact(): void {
    for (const projection of this.#projections) projection.compact();
  }

  static isSame(left: SetSketch, right: SetSketch): boolean {
    const { fingerprint } = right.#prepared;
    return left.#prepared.fingerprint.every((byte, index) => byte === fingerprint[index]);
  }

  #addProducts(dimension: number): void {
    const sums = this.#sums;
    const products = this.#products;
    let at = 0;
    for (let left = 0; left < dimension; left++) {
      const value = values[left]!;
      sums[left]! += value;
      for (let right = 0; right <= left; right++) products[at++]! += value * values[right]!;
    }
  }

  #addProjections(dimension: number): void {
    const { projections: directions } = this.#prepared;
    let at = 0;
    for (const projection of this.#projections) {
      let value = 0;
      for (let index = 0; index < dimension; index++) value += directions[at++]! * values[index]!;
      projection.add(value / VALUE_UNITS);
    }
  }
}

export function createSetSketch(specification: SetSpecification): SetSketch {
  return new SetSketch(specification);
}

/** A new sketch of all rows the parts, at least one and all of one specification, have seen. */
export function mergeSetSketches(parts: readonly SetSketch[]): SetSketch {
  const [first] = parts;
  if (first === undefined) throw new RangeError('merging needs at least one sketch');
  const merged = new SetSketch(first.specification);
  merged.mergeAll(parts);
  return merged;
}

/** Whether the two were made by equal specifications, and so can be merged and compared. */
export function isSameSet(left: SetSketch, right: SetSketch): boolean {
  return SetSketch.isSame(left, right);
}

/** Numbers in a lower triangle with its diagonal. */
export function triangleSize(dimension: number): number {
  return (dimension * (dimension + 1)) / 2;
}

function addAll(sums: Float64Array, others: Float64Array): void {
  for (let index = 0; index < sums.length; index++) sums[index]! += others[index]!;
}
