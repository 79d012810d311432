/**
 * Reads the cells of one column and keeps count of what its values could be, in constant space.
 *
 * A cell is read once, as a number and as text, because what the column is shows only at the end.
 * Missing are absent and empty cells and NaN; `NA`, `null` and the like are counted apart, because
 * they are missing in a column of numbers and a category in one of text.
 */
import { CATEGORIES_MAX, CATEGORY_LENGTH_MAX } from '../core/limits.ts';
import { isMissingText, parseBooleanText, parseNumberText } from '../core/monitor/cell-text.ts';
import { looksLikeInstant } from './instant.ts';

const ZERO = '0'.charCodeAt(0);

export class ColumnSurvey {
  /** Whether text may stand for numbers, booleans and missing values. */
  readonly textIsUntyped: boolean;
  /** The cell read last as a number; NaN where it is none, or missing. */
  number = Number.NaN;
  /** The cell read last as text; `null` where it is missing, or none. */
  text: string | null = null;
  /** Cells with a value, missing words not among them. */
  valueCount = 0;
  missingWordCount = 0;
  /** Of the values: numbers, and the whole ones among them. */
  numberCount = 0;
  integerCount = 0;
  /** Of the numbers, infinite ones among them. */
  minimum = Number.POSITIVE_INFINITY;
  maximum = Number.NEGATIVE_INFINITY;
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
  /** Distinct values, exact up to `CATEGORIES_MAX`; what there is beyond is not looked at. */
  readonly #distinct = new Set<string>();
  /** Cells looked at for it. */
  distinctOfCount = 0;
  moreThanCategories = false;
  #last = Number.NEGATIVE_INFINITY;

  constructor(textIsUntyped: boolean) {
    this.textIsUntyped = textIsUntyped;
  }

  /** At most `CATEGORIES_MAX + 1`. */
  get distinctCount(): number {
    return this.moreThanCategories ? CATEGORIES_MAX + 1 : this.#distinct.size;
  }

  /** Sorted; empty where there are more than `countMax`. */
  distinctValues(countMax: number): readonly string[] {
    return this.distinctCount > countMax ? [] : [...this.#distinct].sort();
  }

  read(cell: unknown): void {
    this.number = Number.NaN;
    this.text = null;
    if (cell === null || cell === undefined || cell === '' || Number.isNaN(cell)) return;
    if (typeof cell === 'object') {
      this.valueCount += 1;
      this.nestedCount += 1;
      return;
    }
    const text = String(cell);
    this.text = text;
    if (!this.moreThanCategories) this.#addDistinct(text);
    if (typeof cell === 'string') {
      this.#addText(text);
      return;
    }
    this.valueCount += 1;
    if (typeof cell === 'boolean') this.booleanCount += 1;
    else this.#addNumber(Number(cell));
  }

  #addDistinct(text: string): void {
    this.distinctOfCount += 1;
    this.#distinct.add(text.length > CATEGORY_LENGTH_MAX ? cut(text) : text);
    if (this.#distinct.size <= CATEGORIES_MAX) return;
    this.moreThanCategories = true;
    this.#distinct.clear();
  }

  #addText(text: string): void {
    const number = parseNumberText(text);
    if (number !== null && this.textIsUntyped) {
      this.valueCount += 1;
      this.textCount += 1;
      if (text.charCodeAt(0) === ZERO && /^0\d+$/.test(text)) this.paddedCount += 1;
      this.#addNumber(number);
      return;
    }
    if (this.textIsUntyped && isMissingText(text)) {
      this.missingWordCount += 1;
      return;
    }
    this.valueCount += 1;
    this.textCount += 1;
    this.countsUp = false;
    this.neverFalls = false;
    // In JSON infinity is a word, and a number as text is for the reader of events to judge.
    if (number !== null) this.number = number;
    else if (this.textIsUntyped && parseBooleanText(text) !== null) this.booleanCount += 1;
    else if (looksLikeInstant(text)) this.instantCount += 1;
  }

  #addNumber(number: number): void {
    this.number = number;
    this.numberCount += 1;
    if (number < this.minimum) this.minimum = number;
    if (number > this.maximum) this.maximum = number;
    const isWhole = Number.isSafeInteger(number);
    if (isWhole) this.integerCount += 1;
    this.countsUp &&= isWhole && number > this.#last;
    this.neverFalls &&= number >= this.#last;
    this.#last = number;
  }
}

function cut(text: string): string {
  return text.slice(0, CATEGORY_LENGTH_MAX);
}
