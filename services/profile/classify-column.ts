/**
 * The decision of the profile, pure: what a column is, from a survey of its values.
 *
 * Text that hardly repeats (names, tickets, free text), times, ids and row numbers become `context`:
 * every window would differ from the reference in them, which says nothing about the model. A
 * constant stays judged: that it starts to move is the plainest drift there is.
 */
import type { FieldType } from '../core/monitor/event-field.ts';
import type { ColumnRole, ColumnType } from '../core/monitor/monitor.ts';
import type { SourceColumn } from './cell-source.ts';
import type { ColumnSurvey } from './column-survey.ts';

/** The Avro type an event field gets; `null` beside it unless the schema is the writer's own. */
export type ValueType = 'double' | 'long' | 'boolean' | 'string';

export interface ColumnPlan {
  readonly type: ColumnType;
  readonly role: ColumnRole;
  readonly valueType: ValueType;
  /** What of the values speaks for the type. */
  readonly evidence: string;
  readonly missingCount: number;
  /** Values of a numeric column that are no numbers: such events are quarantined. */
  readonly unreadableCount: number;
  /**
   * Whether it never falls from row to row: a time, a counter, or what the table is sorted by. Then
   * the values to come lie beyond those seen, and a range would refuse them.
   */
  readonly grows: boolean;
  /** Why it is not judged, or what else a reader should know. */
  readonly note: string | null;
}

export type ColumnVerdict =
  | { readonly kind: 'column'; readonly plan: ColumnPlan }
  | { readonly kind: 'left-out'; readonly reason: string };

export interface ClassifyOptions {
  readonly column: SourceColumn;
  readonly survey: ColumnSurvey;
  readonly rowCount: number;
  /** What the user said it is. */
  readonly named: 'label' | 'prediction' | 'slice' | null;
}

/** Of the values of a numeric column, as many must be numbers. */
const SHARE_NUMBERS_MIN = 0.99;
const SHARE_INSTANTS_MIN = 0.99;
/** Text with more distinct values than this share of its values, and than this many, is free text. */
const SHARE_DISTINCT_MAX = 0.5;
const DISTINCT_FREE_MIN = 20;
/** A share of codes with a leading zero that makes digits text. */
const SHARE_PADDED_MAX = 0.01;
/** Fewer values than this are no evidence that a column grows by row. */
const GROWTH_COUNT_MIN = 100;
/** Whole numbers that fill their range this closely and do not repeat are a numbering. */
const NUMBERING_GAPS_MAX = 0.01;
const ID_NAME =
  /(?:^|[^A-Za-z])(?:id|ID|Id|uuid|UUID|guid|GUID)$|[a-z](?:Id|ID|Uuid|UUID|Guid|GUID)$/;

export function classifyColumn(options: ClassifyOptions): ColumnVerdict {
  const { survey, rowCount, named } = options;
  if (survey.nestedCount > 0) return leftOut('holds lists, records or bytes');
  const valueType = valueTypeOf(options);
  if (valueType === null) return leftOut('mixes text, numbers and booleans');
  const isNumber = valueType === 'double' || valueType === 'long';
  const numeric = named !== 'slice' && isNumber;
  if (named === 'slice' && valueType === 'double') return leftOut('holds fractions');

  const isText = valueType === 'string';
  const valueCount = survey.valueCount + (isText ? survey.missingWordCount : 0);
  const readableCount = isNumber ? survey.numberCount : survey.booleanCount;
  const unreadableCount = isText ? 0 : survey.valueCount - readableCount;
  const why = named === null ? whyContext(options, numeric, valueCount) : null;
  const unreadable =
    unreadableCount === 0 ? null : `${unreadableCount} of its values are no numbers`;
  const grows = numeric && named === null && neverFalls(survey);
  const growing = grows
    ? 'never falls from row to row; if it is a time or a counter, make its role context'
    : null;
  const role = named === 'label' || named === 'prediction' ? named : 'feature';
  return {
    kind: 'column',
    plan: {
      type: numeric ? 'numeric' : 'categorical',
      role: why === null ? role : 'context',
      valueType,
      evidence: evidenceOf(options, valueType),
      missingCount: rowCount - valueCount,
      unreadableCount,
      grows,
      note: why ?? unreadable ?? growing ?? (named === null ? constantNote(survey, numeric) : null),
    },
  };
}

function leftOut(reason: string): ColumnVerdict {
  return { kind: 'left-out', reason };
}

/** `null` where one Avro type will not do. */
function valueTypeOf({ column, survey, named }: ClassifyOptions): ValueType | null {
  if (column.declared !== null) return declaredType(column.declared.types);
  const { valueCount, textIsUntyped } = survey;
  if (valueCount === 0) return 'string';
  if (survey.booleanCount === valueCount) return 'boolean';
  const areCodes = survey.paddedCount > SHARE_PADDED_MAX * valueCount;
  if (survey.numberCount >= SHARE_NUMBERS_MIN * valueCount && !areCodes) {
    if (named !== 'slice') return 'double';
    if (survey.textCount === 0 && survey.integerCount === valueCount) return 'long';
    // In a CSV a number may as well be read as text; where it is typed it may not.
    return textIsUntyped ? 'string' : 'double';
  }
  return textIsUntyped || survey.textCount === valueCount ? 'string' : null;
}

/** `null` where it is none that a monitor has. */
export function declaredType(types: readonly FieldType[]): ValueType | null {
  if (types.every((type) => type === 'integer')) return 'long';
  if (types.every((type) => type === 'integer' || type === 'number')) return 'double';
  const only = types.length === 1 ? types[0] : undefined;
  return only === 'string' || only === 'boolean' ? only : null;
}

function neverFalls(survey: ColumnSurvey): boolean {
  const isEnough = survey.numberCount >= GROWTH_COUNT_MIN;
  return isEnough && survey.neverFalls && survey.distinctCount > DISTINCT_FREE_MIN;
}

/** `null` where the column is worth judging. */
function whyContext(
  { column, survey }: ClassifyOptions,
  numeric: boolean,
  valueCount: number,
): string | null {
  if (valueCount === 0) return 'holds no value at all';
  if (numeric) return whyNumbering(column.header, survey);
  if (survey.instantCount >= SHARE_INSTANTS_MIN * valueCount) return 'looks like a time';
  const size = survey.distinctCount;
  if (survey.moreThanCategories) return `more than ${size - 1} different values`;
  const isFree = size > DISTINCT_FREE_MIN && size > SHARE_DISTINCT_MAX * valueCount;
  return isFree ? `hardly repeats: ${size} different values in ${valueCount}` : null;
}

/** Whole numbers that tell rows or things apart rather than measure anything. */
function whyNumbering(header: string, survey: ColumnSurvey): string | null {
  const { numberCount, integerCount, valueCount, distinctCount, distinctOfCount } = survey;
  if (numberCount < GROWTH_COUNT_MIN || integerCount < valueCount) return null;
  if (survey.countsUp) return 'grows by row, looks like a row number';
  const range = survey.maximum - survey.minimum + 1;
  const isDense = range <= (1 + NUMBERING_GAPS_MAX) * numberCount;
  if (isDense && distinctCount === distinctOfCount) return 'numbers the rows, in some other order';
  const hardlyRepeats = distinctCount > SHARE_DISTINCT_MAX * distinctOfCount;
  return hardlyRepeats && ID_NAME.test(header) ? 'looks like an id' : null;
}

function constantNote(survey: ColumnSurvey, numeric: boolean): string | null {
  if (survey.valueCount < GROWTH_COUNT_MIN) return null;
  const isConstant = numeric ? survey.minimum === survey.maximum : survey.distinctCount === 1;
  return isConstant ? 'is constant; that it moves will be drift, or make its role context' : null;
}

function evidenceOf(options: ClassifyOptions, valueType: ValueType): string {
  const { column, survey, named } = options;
  const { valueCount, numberCount, paddedCount } = survey;
  const distinct = survey.moreThanCategories
    ? `more than ${survey.distinctCount - 1} different values`
    : `${survey.distinctCount} different values`;
  if (column.declared !== null) {
    return `the writer's schema says ${column.declared.types.join(' or ')}; ${distinct}`;
  }
  if (valueCount === 0 && survey.missingWordCount === 0) return 'no values';
  if (named === 'slice') return `named as a slice; ${distinct}`;
  if (valueType === 'double') {
    const share = numberCount === valueCount ? 'all' : `${numberCount} of`;
    return `${share} ${valueCount} values are numbers; ${distinct}`;
  }
  if (valueType === 'boolean') return `all ${valueCount} values are true or false`;
  if (paddedCount > 0 && numberCount === valueCount) {
    return `digits with leading zeros, which are codes; ${distinct}`;
  }
  return numberCount === 0
    ? `text; ${distinct}`
    : `text: only ${numberCount} of ${valueCount} values are numbers; ${distinct}`;
}
