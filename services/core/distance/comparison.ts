/**
 * A window beside its reference, with what several distances need worked out once, and only if asked
 * for. It is of the two sketches as they were when first read: make a new one after they change.
 */
import type { ColumnSketch } from '../sketch/column-sketch.ts';
import { type Bins, binsOf } from './bins.ts';
import { jensenShannonDivergence } from './jensen-shannon.ts';
import { type JoinedCurves, joinCurves } from './joined-curves.ts';
import { robustScale } from './robust-scale.ts';

export class Comparison {
  readonly reference: ColumnSketch;
  readonly window: ColumnSketch;
  #bins: Bins | null = null;
  #curves: JoinedCurves | null = null;
  #scale: number | null = null;
  #divergence: number | null = null;

  /** Both of one kind; a `RangeError` otherwise. */
  constructor(reference: ColumnSketch, window: ColumnSketch) {
    if (reference.kind !== window.kind) {
      throw new RangeError(
        `a ${reference.kind} column cannot be compared with a ${window.kind} one`,
      );
    }
    this.reference = reference;
    this.window = window;
  }

  get bins(): Bins {
    this.#bins ??= binsOf(this.reference, this.window);
    return this.#bins;
  }

  /** Jensen–Shannon, in bits: the dearest sum over many bins. */
  get divergence(): number {
    this.#divergence ??= jensenShannonDivergence(this.bins);
    return this.#divergence;
  }

  /** Of a numeric column. */
  get curves(): JoinedCurves {
    const { reference, window } = this;
    if (reference.kind !== 'numeric' || window.kind !== 'numeric') throw notNumeric();
    this.#curves ??= joinCurves(reference, window);
    return this.#curves;
  }

  /** `robustScale` of the reference of a numeric column. */
  get referenceScale(): number {
    if (this.reference.kind !== 'numeric') throw notNumeric();
    this.#scale ??= robustScale(this.reference);
    return this.#scale;
  }
}

function notNumeric(): RangeError {
  return new RangeError('a categorical column has no curve and no scale');
}
