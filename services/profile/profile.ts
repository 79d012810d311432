/**
 * `tidegauge profile`: what a training table looks like, and a monitor proposed from it.
 *
 * Two passes over the data, each in constant space: the first settles what every column is, the
 * second fills the sketches of what is to be measured, so that no column is sketched twice over.
 * The same data and options give the same result, to the byte.
 */
import { CodedError } from '../core/errors.ts';
import { columnNameOf } from '../core/monitor/field-name.ts';
import type { Reference } from '../core/monitor/reference.ts';
import type { ColumnSketch } from '../core/sketch/column-sketch.ts';
import type { Dataset, DatasetProgress, RowRange } from '../platform/dataset/dataset.ts';
import { type CellSource, createCellSource } from './cell-source.ts';
import { type ColumnPlan, classifyColumn } from './classify-column.ts';
import type { ColumnSurvey } from './column-survey.ts';
import { type ColumnNames, findNamedColumns, type NamedColumns, namedAs } from './named-columns.ts';
import { type EventPlan, planEvent } from './plan-event.ts';
import {
  proposeLateness,
  proposeRange,
  proposeWindow,
  type Range,
  type RoundDuration,
} from './propose.ts';
import { measureRows, progressOfPass, type Survey, surveyRows } from './read-passes.ts';

/** Column names are headers of the file; for events they are dotted paths. */
export interface ProfileOptions extends ColumnNames {
  readonly dataset: Dataset;
  readonly rows?: RowRange;
  /** Called after every batch; the total covers both passes. */
  readonly onProgress?: (progress: DatasetProgress) => void;
}

export interface ProfiledColumn extends ColumnPlan {
  readonly name: string;
  readonly header: string;
  /** Proposed; numeric columns only. */
  readonly range: Range | null;
  /** All values, sorted, where they are few; categorical columns only. */
  readonly categories: readonly string[] | null;
}

export interface ProfileResult {
  readonly file: string;
  readonly rowCount: number;
  readonly columns: readonly ProfiledColumn[];
  readonly event: EventPlan;
  /** Of the event time, or of the rows' own second by second. */
  readonly span: { readonly startMs: number; readonly endMs: number };
  readonly slices: readonly string[];
  readonly window: RoundDuration;
  /** `null`: the rows are not in the order of time, which says nothing about a stream. */
  readonly allowedLateness: RoundDuration | null;
  readonly reference: Reference;
  /** What a reader should know of the data, one sentence each. */
  readonly notes: readonly string[];
}

/** More values than this are no list anybody would keep. */
const CATEGORIES_LISTED_MAX = 20;

/** Throws `configuration.invalid` where the data or a named column will not do. */
export async function profileDataset(options: ProfileOptions): Promise<ProfileResult> {
  const { dataset, rows, onProgress } = options;
  const source = createCellSource(dataset);
  const passOptions = (pass: 0 | 1) => ({
    source,
    rows,
    onBatch: () => onProgress?.(progressOfPass(pass, dataset.progress())),
  });
  const survey = await surveyRows(passOptions(0), options.eventTimeColumn);
  const named = findNamedColumns(options, source.columns, dataset.file);
  const { found, notes } = classifyAll(source, survey, named);
  const measured = found.filter(({ column }) => column.role !== 'context');
  if (measured.length === 0) refuse(`${dataset.file}: no column that could be watched for drift`);

  const event = planEvent({
    columns: source.columns,
    survey,
    named,
    valueTypes: new Map(found.map(({ index, column }) => [index, column.valueType])),
    writerSchema: dataset.kind === 'events' ? dataset.writerSchema : null,
  });
  const slices = named.slices.map((index) => columnNameOf(source.columns[index]!.path));
  const reference = await measureRows(
    passOptions(1),
    measured.map(({ index, column }) => ({ name: column.name, index, plan: column })),
    slices,
  );
  onProgress?.(finished(dataset.progress()));

  const { time, rowCount } = survey;
  const span = time ?? { startMs: 0, endMs: (rowCount - 1) * 1_000 };
  const window = proposeWindow(rowCount, span.endMs - span.startMs);
  const disorderMs = time?.disorderMs ?? 0;
  const allowedLateness = proposeLateness(disorderMs, span.endMs - span.startMs, window);
  if (allowedLateness === null) {
    notes.push('the rows are not in the order of event time: a replay counts many of them as late');
  }
  if (time !== null && time.missingCount > 0) {
    notes.push(`${time.missingCount} rows have no readable event time and would be quarantined`);
  }
  return {
    file: dataset.file,
    rowCount,
    columns: found.map(({ column }) => ({
      ...column,
      range: rangeOf(column, reference.columns.get(column.name)),
    })),
    event,
    span: { startMs: span.startMs, endMs: span.endMs },
    slices,
    window,
    allowedLateness,
    reference,
    notes,
  };
}

interface FoundColumn {
  /** Position of its cell in a row. */
  readonly index: number;
  readonly column: Omit<ProfiledColumn, 'range'>;
}

function classifyAll(source: CellSource, survey: Survey, named: NamedColumns) {
  const found: FoundColumn[] = [];
  const notes = source.leftOut.map((name) => `${name}: left out, an event schema cannot hold it`);
  for (const [index, column] of source.columns.entries()) {
    if (index === named.id || index === named.eventTime) continue;
    const { header } = column;
    const role = namedAs(named, index);
    const seen = survey.columns[index]!;
    const { rowCount } = survey;
    const verdict = classifyColumn({ column, survey: seen, rowCount, named: role });
    if (verdict.kind === 'left-out') {
      if (role !== null) refuse(`${role} column ${JSON.stringify(header)} ${verdict.reason}`);
      notes.push(`${header}: left out, it ${verdict.reason}`);
      continue;
    }
    const { plan } = verdict;
    const name = columnNameOf(column.path);
    if (plan.note !== null) notes.push(`${name}: ${plan.note}`);
    found.push({ index, column: { ...plan, name, header, categories: listOf(plan, seen) } });
  }
  return { found, notes };
}

function rangeOf(plan: ColumnPlan, sketch: ColumnSketch | undefined): Range | null {
  const isWatched = plan.role === 'feature' || plan.role === 'prediction';
  if (!isWatched || plan.grows || sketch?.kind !== 'numeric') return null;
  // A range refuses infinity, which this column holds.
  const infinityCount = sketch.positiveInfinityCount + sketch.negativeInfinityCount;
  return infinityCount > 0 ? null : proposeRange(sketch);
}

function listOf(plan: ColumnPlan, { distinct }: ColumnSurvey): readonly string[] | null {
  if (plan.type !== 'categorical' || plan.valueType === 'boolean') return null;
  return distinct.size <= CATEGORIES_LISTED_MAX ? [...distinct].sort() : null;
}

function finished({ total, unit }: DatasetProgress): DatasetProgress {
  return { done: 2 * total, total: 2 * total, unit };
}

function refuse(message: string): never {
  throw new CodedError('configuration.invalid', message);
}
