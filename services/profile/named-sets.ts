/** The sets of columns named on the command line: found among the columns of the file, and as what they are. */
import { calibrateSet } from '../core/decision/set-calibration.ts';
import { CodedError } from '../core/errors.ts';
import { columnNameOf } from '../core/monitor/field-name.ts';
import type { SetReference } from '../core/monitor/reference-sets.ts';
import type { MeasuredColumn } from './build-reference.ts';
import type { SourceColumn } from './cell-source.ts';
import { SEGMENT_ROWS_MAX } from './column-measure.ts';
import { columnIndex } from './named-columns.ts';
import { SetSurvey } from './set-survey.ts';

export interface NamedSet {
  readonly name: string;
  /** As the columns named by options of their own: headers of the file. */
  readonly columns: readonly string[];
}

type Segment = { readonly numbers: Float64Array };

export class NamedSets {
  readonly #sets: readonly {
    readonly named: NamedSet;
    /** Of its columns in the monitor. */
    readonly names: string[];
    /** −1 while a column has not appeared. */
    readonly indices: number[];
    readonly row: Float64Array;
    readonly survey: SetSurvey;
  }[];

  constructor(sets: readonly NamedSet[]) {
    this.#sets = sets.map((named) => {
      const names = [...named.columns];
      return {
        named,
        names,
        indices: named.columns.map(() => -1),
        row: new Float64Array(named.columns.length),
        survey: new SetSurvey(() => names),
      };
    });
  }

  /** Of those that were named, the ones there are; called whenever there are more. */
  find(columns: readonly SourceColumn[]): void {
    for (const { named, names, indices } of this.#sets) {
      for (const [at, header] of named.columns.entries()) {
        const index = columnIndex(columns, header);
        indices[at] = index;
        if (index !== -1) names[at] = columnNameOf(columns[index]!.path);
      }
    }
  }

  /** The next rows, at most `SEGMENT_ROWS_MAX`. */
  add(measures: readonly Segment[], count: number): void {
    for (const { indices, row, survey } of this.#sets) {
      const numbers = indices.map((index) => measures[index]?.numbers ?? NONE);
      for (let at = 0; at < count; at += 1) {
        for (let column = 0; column < row.length; column += 1) row[column] = numbers[column]![at]!;
        survey.add(row);
      }
    }
  }

  /** Throws `configuration.invalid` for a set that cannot be measured. */
  finish(
    found: readonly MeasuredColumn[],
    options: { readonly file: string; readonly isOrdered: boolean },
  ): ReadonlyMap<string, SetReference> {
    const { file, isOrdered } = options;
    const taken = new Set(found.map(({ name }) => name));
    return new Map(
      this.#sets.map(({ named, indices, survey }) => {
        const refuse = (reason: string) => refuseSet(file, named.name, reason);
        if (taken.has(named.name)) refuse('a column has this name too, expected another');
        for (const [at, index] of indices.entries()) {
          const reason = memberMistake(index, found);
          if (reason !== null) refuse(`column ${JSON.stringify(named.columns[at])} ${reason}`);
        }
        const surveyed = survey.finish();
        if (surveyed === null) return refuse('too few rows have a value in all of its columns');
        const { blocks, ...reference } = surveyed;
        const calibration = isOrdered ? calibrateSet(blocks, reference.variation) : null;
        const isCalibrated = calibration !== null && Object.keys(calibration.inflation).length > 0;
        return [named.name, { ...reference, calibration: isCalibrated ? calibration : null }];
      }),
    );
  }
}

/** Throws `configuration.invalid` for a column that is not there. */
export function checkSetColumns(
  sets: readonly NamedSet[],
  columns: readonly SourceColumn[],
  file: string,
): void {
  for (const { name, columns: wanted } of sets) {
    for (const header of wanted) {
      if (columnIndex(columns, header) !== -1) continue;
      refuseSet(file, name, `column ${JSON.stringify(header)} is not in the data`);
    }
  }
}

function refuseSet(file: string, name: string, reason: string): never {
  throw new CodedError('configuration.invalid', `${file}: set ${name}: ${reason}`);
}

/** Why a column cannot be in a set, `null` where it can. */
function memberMistake(index: number, found: readonly MeasuredColumn[]): string | null {
  if (index === -1) return 'is not in the data';
  const plan = found.find((column) => column.index === index)?.plan;
  if (plan === undefined) return 'is not measured';
  if (plan.type !== 'numeric') return `is ${plan.type}, expected a numeric column`;
  return plan.role === 'feature' ? null : `is a ${plan.role} column, expected a feature`;
}

/** A column that has not appeared. */
const NONE = new Float64Array(SEGMENT_ROWS_MAX).fill(Number.NaN);
