/**
 * Which sets of columns a monitor measures, and by what: the specification of each is in the
 * reference, and without it there is nothing to measure by, whatever a window is held against.
 */
import { CodedError } from '../errors.ts';
import type { SetSpecification } from '../sketch/set-specification.ts';
import type { ColumnSet, Monitor } from './monitor.ts';
import type { Reference } from './reference.ts';
import type { SetReference } from './reference-sets.ts';

export interface MeasuredSet extends ColumnSet {
  readonly reference: SetReference;
}

export type SetSpecifications = ReadonlyMap<string, SetSpecification>;

/** Throws `configuration.invalid` where the reference does not have them all. */
export function measuredSets(
  monitor: Monitor,
  reference: Reference | null,
): readonly MeasuredSet[] {
  return monitor.sets.map((set) => {
    const found = reference?.sets.get(set.name) ?? null;
    const mistake = setMistake(set, found);
    if (found !== null && mistake === null) return { ...set, reference: found };
    throw new CodedError('configuration.invalid', `the reference ${mistake}`);
  });
}

/** What is wrong with a set's reference, `null` where it is made of the same columns. */
export function setMistake(
  { name, columns }: Pick<ColumnSet, 'name' | 'columns'>,
  reference: SetReference | null,
): string | null {
  const made = `expected one made by tidegauge profile --set ${name}=${columns.join(',')}`;
  if (reference === null) return `has no set ${name}, ${made}`;
  const found = reference.specification.columns.map((column) => column.name);
  const isSame = found.length === columns.length && found.every((each, at) => each === columns[at]);
  return isSame ? null : `has set ${name} of ${found.join(', ')}, ${made}`;
}

export function specificationsOf(sets: readonly MeasuredSet[]): SetSpecifications {
  return new Map(sets.map(({ name, reference }) => [name, reference.specification]));
}
