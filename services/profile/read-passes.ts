/** The two passes of the profile over the data: survey every column, then sketch the measured ones. */
import { CodedError } from '../core/errors.ts';
import type { Reference } from '../core/monitor/reference.ts';
import { ALL_ROWS, type DatasetProgress, type RowRange } from '../platform/dataset/dataset.ts';
import type { CellSource } from './cell-source.ts';
import { ColumnSurvey } from './column-survey.ts';
import { columnIndex } from './named-columns.ts';
import { type MeasuredColumn, ReferenceBuilder } from './reference-builder.ts';
import { type TimeSummary, TimeSurvey } from './time-survey.ts';

export interface PassOptions {
  readonly source: CellSource;
  readonly rows: RowRange | undefined;
  /** Called after every batch. */
  readonly onBatch: () => void;
}

export interface Survey {
  readonly rowCount: number;
  /** Aligned with the source's columns. */
  readonly columns: readonly ColumnSurvey[];
  /** `null` where no column was named. */
  readonly time: TimeSummary | null;
}

export async function surveyRows(
  { source, rows = ALL_ROWS, onBatch }: PassOptions,
  eventTimeColumn: string | undefined,
): Promise<Survey> {
  const columns: ColumnSurvey[] = [];
  const time = eventTimeColumn === undefined ? null : new TimeSurvey(eventTimeColumn);
  let timeIndex = -1;
  let rowCount = 0;
  for await (const batch of source.rows(rows)) {
    if (timeIndex === -1 && eventTimeColumn !== undefined) {
      timeIndex = columnIndex(source.columns, eventTimeColumn);
    }
    while (columns.length < source.columns.length) {
      columns.push(new ColumnSurvey(source.textIsUntyped));
    }
    for (const cells of batch) {
      for (let index = 0; index < columns.length; index += 1) columns[index]!.add(cells[index]);
      time?.add(cells[timeIndex]);
    }
    rowCount += batch.length;
    onBatch();
  }
  if (rowCount === 0) throw new CodedError('configuration.invalid', 'the data has no rows');
  return { rowCount, columns, time: timeIndex === -1 ? null : (time?.summary() ?? null) };
}

export async function measureRows(
  { source, rows = ALL_ROWS, onBatch }: PassOptions,
  measured: readonly MeasuredColumn[],
  slices: readonly string[],
): Promise<Reference> {
  const builder = new ReferenceBuilder(measured, slices);
  for await (const batch of source.rows(rows)) {
    for (const cells of batch) builder.add(cells);
    onBatch();
  }
  return builder.finish();
}

/** Progress over both passes from the progress of either. */
export function progressOfPass(pass: 0 | 1, { done, total, unit }: DatasetProgress) {
  return { done: pass * total + done, total: 2 * total, unit };
}
