/**
 * The one pass of the profile over the data: every column surveyed and sketched as it is read.
 *
 * What a column is shows only at the end, so each is sketched both as numbers and as categories, for
 * the whole without exception. In the slices and the calibration blocks, of which there are many, the
 * side that is behind after `SETTLE_ROWS` is dropped: a column that turns into something else later
 * than that has no sketches there.
 */
import { CodedError } from '../core/errors.ts';
import { ALL_ROWS, type RowRange } from '../platform/dataset/dataset.ts';
import { CalibrationBlocks } from './calibration-blocks.ts';
import type { CellSource } from './cell-source.ts';
import { classifyColumn } from './classify-column.ts';
import { ColumnMeasure, SEGMENT_ROWS_MAX } from './column-measure.ts';
import type { ColumnSurvey } from './column-survey.ts';
import { type ColumnNames, findNamedColumns, namedAs } from './named-columns.ts';
import { checkSetColumns, type NamedSet, NamedSets } from './named-sets.ts';
import { type HeldRelation, RelationSurvey } from './relation-survey.ts';
import { COLUMN_TYPES } from './sketch-pair.ts';
import { SliceSketches } from './slice-sketches.ts';
import { type TimeSummary, TimeSurvey } from './time-survey.ts';

export const SETTLE_ROWS = 10_000;

export interface Survey {
  readonly rowCount: number;
  /** Aligned with the source's columns. */
  readonly columns: readonly ColumnSurvey[];
  /** `null` where no column was named. */
  readonly time: TimeSummary | null;
}

export interface Reading extends Survey {
  /** Aligned with the source's columns. */
  readonly measures: readonly ColumnMeasure[];
  readonly slices: SliceSketches;
  /** `null` where the rows do not come in the order of the event time that is named. */
  readonly blocks: CalibrationBlocks | null;
  readonly relations: readonly HeldRelation[];
  readonly sets: NamedSets;
}

export interface ReadOptions {
  readonly source: CellSource;
  readonly file: string;
  readonly names: ColumnNames;
  readonly sets: readonly NamedSet[];
  readonly rows: RowRange | undefined;
  /** Called after every batch. */
  readonly onBatch: () => void;
}

type Rows = readonly (readonly unknown[])[];

export async function readRows(options: ReadOptions): Promise<Reading> {
  const { source, file, names, sets, rows = ALL_ROWS, onBatch } = options;
  // A mistyped name is said now and not after the whole file, where the columns are known now.
  if (source.columnsAreKnown) {
    findNamedColumns(names, source.columns, file);
    checkSetColumns(sets, source.columns, file);
  }
  const pass = new ReadPass(source, names, sets);
  for await (const batch of source.rows(rows)) {
    pass.add(batch);
    onBatch();
  }
  return pass.finish();
}

class ReadPass {
  readonly #source: CellSource;
  readonly #names: ColumnNames;
  readonly #measures: ColumnMeasure[] = [];
  readonly #slices = new SliceSketches();
  readonly #relations = new RelationSurvey();
  readonly #sets: NamedSets;
  readonly #time: TimeSurvey | null;
  #timeIndex = -1;
  #blocks: CalibrationBlocks | null = new CalibrationBlocks();
  #rowCount = 0;

  constructor(source: CellSource, names: ColumnNames, sets: readonly NamedSet[]) {
    const { eventTimeColumn } = names;
    this.#source = source;
    this.#names = names;
    this.#sets = new NamedSets(sets);
    this.#time = eventTimeColumn === undefined ? null : new TimeSurvey(eventTimeColumn);
  }

  add(batch: Rows): void {
    if (this.#measures.length < this.#source.columns.length) this.#sets.find(this.#source.columns);
    while (this.#measures.length < this.#source.columns.length) this.#addColumn();
    for (let from = 0; from < batch.length; ) {
      const room = Math.min(SEGMENT_ROWS_MAX, this.#blocks?.roomRows ?? SEGMENT_ROWS_MAX);
      const to = Math.min(batch.length, from + room);
      this.#addSegment(batch, from, to);
      from = to;
    }
  }

  finish(): Reading {
    if (this.#rowCount === 0) throw new CodedError('configuration.invalid', 'the data has no rows');
    const time = this.#timeIndex === -1 ? null : (this.#time?.summary() ?? null);
    // Without an event time the row's number is the time of a replay, so the rows are in its order.
    const isOrdered = time === null || time.endMs > time.startMs;
    return {
      rowCount: this.#rowCount,
      columns: this.#measures.map(({ survey }) => survey),
      measures: this.#measures,
      time,
      slices: this.#slices,
      blocks: isOrdered ? this.#blocks : null,
      relations: this.#relations.held,
      sets: this.#sets,
    };
  }

  #addColumn(): void {
    const index = this.#measures.length;
    const { columns, textIsUntyped } = this.#source;
    const named = namedAs(this.#names, columns, index);
    const column = columns[index]!;
    const earlierRows = this.#rowCount;
    const measure = new ColumnMeasure({ index, column, named, textIsUntyped, earlierRows });
    this.#measures.push(measure);
    const { sides } = measure;
    if (named === 'event-time') this.#timeIndex = index;
    if (named === 'slice') this.#slices.addSliceColumn(index);
    if (!sides.numeric && !sides.categorical) return;
    this.#slices.addColumn(index, sides);
    if (named !== 'label') this.#blocks?.addColumn(index, sides);
    if (sides.numeric && named === null) this.#relations.addColumn(index);
  }

  #addSegment(batch: Rows, from: number, to: number): void {
    const count = to - from;
    const measures = this.#measures;
    for (const measure of measures) {
      measure.read(batch, from, to);
      if (measure.isBeyondCategories) this.#drop(measure, 'categorical');
      this.#blocks?.add(measure.index, measure.numbers, measure.texts, count);
    }
    const slicing = measures.filter(({ named }) => named === 'slice');
    this.#slices.add(slicing, measures, count);
    this.#relations.add(measures, count);
    this.#sets.add(measures, count);
    this.#addTimes(batch, from, to);
    this.#blocks?.advance(count);
    const isSettled = this.#rowCount >= SETTLE_ROWS;
    this.#rowCount += count;
    if (!isSettled && this.#rowCount >= SETTLE_ROWS) this.#settle();
  }

  #addTimes(batch: Rows, from: number, to: number): void {
    const time = this.#time;
    if (time === null) return;
    for (let row = from; row < to; row += 1) time.add(batch[row]![this.#timeIndex]);
    if (!time.isInOrder) this.#blocks = null;
  }

  #drop(measure: ColumnMeasure, type: 'numeric' | 'categorical'): void {
    measure.drop(type);
    this.#slices.drop(measure.index, type);
    this.#blocks?.drop(measure.index, type);
  }

  /** Of the many sketches of a column, those on the side that it has not been so far. */
  #settle(): void {
    const isNumeric = new Set<number>();
    for (const { index, survey, named } of this.#measures) {
      const column = this.#source.columns[index]!;
      if (named === 'id' || named === 'event-time') continue;
      const verdict = classifyColumn({ column, survey, rowCount: this.#rowCount, named });
      if (verdict.kind === 'left-out') continue;
      if (verdict.plan.type === 'numeric') isNumeric.add(index);
      for (const type of COLUMN_TYPES) {
        if (type === verdict.plan.type) continue;
        this.#slices.drop(index, type);
        this.#blocks?.drop(index, type);
      }
    }
    this.#relations.retain((index) => isNumeric.has(index));
  }
}
