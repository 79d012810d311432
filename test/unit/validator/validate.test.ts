/** The validator's decision, check by check and in its stated order. */
import { describe, expect, test } from 'vitest';
import { REJECTION_MESSAGE_LENGTH_MAX } from '../../../services/core/limits.ts';
import type { Column, Monitor } from '../../../services/core/monitor/monitor.ts';
import { createValidate } from '../../../services/validator/validate.ts';

function column(name: string, rules: Partial<Column> = {}): Column {
  return {
    name,
    path: [name],
    type: 'numeric',
    role: 'feature',
    required: false,
    minimum: null,
    maximum: null,
    allowed: null,
    pattern: null,
    drift: null,
    ...rules,
  };
}

function validator(columns: Column[], rules: Partial<Monitor> = {}) {
  const monitor = { columns, relations: [], futureSkewMs: 0, ...rules } as unknown as Monitor;
  const validate = createValidate(monitor);
  return (cells: (number | string | null)[], eventTimeMs = 0, recordTimestampMs = 0) => {
    const root = Object.fromEntries(columns.map(({ name }, i) => [name, cells[i]]));
    return validate({ id: 'e', eventTimeMs, cells, root }, recordTimestampMs);
  };
}

const AGE = column('age', { minimum: 18, maximum: 110 });

describe('a numeric column', () => {
  test.each([18, 18.5, 110, null])('with a range takes %s', (value) => {
    expect(validator([AGE])([value])).toBeNull();
  });

  test.each([17.999, 110.0001, -1e308])('with a range refuses %s', (value) => {
    expect(validator([AGE])([value])).toEqual({
      code: 'invariant.range',
      message: `column age is ${value}, expected between 18 and 110`,
    });
  });

  test.each([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])(
    'with any bound refuses %s as not finite, without one takes it',
    (value) => {
      for (const bound of [AGE, column('age', { minimum: 0 }), column('age', { maximum: 0 })]) {
        expect(validator([bound])([value])?.code).toBe('invariant.not-finite');
      }
      expect(validator([column('age')])([value])).toBeNull();
    },
  );

  test('with one bound takes everything finite on its other side', () => {
    const least = validator([column('x', { minimum: 0 })]);
    expect(least([Number.MAX_VALUE])).toBeNull();
    expect(least([-1])?.message).toBe('column x is -1, expected at least 0');
    const greatest = validator([column('x', { maximum: 0 })]);
    expect(greatest([-Number.MAX_VALUE])).toBeNull();
    expect(greatest([1])?.message).toBe('column x is 1, expected at most 0');
  });
});

describe('a categorical column', () => {
  const allowed = column('job', { type: 'categorical', allowed: ['a', 'b', 'c', 'd', 'e', 'f'] });
  const pattern = column('code', { type: 'categorical', pattern: '^[a-z]{2}$' });

  test('takes allowed values and nothing else', () => {
    const validate = validator([allowed]);
    expect(validate(['f'])).toBeNull();
    expect(validate([null])).toBeNull();
    expect(validate(['z'])).toEqual({
      code: 'invariant.allowed',
      message: 'column job is "z", expected one of "a", "b", "c", "d", "e" or 1 more',
    });
    expect(validate(['toString'])?.code).toBe('invariant.allowed');
    expect(validate([''])?.code).toBe('invariant.allowed');
  });

  test('takes what matches its pattern and nothing else', () => {
    const validate = validator([pattern]);
    expect(validate(['ab'])).toBeNull();
    expect(validate([null])).toBeNull();
    expect(validate(['abc'])).toEqual({
      code: 'invariant.pattern',
      message: 'column code is "abc", expected a match of /^[a-z]{2}$/',
    });
  });

  test('is matched on its first 256 characters', () => {
    const validate = validator([column('c', { type: 'categorical', pattern: '^a+$' })]);
    expect(validate([`${'a'.repeat(256)}!`])).toBeNull();
    expect(validate([`${'a'.repeat(255)}!`])?.code).toBe('invariant.pattern');
  });
});

test('a required column may not be missing', () => {
  const validate = validator([column('a'), column('b', { required: true })]);
  expect(validate([null, 0])).toBeNull();
  expect(validate([1, null])).toEqual({
    code: 'invariant.required',
    message: 'column b is missing, expected a value',
  });
});

describe('an event time ahead of its record', () => {
  const skewed = validator([], { futureSkewMs: 1_000 });

  test('is taken up to the skew and refused beyond', () => {
    expect(skewed([], 11_000, 10_000)).toBeNull();
    expect(skewed([], 11_001, 10_000)?.code).toBe('time.future');
    expect(skewed([], 0, 10_000)).toBeNull();
  });

  test('is not looked at where the skew is 0', () => {
    expect(validator([], { futureSkewMs: 0 })([], 4e12, 0)).toBeNull();
  });
});

describe('a relation', () => {
  const relations = [{ name: 'order', expression: 'event.a <= event.b' }];
  const validate = validator([column('a'), column('b')], { relations });

  test('that does not hold is named with its expression', () => {
    expect(validate([1, 2])).toBeNull();
    expect(validate([3, 2])).toEqual({
      code: 'invariant.relation',
      message: 'relation order does not hold: event.a <= event.b',
    });
  });

  test('is not violated by a missing value, and is by one it cannot use', () => {
    expect(validate([null, 2])).toBeNull();
    expect(validate(['x', 2])?.message).toContain('relation order cannot be evaluated');
  });

  test('that does not compile refuses the monitor', () => {
    expect(() => validator([], { relations: [{ name: 'r', expression: 'x' }] })).toThrow(
      'relation r',
    );
  });
});

test('the checks come in their stated order', () => {
  const validate = validator(
    [
      column('code', { type: 'categorical', pattern: '^x$' }),
      column('job', { type: 'categorical', allowed: ['a'] }),
      column('out', { minimum: 0 }),
      column('nan', { minimum: 0 }),
      column('must', { required: true }),
    ],
    { futureSkewMs: 1, relations: [{ name: 'r', expression: 'event.out > 99' }] },
  );
  const event: [(number | string | null)[], number] = [['?', '?', -1, Number.NaN, null], 5];
  const repairs: [string, () => void][] = [
    [
      'time.future',
      () => {
        event[1] = 0;
      },
    ],
    [
      'invariant.required',
      () => {
        event[0][4] = 1;
      },
    ],
    [
      'invariant.not-finite',
      () => {
        event[0][3] = 1;
      },
    ],
    [
      'invariant.range',
      () => {
        event[0][2] = 1;
      },
    ],
    [
      'invariant.allowed',
      () => {
        event[0][1] = 'a';
      },
    ],
    [
      'invariant.pattern',
      () => {
        event[0][0] = 'x';
      },
    ],
    [
      'invariant.relation',
      () => {
        event[0][2] = 100;
      },
    ],
  ];
  for (const [code, repair] of repairs) {
    expect(validate(...event)?.code).toBe(code);
    repair();
  }
  expect(validate(...event)).toBeNull();
});

test('a message is bounded however long the value and the rule are', () => {
  const long = 'x'.repeat(100_000);
  const allowed = Array.from({ length: 9 }, (_, i) => `${i}${'y'.repeat(1_000)}`);
  const columns = [column('c', { type: 'categorical', allowed })];
  const message = validator(columns)([long])?.message ?? '';
  expect(message.length).toBeLessThanOrEqual(REJECTION_MESSAGE_LENGTH_MAX);
  expect(message).toContain('(100000 characters)');
});
