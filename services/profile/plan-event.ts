/** Which fields the event has: the columns, the id and the time, from the file or from the row's number. */
import { CodedError } from '../core/errors.ts';
import { columnNameOf, freeFieldName } from '../core/monitor/field-name.ts';
import type { EventTimeUnit, FieldPath } from '../core/monitor/monitor.ts';
import type { SourceColumn } from './cell-source.ts';
import type { ValueType } from './classify-column.ts';
import type { ColumnSurvey } from './column-survey.ts';
import {
  type AvroType,
  extendedSchema,
  recordSchema,
  rowNumberField,
  rowTimeField,
  type SchemaField,
} from './event-schema.ts';
import type { NamedColumns } from './named-columns.ts';
import type { Survey } from './read-pass.ts';
import type { TimeSummary } from './time-survey.ts';

export interface EventPlan {
  /** `header` is `null` where the row number serves. */
  readonly id: { readonly path: FieldPath; readonly header: string | null };
  readonly eventTime: {
    readonly path: FieldPath;
    readonly header: string | null;
    readonly unit: EventTimeUnit;
  };
  /** event.avsc. */
  readonly schema: unknown;
}

export interface EventPlanOptions {
  readonly columns: readonly SourceColumn[];
  readonly survey: Survey;
  readonly named: NamedColumns;
  /** By position among the columns; those left out are absent. */
  readonly valueTypes: ReadonlyMap<number, ValueType>;
  /** `null` where the data has no schema of its own. */
  readonly writerSchema: unknown;
}

export function planEvent(options: EventPlanOptions): EventPlan {
  const { columns, survey, named, writerSchema } = options;
  const paths = columns.map(({ path }) => path);
  const id = at(columns, named.id) ?? { path: [freeFieldName('row', paths)], header: null };
  const eventTime = at(columns, named.eventTime) ?? {
    path: [freeFieldName('eventTime', paths)],
    header: null,
  };
  const rowFields = [
    ...(id.header === null ? [rowNumberField(id.path[0]!)] : []),
    ...(eventTime.header === null ? [rowTimeField(eventTime.path[0]!)] : []),
  ];
  const schema =
    writerSchema === null
      ? recordSchema(schemaFields(options), rowFields)
      : extendedSchema(writerSchema, rowFields);
  return { id, eventTime: { ...eventTime, unit: survey.time?.unit ?? 'ms' }, schema };
}

function at(columns: readonly SourceColumn[], index: number | null) {
  return index === null ? null : columns[index]!;
}

function schemaFields({ columns, survey, named, valueTypes }: EventPlanOptions): SchemaField[] {
  return columns.flatMap(({ path, header }, index): SchemaField[] => {
    const original = header === columnNameOf(path) ? null : header;
    if (index === named.id) {
      const type = idType(header, survey.columns[index]!);
      return [{ path, header: original, type, nullable: false }];
    }
    if (index === named.eventTime && survey.time !== null) {
      return [{ path, header: original, type: timeType(survey.time), nullable: false }];
    }
    const type = valueTypes.get(index);
    return type === undefined ? [] : [{ path, header: original, type, nullable: true }];
  });
}

/** Whole numbers stay numbers; codes with leading zeros and everything else are text. */
function idType(header: string, survey: ColumnSurvey): AvroType {
  const { valueCount } = survey;
  if (survey.integerCount === valueCount && survey.paddedCount === 0) return 'long';
  if (survey.textIsUntyped || survey.textCount === valueCount) return 'string';
  const message = `id column ${JSON.stringify(header)}: expected text or whole numbers`;
  throw new CodedError('configuration.invalid', message);
}

function timeType({ unit, whole }: TimeSummary): AvroType {
  if (unit === 'iso8601') return 'string';
  if (!whole) return 'double';
  if (unit === 's') return 'long';
  return { type: 'long', logicalType: unit === 'ms' ? 'timestamp-millis' : 'timestamp-micros' };
}
