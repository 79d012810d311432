/** Parsers of option values; each names what was found and what was expected. */
import { InvalidArgumentError } from 'commander';
import { CodedError } from '../core/errors.ts';
import { isFieldName } from '../core/monitor/field-name.ts';
import { WINDOW_LENGTH_MS_MIN } from '../core/monitor/windows.ts';
import { SET_COLUMNS_MAX, SET_COLUMNS_MIN } from '../core/sketch/set-specification.ts';
import type { WindowPlan } from '../core/window/window-plan.ts';
import { parseDuration } from '../platform/config/duration.ts';
import type { RowRange } from '../platform/dataset/dataset.ts';
import { parseRowRange } from '../platform/dataset/row-range.ts';
import type { NamedSet } from '../profile/named-sets.ts';
import type { RangeEdge } from '../replay/topic-source.ts';

export function parseCount(text: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(value)) {
    throw new InvalidArgumentError(`"${text}" is not a whole number`);
  }
  return value;
}

/** A number above 0, whole or not. */
export function parsePositive(text: string): number {
  const value = Number(text);
  if (!/^\d+(\.\d+)?$/.test(text) || !(value > 0) || !Number.isFinite(value)) {
    throw new InvalidArgumentError(`"${text}" is not a number above 0`);
  }
  return value;
}

/** The name of a run: part of topic names. */
export function parseRunName(text: string): string {
  if (/^[a-zA-Z0-9_-]{1,64}$/.test(text)) return text;
  throw new InvalidArgumentError(
    `"${text}" is not 1 to 64 letters, digits, hyphens or underscores`,
  );
}

export function parseRows(text: string): RowRange {
  return orInvalid(() => parseRowRange(text));
}

/** `1h` tumbling, `1h/5m` length and slide; may be given several times. */
export function collectWindow(
  text: string,
  earlier: readonly WindowPlan[] | undefined,
): readonly WindowPlan[] {
  const [lengthMs, slideMs = lengthMs, ...rest] = text.split('/').map(parseDuration);
  if (typeof lengthMs !== 'number' || typeof slideMs !== 'number' || rest.length > 0) {
    throw new InvalidArgumentError(
      `"${text}" is not a window such as 15m, or 1h/5m for one of 1h that slides by 5m`,
    );
  }
  return [...(earlier ?? []), { lengthMs, slideMs }];
}

/** `inputs=age,income`: a name and columns; may be given several times. */
export function collectSet(
  text: string,
  earlier: readonly NamedSet[] | undefined,
): readonly NamedSet[] {
  const [name = '', list = '', ...rest] = text.split('=');
  const columns = list.split(',').map((column) => column.trim());
  const isEnough = columns.length >= SET_COLUMNS_MIN && columns.length <= SET_COLUMNS_MAX;
  if (!isFieldName(name) || !isEnough || columns.includes('') || rest.length > 0) {
    throw new InvalidArgumentError(
      `"${text}" is not a name and ${SET_COLUMNS_MIN} to ${SET_COLUMNS_MAX} columns such as inputs=age,income`,
    );
  }
  if (new Set(columns).size < columns.length) {
    throw new InvalidArgumentError(`"${text}" names a column twice`);
  }
  const sets = earlier ?? [];
  if (sets.some((set) => set.name === name)) {
    throw new InvalidArgumentError(`the set ${name} is given twice`);
  }
  return [...sets, { name, columns }];
}

/** A duration with the text it is written as. */
export function parseWindowLength(text: string): { readonly text: string; readonly ms: number } {
  const ms = parseDuration(text);
  if (ms === null || ms < WINDOW_LENGTH_MS_MIN) {
    throw new InvalidArgumentError(`"${text}" is not a window length such as 15m, 1h or 1d`);
  }
  return { text, ms };
}

export function collectText(
  text: string,
  earlier: readonly string[] | undefined,
): readonly string[] {
  return [...(earlier ?? []), text];
}

export interface Listen {
  readonly host: string;
  readonly port: number;
}

export function parseListen(text: string): Listen {
  const match = /^(?:\[([0-9a-fA-F:]+)\]|([^:]+)):(\d{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  if (match === null || port > 65_535) throw new InvalidArgumentError(`"${text}" is not HOST:PORT`);
  return { host: (match[1] ?? match[2])!, port };
}

/** `earliest`, `next`, an offset, or an ISO 8601 instant. */
export function parseRangeEdge(text: string): RangeEdge {
  if (text === 'earliest' || text === 'next') return text;
  if (/^\d+$/.test(text)) return { offset: parseCount(text) };
  const timestampMs = Date.parse(text);
  if (Number.isNaN(timestampMs)) {
    throw new InvalidArgumentError(
      `"${text}" is neither earliest, next, an offset nor an ISO 8601 instant`,
    );
  }
  return { timestampMs };
}

function orInvalid<T>(parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    if (error instanceof CodedError) throw new InvalidArgumentError(error.message);
    throw error;
  }
}
