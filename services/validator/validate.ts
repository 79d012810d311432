/**
 * The validator's decision: does this event keep the promises of its monitor?
 *
 * Checks run in this order and the first that fails is the answer; within one check columns come in
 * the monitor's order: future skew, required, not finite, range, allowed, pattern, relations. A
 * missing value breaks `required` only. Pure, and nothing is allocated for a good event.
 */
import type { Rejection } from '../core/errors.ts';
import { CATEGORY_LENGTH_MAX, REJECTION_MESSAGE_LENGTH_MAX } from '../core/limits.ts';
import type { Column, Monitor } from '../core/monitor/monitor.ts';
import { compileRelation, type EvaluateRelation } from '../core/monitor/relation.ts';

export interface ValidatedEvent {
  readonly id: string;
  readonly eventTimeMs: number;
  /** Aligned with the monitor's columns; `null` where the value is missing. */
  readonly cells: readonly (number | string | null)[];
  /** The whole decoded event, for relations. */
  readonly root: Record<string, unknown>;
}

/**
 * `null`: the event is good. Throws at creation where a pattern or a relation cannot be compiled. An
 * infinite timestamp: none is known, and future skew is not checked.
 */
export type Validate = (event: ValidatedEvent, recordTimestampMs: number) => Rejection | null;

const QUOTED_LENGTH_MAX = 80;

function quote(value: number | string): string {
  if (typeof value === 'number') return String(value);
  return value.length <= QUOTED_LENGTH_MAX
    ? JSON.stringify(value)
    : `${JSON.stringify(value.slice(0, QUOTED_LENGTH_MAX))}… (${value.length} characters)`;
}

function reject(code: Rejection['code'], message: string): Rejection {
  return { code, message: message.slice(0, REJECTION_MESSAGE_LENGTH_MAX) };
}

function rangeText(column: Column): string {
  if (column.maximum === null) return `at least ${column.minimum}`;
  if (column.minimum === null) return `at most ${column.maximum}`;
  return `between ${column.minimum} and ${column.maximum}`;
}

/** Column positions and what each must satisfy, laid out for the loops below. */
function compile(columns: readonly Column[]) {
  const indexed = columns.map((column, index) => ({ column, index }));
  const ranged = indexed.filter(({ column: c }) => c.minimum !== null || c.maximum !== null);
  return {
    required: indexed.filter(({ column }) => column.required).map(({ index }) => index),
    ranged: ranged.map(({ index }) => index),
    // An absent bound is the largest finite number, so that infinity fails the same comparison.
    minimum: Float64Array.from(ranged, ({ column }) => column.minimum ?? -Number.MAX_VALUE),
    maximum: Float64Array.from(ranged, ({ column }) => column.maximum ?? Number.MAX_VALUE),
    allowed: indexed.flatMap(({ column, index }) =>
      column.allowed === null ? [] : [{ index, values: new Set(column.allowed) }],
    ),
    patterns: indexed.flatMap(({ column, index }) =>
      column.pattern === null ? [] : [{ index, pattern: new RegExp(column.pattern, 'u') }],
    ),
  };
}

export function createValidate(monitor: Monitor): Validate {
  const { columns, futureSkewMs } = monitor;
  const { required, ranged, minimum, maximum, allowed, patterns } = compile(columns);
  const relations: readonly (readonly [string, EvaluateRelation, string])[] = monitor.relations.map(
    (relation) => [relation.name, compileRelation(relation), relation.expression],
  );

  /** One value failed its range: which rejection comes first in the stated order. */
  function explainRange(cells: ValidatedEvent['cells'], failedIndex: number): Rejection {
    for (const index of ranged) {
      const value = cells[index];
      if (typeof value === 'number' && !Number.isFinite(value)) {
        const column = columns[index]!;
        const expected = `expected a finite number ${rangeText(column)}`;
        return reject('invariant.not-finite', `column ${column.name} is ${value}, ${expected}`);
      }
    }
    const column = columns[failedIndex]!;
    const message = `column ${column.name} is ${cells[failedIndex]}, expected ${rangeText(column)}`;
    return reject('invariant.range', message);
  }

  function explainAllowed(column: Column, value: number | string): Rejection {
    const values = column.allowed!.slice(0, 5).map(quote).join(', ');
    const more = column.allowed!.length > 5 ? ` or ${column.allowed!.length - 5} more` : '';
    const message = `column ${column.name} is ${quote(value)}, expected one of ${values}${more}`;
    return reject('invariant.allowed', message);
  }

  return (event, recordTimestampMs) => {
    const { cells } = event;
    if (futureSkewMs > 0 && event.eventTimeMs > recordTimestampMs + futureSkewMs) {
      const aheadMs = event.eventTimeMs - recordTimestampMs;
      return reject(
        'time.future',
        `event time is ${aheadMs} ms ahead of the record's timestamp, expected at most ${futureSkewMs} ms`,
      );
    }
    for (let i = 0; i < required.length; i++) {
      const index = required[i]!;
      if (cells[index] === null) {
        const message = `column ${columns[index]!.name} is missing, expected a value`;
        return reject('invariant.required', message);
      }
    }
    for (let i = 0; i < ranged.length; i++) {
      const value = cells[ranged[i]!];
      // Negated, so that NaN fails too.
      if (typeof value === 'number' && !(value >= minimum[i]! && value <= maximum[i]!)) {
        return explainRange(cells, ranged[i]!);
      }
    }
    for (let i = 0; i < allowed.length; i++) {
      const { index, values } = allowed[i]!;
      const value = cells[index];
      if (value !== null && value !== undefined && !values.has(String(value))) {
        return explainAllowed(columns[index]!, value);
      }
    }
    for (let i = 0; i < patterns.length; i++) {
      const { index, pattern } = patterns[i]!;
      const value = cells[index];
      if (value === null || value === undefined) continue;
      if (!pattern.test(String(value).slice(0, CATEGORY_LENGTH_MAX))) {
        const expected = `expected a match of /${pattern.source}/`;
        const found = `column ${columns[index]!.name} is ${quote(value)}`;
        return reject('invariant.pattern', `${found}, ${expected}`);
      }
    }
    for (let i = 0; i < relations.length; i++) {
      const [name, holds, expression] = relations[i]!;
      const result = holds(event.root);
      if (result === true) continue;
      const reason = result === false ? 'does not hold' : `cannot be evaluated (${result})`;
      return reject('invariant.relation', `relation ${name} ${reason}: ${expression}`);
    }
    return null;
  };
}
