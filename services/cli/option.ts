/** Parsers of option values; each names what was found and what was expected. */
import { InvalidArgumentError } from 'commander';
import { CodedError } from '../core/errors.ts';
import { parseDuration } from '../platform/config/duration.ts';
import type { RowRange } from '../platform/dataset/dataset.ts';
import { parseRowRange } from '../platform/dataset/row-range.ts';
import type { RangeEdge } from '../replay/topic-source.ts';

export function parseCount(text: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(value)) {
    throw new InvalidArgumentError(`"${text}" is not a whole number`);
  }
  return value;
}

export function parseRows(text: string): RowRange {
  return orInvalid(() => parseRowRange(text));
}

/** May be given several times. */
export function collectDuration(
  text: string,
  earlier: readonly number[] | undefined,
): readonly number[] {
  const durationMs = parseDuration(text);
  if (durationMs === null) {
    throw new InvalidArgumentError(`"${text}" is not a duration such as 500ms, 30s, 15m, 2h or 1d`);
  }
  return [...(earlier ?? []), durationMs];
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
