/** One column while the file is read: the survey of its cells, and its sketch, either way. */
import type { ColumnType } from '../core/monitor/monitor.ts';
import type { SourceColumn } from './cell-source.ts';
import { declaredType } from './classify-column.ts';
import { ColumnSurvey } from './column-survey.ts';
import type { NamedAs } from './named-columns.ts';
import { type Sides, SketchPair } from './sketch-pair.ts';
import type { Segment } from './slice-sketches.ts';

/** Rows that are read column by column before the next ones. */
export const SEGMENT_ROWS_MAX = 512;

const NO_SIDES: Sides = { numeric: false, categorical: false };

export class ColumnMeasure implements Segment {
  readonly index: number;
  readonly named: NamedAs | null;
  readonly survey: ColumnSurvey;
  /** Over all rows. */
  readonly whole: SketchPair;
  /** The rows of this segment. */
  readonly numbers = new Float64Array(SEGMENT_ROWS_MAX);
  readonly texts: (string | null)[] = new Array(SEGMENT_ROWS_MAX).fill(null);
  #sides: Sides;

  /** `earlierRows`: rows that were read before it appeared. */
  constructor(options: {
    readonly index: number;
    readonly column: SourceColumn;
    readonly named: NamedAs | null;
    readonly textIsUntyped: boolean;
    readonly earlierRows: number;
  }) {
    this.index = options.index;
    this.named = options.named;
    this.survey = new ColumnSurvey(options.textIsUntyped);
    this.#sides = sidesOf(options.column, options.named);
    this.whole = new SketchPair(this.#sides, options.earlierRows);
  }

  get sides(): Sides {
    return this.#sides;
  }

  /** Reads its cells of the rows `[from, to)`, at most `SEGMENT_ROWS_MAX`. */
  read(rows: readonly (readonly unknown[])[], from: number, to: number): void {
    const { survey, index, numbers, texts, whole } = this;
    for (let row = from; row < to; row += 1) {
      survey.read(rows[row]![index]);
      numbers[row - from] = survey.number;
      texts[row - from] = survey.text;
    }
    whole.addMany(numbers, texts, to - from);
  }

  /** More different texts than are counted, and nobody asked for them: it will not be judged by them. */
  get isBeyondCategories(): boolean {
    return this.#sides.categorical && this.named === null && this.survey.moreThanCategories;
  }

  drop(type: ColumnType): void {
    this.#sides = { ...this.#sides, [type]: false };
    this.whole.drop(type);
  }
}

/** What the column can still turn out to be, before its first cell. */
function sidesOf(column: SourceColumn, named: NamedAs | null): Sides {
  if (named === 'id' || named === 'event-time') return NO_SIDES;
  if (named === 'slice') return { numeric: false, categorical: true };
  if (column.declared === null) return { numeric: true, categorical: true };
  const type = declaredType(column.declared.types);
  if (type === null) return NO_SIDES;
  const numeric = type === 'double' || type === 'long';
  return { numeric, categorical: !numeric };
}
