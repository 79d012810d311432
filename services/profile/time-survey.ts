/** The event-time column: its unit, its span, and how far out of order it runs. */
import { readEventTime } from '../core/codec/event-time.ts';
import { CodedError } from '../core/errors.ts';
import { isMissingText, parseNumberText } from '../core/monitor/cell-text.ts';
import type { EventTimeUnit } from '../core/monitor/monitor.ts';
import { msPer, numericUnitOf } from './instant.ts';

export interface TimeSummary {
  readonly unit: EventTimeUnit;
  /** Every numeric time is a whole number. */
  readonly whole: boolean;
  readonly startMs: number;
  readonly endMs: number;
  /** The furthest that a row lies behind the latest one before it. */
  readonly disorderMs: number;
  /** Cells without a time: such events are quarantined. */
  readonly missingCount: number;
}

/** Of the cells with something in them, as many must be times. */
const SHARE_READABLE_MIN = 0.99;

export class TimeSurvey {
  readonly #column: string;
  #textCount = 0;
  #numberCount = 0;
  #missingCount = 0;
  #unreadableCount = 0;
  #unreadable: unknown = null;
  #whole = true;
  #minimum = Number.POSITIVE_INFINITY;
  #maximum = Number.NEGATIVE_INFINITY;
  #disorder = 0;

  constructor(column: string) {
    this.#column = column;
  }

  /** No row so far lies behind one before it. */
  get isInOrder(): boolean {
    return this.#disorder === 0;
  }

  add(cell: unknown): void {
    if (cell === null || cell === undefined || (typeof cell === 'string' && isMissingText(cell))) {
      this.#missingCount += 1;
      return;
    }
    const number = typeof cell === 'string' ? parseNumberText(cell) : Number(cell);
    const instant = number === null ? parseInstantMs(cell) : number;
    if (instant === null || !Number.isFinite(instant)) {
      this.#unreadable ??= cell;
      this.#unreadableCount += 1;
      return;
    }
    if (number === null) this.#textCount += 1;
    else this.#numberCount += 1;
    this.#whole &&= Number.isInteger(instant);
    this.#minimum = Math.min(this.#minimum, instant);
    this.#maximum = Math.max(this.#maximum, instant);
    this.#disorder = Math.max(this.#disorder, this.#maximum - instant);
  }

  /** Throws `configuration.invalid` where the column holds no times. */
  summary(): TimeSummary {
    const readable = this.#textCount + this.#numberCount;
    const filled = readable + this.#unreadableCount;
    if (readable === 0 || readable < SHARE_READABLE_MIN * filled) {
      const found = filled === 0 ? 'it is empty' : `found ${JSON.stringify(this.#unreadable)}`;
      this.#fail(`is not an event time: ${found}`);
    }
    if (this.#textCount > 0 && this.#numberCount > 0) this.#fail('mixes text times and numbers');
    const unit = this.#textCount > 0 ? null : numericUnitOf(this.#maximum);
    const scale = unit === null ? 1 : msPer(unit);
    return {
      unit: unit ?? 'iso8601',
      whole: this.#whole,
      startMs: this.#minimum * scale,
      endMs: this.#maximum * scale,
      disorderMs: this.#disorder * scale,
      missingCount: this.#missingCount + this.#unreadableCount,
    };
  }

  #fail(reason: string): never {
    const expected =
      'expected ISO 8601 text with date and time such as 2020-10-01T00:00:00Z or 2020-10-01 00:00:00, or a number of seconds, milliseconds or microseconds since 1970';
    const message = `event-time column ${JSON.stringify(this.#column)} ${reason}; ${expected}`;
    throw new CodedError('configuration.invalid', message);
  }
}

/** As the validator reads it, so that what is accepted here is not quarantined there. */
function parseInstantMs(cell: unknown): number | null {
  try {
    return readEventTime(cell, 'iso8601');
  } catch {
    return null;
  }
}
