/**
 * `tidegauge profile`: what a training table looks like, and a monitor proposed from it.
 *
 * One pass over the data in bounded space; everything after it is decided from surveys and sketches.
 * The same data and options give the same result, to the byte.
 */
import { CodedError } from '../core/errors.ts';
import { columnNameOf } from '../core/monitor/field-name.ts';
import type { Reference } from '../core/monitor/reference.ts';
import type { ColumnSketch } from '../core/sketch/column-sketch.ts';
import type { Dataset, DatasetProgress, RowRange } from '../platform/dataset/dataset.ts';
import { buildReference, type MeasuredColumn } from './build-reference.ts';
import { type CellSource, createCellSource } from './cell-source.ts';
import { type ColumnPlan, classifyColumn } from './classify-column.ts';
import { type ColumnNames, findNamedColumns } from './named-columns.ts';
import type { NamedSet } from './named-sets.ts';
import { type EventPlan, planEvent } from './plan-event.ts';
import {
  proposeLateness,
  proposeRange,
  proposeWindow,
  type Range,
  type RoundDuration,
  rowsPerWindow,
} from './propose.ts';
import {
  type ColumnDriftPlan,
  DEAF_DISTANCE,
  type DriftPlan,
  proposeDrift,
} from './propose-drift.ts';
import {
  type ProposedRelation,
  proposeRelations,
  type RelationColumn,
} from './propose-relations.ts';
import { type Reading, readRows } from './read-pass.ts';

/** Column names are headers of the file; for events they are dotted paths. */
export interface ProfileOptions extends ColumnNames {
  readonly dataset: Dataset;
  readonly rows?: RowRange;
  /** Measured together; columns as above. */
  readonly sets?: readonly NamedSet[];
  /** Of the windows to propose for; the shortest round length that holds enough rows where left out. */
  readonly window?: RoundDuration;
  /** Called after every batch. */
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
  readonly isWindowGiven: boolean;
  readonly drift: DriftPlan;
  /** `null`: the rows are not in the order of time, which says nothing about a stream. */
  readonly allowedLateness: RoundDuration | null;
  /** For a person to take up: as rules they would quarantine drift that should be measured. */
  readonly relations: readonly ProposedRelation[];
  /** Why no column is calibrated; `null` where it was tried. */
  readonly uncalibrated: string | null;
  readonly reference: Reference;
  /** What a reader should know of the data, one sentence each. */
  readonly notes: readonly string[];
}

/** More values than this are no list anybody would keep. */
const CATEGORIES_LISTED_MAX = 20;
/** Of columns, in a note. */
const NAMES_LISTED_MAX = 5;

/** Throws `configuration.invalid` where the data or a named column will not do. */
export async function profileDataset(options: ProfileOptions): Promise<ProfileResult> {
  const { dataset, rows, onProgress } = options;
  const source = createCellSource(dataset);
  const reading = await readRows({
    source,
    file: dataset.file,
    names: options,
    sets: options.sets ?? [],
    rows,
    onBatch: () => onProgress?.(dataset.progress()),
  });
  onProgress?.(finished(dataset.progress()));
  const named = findNamedColumns(options, source.columns, dataset.file);
  const { found, notes } = classifyAll(source, reading);
  const measured = found.filter(({ plan }) => plan.role !== 'context');
  if (measured.length === 0) refuse(`${dataset.file}: no column that could be watched for drift`);

  const event = planEvent({
    columns: source.columns,
    survey: reading,
    named,
    valueTypes: new Map(found.map(({ index, plan }) => [index, plan.valueType])),
    writerSchema: dataset.kind === 'events' ? dataset.writerSchema : null,
  });
  const built = buildReference(reading, found, dataset.file);
  notes.push(...built.notes);
  const { reference } = built;

  const { time, rowCount } = reading;
  const span = time ?? { startMs: 0, endMs: (rowCount - 1) * 1_000 };
  const window = options.window ?? proposeWindow(rowCount, span.endMs - span.startMs);
  const drift = proposeDrift({
    reading,
    found,
    reference,
    window,
    rowsPerWindow: rowsPerWindow({ rowCount, span, window }),
  });
  notes.push(...driftNotes(drift));
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
    columns: found.map(({ index, name, header, plan }) => ({
      ...plan,
      name,
      header,
      range: rangeOf(plan, reference.columns.get(name)),
      categories: listOf(plan, reading.columns[index]!.distinctValues(CATEGORIES_LISTED_MAX)),
    })),
    event,
    span: { startMs: span.startMs, endMs: span.endMs },
    slices: named.slices.map((index) => columnNameOf(source.columns[index]!.path)),
    window,
    isWindowGiven: options.window !== undefined,
    drift,
    allowedLateness,
    relations: proposeRelations(reading.relations, relationColumns(reading, found, reference)),
    uncalibrated: whyUncalibrated(reading),
    reference,
    notes,
  };
}

interface FoundColumn extends MeasuredColumn {
  readonly header: string;
}

function classifyAll(source: CellSource, { measures, rowCount }: Reading) {
  const found: FoundColumn[] = [];
  const notes = source.leftOut.map((name) => `${name}: left out, an event schema cannot hold it`);
  for (const { index, named, survey } of measures) {
    if (named === 'id' || named === 'event-time') continue;
    const column = source.columns[index]!;
    const { header } = column;
    const verdict = classifyColumn({ column, survey, rowCount, named });
    if (verdict.kind === 'left-out') {
      if (named !== null) refuse(`${named} column ${JSON.stringify(header)} ${verdict.reason}`);
      notes.push(`${header}: left out, it ${verdict.reason}`);
      continue;
    }
    const { plan } = verdict;
    const name = columnNameOf(column.path);
    if (plan.note !== null) notes.push(`${name}: ${plan.note}`);
    found.push({ index, name, header, plan });
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

function listOf(plan: ColumnPlan, values: readonly string[]): readonly string[] | null {
  if (plan.type !== 'categorical' || plan.valueType === 'boolean') return null;
  return values.length > 0 ? values : null;
}

function relationColumns(
  { columns }: Reading,
  found: readonly FoundColumn[],
  reference: Reference,
): ReadonlyMap<number, RelationColumn> {
  const related = found.flatMap(({ index, name, plan }): [number, RelationColumn][] => {
    const sketch = reference.columns.get(name);
    if (plan.role !== 'feature' || plan.grows || sketch?.kind !== 'numeric') return [];
    return [[index, { name, sketch, distinctCount: columns[index]!.distinctCount }]];
  });
  return new Map(related);
}

function driftNotes({ columns, rowsPerWindow: rows }: DriftPlan): string[] {
  const named = (isMeant: (plan: ColumnDriftPlan) => boolean, rest: string): string[] => {
    const names = [...columns].filter(([, plan]) => isMeant(plan)).map(([name]) => name);
    if (names.length === 0) return [];
    const more = names.length - NAMES_LISTED_MAX;
    const listed = names.slice(0, NAMES_LISTED_MAX).join(', ');
    return [`${more > 0 ? `${listed} and ${more} more` : listed}: ${rest}`];
  };
  return [
    ...named(
      ({ rule }) => rule.kind === 'threshold',
      `neighbouring rows are so alike that ${rows} of them are too few for a false-alarm budget; fixed thresholds are proposed`,
    ),
    ...named(
      ({ rule, detectable }) => rule.kind === 'budget' && detectable.distance > DEAF_DISTANCE,
      `windows of ${rows} rows of the data itself differ so much that hardly anything will be drift; longer windows, or drift: false`,
    ),
  ];
}

function whyUncalibrated({ time, blocks }: Reading): string | null {
  if (time !== null && time.endMs === time.startMs) return 'every row has the same event time';
  return blocks === null ? 'the rows are not in the order of event time' : null;
}

function finished({ total, unit }: DatasetProgress): DatasetProgress {
  return { done: total, total, unit };
}

function refuse(message: string): never {
  throw new CodedError('configuration.invalid', message);
}
