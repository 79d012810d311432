/** Which regular expressions are refused, and that the accepted ones are quick on hostile values. */
import { describe, expect, test } from 'vitest';
import { CATEGORY_LENGTH_MAX } from '../../../../services/core/limits.ts';
import { patternMistake } from '../../../../services/platform/config/pattern.ts';

const GOOD = [
  '^[a-z]+$',
  'foo|bar',
  '^(salaried|self-employed|none)$',
  '^[^\\s@]+@[^\\s@]+\\.[^\\s@]+$',
  '^\\d{4}-\\d{2}-\\d{2}$',
  '^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$',
  '^(\\d{1,3}\\.){3}\\d{1,3}$',
  '^\\d+(\\.\\d+)?$',
  '^\\p{Lu}[\\p{L} ]*$',
  '[(|)*+]',
  '\\(\\*\\)',
  '^(?:a|b)c?$',
  '^(?=.*x)y*$',
  '^\\u{1F600}?$',
  '.*a.*',
];

const RUNAWAY = [
  '(a+)+$',
  '^(a*)*$',
  '^(a|a)*$',
  '^(a|ab)+$',
  '^(a?){40}$',
  '^((a{1,9}){1,9}){1,9}$',
  '^(.*,)*x$',
  'a*a*a*b',
  '^a*a*a*a*b',
  '^(?<n>a+)+$',
  '^\\w+\\s*\\w+\\s*\\w+!$',
];

describe('patternMistake', () => {
  test.each(GOOD)('accepts %s', (pattern) => {
    expect(patternMistake(pattern)).toBeNull();
  });

  test.each(RUNAWAY)('refuses %s as one that could run away', (pattern) => {
    expect(patternMistake(pattern)).toContain('could take very long');
  });

  test.each([
    ['(', 'not a valid regular expression: Unterminated group'],
    ['a**', 'not a valid regular expression'],
    ['\\-', 'not a valid regular expression: Invalid escape'],
    ['^(a)\\1$', 'back reference'],
    ['(?<=a)b', 'lookbehind'],
    ['(?<!a)b', 'lookbehind'],
  ])('refuses %s', (pattern, reason) => {
    expect(patternMistake(pattern)).toContain(reason);
  });

  test('no accepted pattern takes long on values made to be slow', () => {
    const hostile = ['a', '1', 'x', ' ', '@.', 'A1 ', '1.'].map(
      (piece) => `${piece.repeat(CATEGORY_LENGTH_MAX).slice(0, CATEGORY_LENGTH_MAX - 1)}\u0000`,
    );
    const start = performance.now();
    for (const pattern of [...GOOD, '^a*a*a*$', 'a*a*$', '.*.*!']) {
      const compiled = new RegExp(pattern, 'u');
      for (const value of hostile) compiled.test(value);
    }
    // A runaway pattern would take longer than the test may.
    expect(performance.now() - start).toBeLessThan(3_000);
  });
});
