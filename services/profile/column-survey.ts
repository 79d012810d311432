/**
 * The first pass over one column: what its values could be, in constant space.
 *
 * Missing are absent and empty cells and NaN; `NA`, `null` and the like are counted apart, because
 * they are missing in a column of numbers and a category in one of text.
 */
import { CATEGORIES_MAX, CATEGORY_LENGTH_MAX } from '../core/limits.ts';
import { isMissingText, parseBooleanText, parseNumberText } from '../core/monitor/cell-text.ts';
import { looksLikeInstant } from './instant.ts';

export class ColumnSurvey {
  /** Whether text may stand for numbers, booleans and missing values. */
  readonly textIsUntyped: boolean;
  /** Cells with a value, missing words not among them. */
  valueCount = 0;
  missingWordCount = 0;
  /** Of the values: numbers, and the whole ones among them. */
  numberCount = 0;
  integerCount = 0;
  /** Digits with a leading zero: codes rather than numbers. */
  paddedCount = 0;
  booleanCount = 0;
  /** Cells that are text in the file, whatever it stands for. */
  textCount = 0;
  instantCount = 0;
  /** Arrays, objects and bytes. */
  nestedCount = 0;
  /** Every value so far a whole number above the one before … */
  countsUp = true;
  /** … or at least a number not below it. */
  neverFalls = true;
  /** Distinct values, exact up to `CATEGORIES_MAX`. */
  readonly distinct = new Set<string>();
  #last = Number.NEGATIVE_INFINITY;

  constructor(textIsUntyped: boolean) {
    this.textIsUntyped = textIsUntyped;
  }

  get moreThanCategories(): boolean {
    return this.distinct.size > CATEGORIES_MAX;
  }

  add(cell: unknown): void {
    if (cell === null || cell === undefined || cell === '' || Number.isNaN(cell)) return;
    if (typeof cell === 'object') {
      this.valueCount += 1;
      this.nestedCount += 1;
      return;
    }
    if (this.distinct.size <= CATEGORIES_MAX) {
      this.distinct.add(String(cell).slice(0, CATEGORY_LENGTH_MAX));
    }
    if (typeof cell === 'string' && this.textIsUntyped && isMissingText(cell)) {
      this.missingWordCount += 1;
      return;
    }
    this.valueCount += 1;
    if (typeof cell === 'string') this.#addText(cell);
    else if (typeof cell === 'boolean') this.booleanCount += 1;
    else this.#addNumber(Number(cell));
  }

  #addText(text: string): void {
    this.textCount += 1;
    const number = this.textIsUntyped ? parseNumberText(text) : null;
    if (number !== null) {
      if (/^0\d+$/.test(text)) this.paddedCount += 1;
      this.#addNumber(number);
      return;
    }
    this.countsUp = false;
    this.neverFalls = false;
    if (this.textIsUntyped && parseBooleanText(text) !== null) this.booleanCount += 1;
    else if (looksLikeInstant(text)) this.instantCount += 1;
  }

  #addNumber(number: number): void {
    this.numberCount += 1;
    this.countsUp &&= Number.isSafeInteger(number) && number > this.#last;
    this.neverFalls &&= number >= this.#last;
    this.#last = number;
    if (Number.isSafeInteger(number)) this.integerCount += 1;
  }
}
