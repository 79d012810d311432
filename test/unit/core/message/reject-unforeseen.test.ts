/** What becomes of an exception about one record: an answer, unless it was thrown on purpose. */
import { describe, expect, it } from 'vitest';
import { CodedError } from '../../../../services/core/errors.ts';
import { REJECTION_MESSAGE_LENGTH_MAX } from '../../../../services/core/limits.ts';
import { rejectUnforeseen } from '../../../../services/core/message/reject-unforeseen.ts';

describe('an unforeseen failure', () => {
  it.each([
    [
      new RangeError('Maximum call stack size exceeded'),
      'RangeError: Maximum call stack size exceeded',
    ],
    [new TypeError('x is not\u0000a\r\nfunction\u001b[31m'), 'TypeError: x is not a function [31m'],
    ['text', 'something thrown that is no error, but string'],
    [null, 'something thrown that is no error, but object'],
    [Object.create(null), 'something thrown that is no error, but object'],
  ])('%s is internal.failure with its type and text', (error, message) => {
    expect(rejectUnforeseen(error)).toEqual({ code: 'internal.failure', message });
  });

  it('has a message within the limit', () => {
    const { message } = rejectUnforeseen(new RangeError('x'.repeat(100_000)));
    expect(message).toHaveLength(REJECTION_MESSAGE_LENGTH_MAX);
    expect(message.startsWith('RangeError: xxx')).toBe(true);
  });
});

describe('a coded error', () => {
  it('about the record keeps its code', () => {
    const error = new CodedError('schema.type', 'level is text');
    expect(rejectUnforeseen(error)).toEqual({ code: 'schema.type', message: 'level is text' });
  });

  it.each(['configuration.invalid', 'state.corrupt', 'dependency.bus', 'state.lost'] as const)(
    '%s is about the service and thrown on',
    (code) => {
      const error = new CodedError(code, 'not this record');
      expect(() => rejectUnforeseen(error)).toThrow(error);
    },
  );
});
