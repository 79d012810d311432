/**
 * The one thing a reader of untrusted bytes throws, and only as far as the reader's own `read`.
 *
 * It is not an `Error`: no stack is captured (a flood of bad records stays cheap), and a rejection is
 * an answer about the input, not a fault of the program.
 */
import type { ErrorCode, Rejection } from '../errors.ts';
import { REJECTION_MESSAGE_LENGTH_MAX } from '../limits.ts';

export class ReadFailure {
  readonly code: ErrorCode;
  readonly message: string;

  constructor(code: ErrorCode, message: string) {
    this.code = code;
    this.message = message;
  }
}

export function reject(code: ErrorCode, message: string): Rejection {
  if (message.length <= REJECTION_MESSAGE_LENGTH_MAX) return { code, message };
  return { code, message: `${message.slice(0, REJECTION_MESSAGE_LENGTH_MAX - 1)}…` };
}

const QUOTED_LENGTH_MAX = 60;

/** A value for a message: what it is and, where short enough, its content. */
export function describeValue(value: unknown): string {
  if (value === null || value === undefined) return 'null';
  if (Array.isArray(value)) return `an array of ${value.length}`;
  if (value instanceof Uint8Array) return `${value.length} bytes`;
  if (typeof value === 'object') return 'an object';
  if (typeof value !== 'string') return `${typeof value} ${String(value)}`;
  return value.length <= QUOTED_LENGTH_MAX
    ? `string ${JSON.stringify(value)}`
    : `string ${JSON.stringify(value.slice(0, QUOTED_LENGTH_MAX))}… of ${value.length} characters`;
}
