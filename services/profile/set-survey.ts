/**
 * One set of columns while the file is read: its sketch over all rows, and over stretches of them.
 *
 * A set is measured by a specification, and that is fitted to rows: the first `FIT_ROWS` complete ones
 * are held back until it is. How its statistics vary is read off rows from all over the file, evenly thinned. Of the
 * stretches there are at most `BLOCKS_MAX`: full, neighbours are joined, and each is then twice as long.
 */
import { type SetVariation, setVariationFrom } from '../core/decision/set-variation.ts';
import { SAMPLE_ROWS_MIN, setSpecificationFrom } from '../core/sketch/fit-set.ts';
import { createSetSketch, mergeSetSketches, type SetSketch } from '../core/sketch/set-sketch.ts';
import { decodeSetSketch, encodeSetSketch } from '../core/sketch/set-sketch-codec.ts';
import type { SetSpecification } from '../core/sketch/set-specification.ts';

export const FIT_ROWS = 4_000;
const SAMPLE_ROWS_MAX = 2 * FIT_ROWS;
const BLOCKS_MAX = 128;
/** Rows of the first stretches. */
const BLOCK_ROWS_MIN = 16;
/** Any would do; one and the same gives the same reference for the same data. */
const SEED = 1;

export interface SurveyedSet {
  readonly specification: SetSpecification;
  readonly variation: SetVariation;
  readonly sketch: SetSketch;
  /** In the order of the rows, of equal length but the last. */
  readonly blocks: readonly SetSketch[];
}

interface Fitted {
  readonly specification: SetSpecification;
  readonly sketch: SetSketch;
  open: SetSketch;
  openRows: number;
  blockRows: number;
  /** Encoded: at a fraction of a live sketch's size. */
  closed: Uint8Array[];
}

export class SetSurvey {
  readonly #names: () => readonly string[];
  #held: Float64Array[] = [];
  #fitted: Fitted | null = null;
  #sample: Float64Array[] = [];
  #sampleStep = 1;
  #rowCount = 0;
  /** While rows are held back. */
  #leftOutCount = 0;

  /** `names`: of its columns in the monitor; asked for when there are complete rows. */
  constructor(names: () => readonly string[]) {
    this.#names = names;
  }

  /** A value per column, NaN for a missing one; the row is not kept. */
  add(row: Float64Array): void {
    if (this.#rowCount % this.#sampleStep === 0) this.#sample.push(row.slice());
    if (this.#sample.length >= SAMPLE_ROWS_MAX) {
      this.#sample = this.#sample.filter((_, index) => index % 2 === 0);
      this.#sampleStep *= 2;
    }
    this.#rowCount++;
    if (this.#fitted !== null) return addTo(this.#fitted, row);
    if (!row.every(Number.isFinite)) {
      this.#leftOutCount++;
      return;
    }
    this.#held.push(row.slice());
    if (this.#held.length === FIT_ROWS) this.#fit();
  }

  /** `null` where too few rows are complete. */
  finish(): SurveyedSet | null {
    if (this.#fitted === null) this.#fit();
    if (this.#fitted === null) return null;
    const { specification, sketch, closed, open } = this.#fitted;
    sketch.compact();
    return {
      specification,
      sketch,
      variation: setVariationFrom(this.#sample, specification),
      blocks: [...closed.map((bytes) => decodeSetSketch(bytes, specification)), open],
    };
  }

  #fit(): void {
    if (this.#held.length < SAMPLE_ROWS_MIN) return;
    const specification = setSpecificationFrom(this.#held, this.#names(), SEED);
    if (specification === null) return;
    this.#fitted = {
      specification,
      sketch: createSetSketch(specification),
      open: createSetSketch(specification),
      openRows: 0,
      blockRows: BLOCK_ROWS_MIN,
      closed: [],
    };
    this.#fitted.sketch.addLeftOut(this.#leftOutCount);
    for (const row of this.#held) addTo(this.#fitted, row);
    this.#held = [];
  }
}

function addTo(fitted: Fitted, row: Float64Array): void {
  fitted.sketch.add(row);
  fitted.open.add(row);
  fitted.openRows++;
  if (fitted.openRows < fitted.blockRows) return;
  const { specification } = fitted;
  fitted.open.compact();
  fitted.closed.push(encodeSetSketch(fitted.open).slice());
  fitted.open = createSetSketch(specification);
  fitted.openRows = 0;
  if (fitted.closed.length < BLOCKS_MAX) return;
  fitted.closed = Array.from({ length: BLOCKS_MAX / 2 }, (_, index) => {
    const pair = fitted.closed.slice(2 * index, 2 * index + 2);
    const joined = mergeSetSketches(pair.map((bytes) => decodeSetSketch(bytes, specification)));
    joined.compact();
    return encodeSetSketch(joined).slice();
  });
  fitted.blockRows *= 2;
}
