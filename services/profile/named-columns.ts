/** The columns the user named on the command line, found among those of the file. */
import { CodedError } from '../core/errors.ts';
import type { SourceColumn } from './cell-source.ts';

export interface ColumnNames {
  readonly idColumn?: string;
  readonly eventTimeColumn?: string;
  readonly labelColumn?: string;
  readonly predictionColumn?: string;
  readonly sliceColumns: readonly string[];
}

/** Positions among the columns; `null` where none was named. */
export interface NamedColumns {
  readonly id: number | null;
  readonly eventTime: number | null;
  readonly label: number | null;
  readonly prediction: number | null;
  readonly slices: readonly number[];
}

export type NamedAs = 'id' | 'event-time' | 'label' | 'prediction' | 'slice';

/** Throws `configuration.invalid` for a column that is not there or is named for two things. */
export function findNamedColumns(
  names: ColumnNames,
  columns: readonly SourceColumn[],
  file: string,
): NamedColumns {
  const usedAs = new Map<number, string>();

  function find(what: string, header: string): number {
    const index = columnIndex(columns, header);
    if (index === -1) {
      const known = columns.slice(0, 20).map((column) => column.header || '(no name)');
      const more = columns.length > known.length ? `, … (${columns.length} in all)` : '';
      return refuse(
        `${file}: no ${what} column ${JSON.stringify(header)}, found ${known.join(', ')}${more}`,
      );
    }
    const other = usedAs.get(index);
    if (other !== undefined) {
      refuse(`${file}: column ${JSON.stringify(header)} is named both as ${other} and as ${what}`);
    }
    usedAs.set(index, what);
    return index;
  }

  const optional = (what: string, header: string | undefined) =>
    header === undefined ? null : find(what, header);
  return {
    id: optional('id', names.idColumn),
    eventTime: optional('event-time', names.eventTimeColumn),
    label: optional('label', names.labelColumn),
    prediction: optional('prediction', names.predictionColumn),
    slices: [...new Set(names.sliceColumns)].map((header) => find('slice', header)),
  };
}

/** By its header, else by its name in the monitor; −1 where there is none. */
export function columnIndex(columns: readonly SourceColumn[], wanted: string): number {
  const byHeader = columns.findIndex(({ header }) => header === wanted);
  if (byHeader !== -1) return byHeader;
  return columns.findIndex(({ path }) => path.join('.') === wanted);
}

/** What the column at `index` was named as, among those known so far. */
export function namedAs(
  names: ColumnNames,
  columns: readonly SourceColumn[],
  index: number,
): NamedAs | null {
  const is = (header: string | undefined) =>
    header !== undefined && columnIndex(columns, header) === index;
  if (is(names.idColumn)) return 'id';
  if (is(names.eventTimeColumn)) return 'event-time';
  if (is(names.labelColumn)) return 'label';
  if (is(names.predictionColumn)) return 'prediction';
  return names.sliceColumns.some(is) ? 'slice' : null;
}

function refuse(message: string): never {
  throw new CodedError('configuration.invalid', message);
}
