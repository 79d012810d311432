/** The cardinality estimate: its error over many sets, and that only the set matters. */
import { expect, test } from 'vitest';
import { CARDINALITY_ERROR, HyperLogLog } from '../../../../services/core/sketch/hyper-log-log.ts';

function seenOf(from: number, to: number, prefix = ''): HyperLogLog {
  const seen = new HyperLogLog();
  for (let index = from; index < to; index++) seen.add(`${prefix}${index}`);
  return seen;
}

test('nothing is estimated as nothing', () => {
  expect(new HyperLogLog().estimate()).toBe(0);
});

test.each([10, 100, 1_000, 5_000, 20_000, 100_000])('the error at %d is the stated one', (size) => {
  const trials = size > 20_000 ? 10 : 40;
  const errors = Array.from(
    { length: trials },
    (_, trial) => seenOf(0, size, `${trial}-`).estimate() / size - 1,
  );
  const rootMeanSquare = Math.sqrt(errors.reduce((sum, error) => sum + error ** 2, 0) / trials);
  expect(rootMeanSquare).toBeLessThan(1.5 * CARDINALITY_ERROR);
  const bias = Math.abs(errors.reduce((sum, error) => sum + error, 0) / trials);
  expect(bias).toBeLessThan((3.5 * CARDINALITY_ERROR) / Math.sqrt(trials));
});

test('repetition, order and division do not matter', () => {
  const whole = seenOf(0, 3_000);
  const parts = seenOf(2_000, 3_000);
  parts.join(seenOf(0, 2_500));
  parts.add('17');
  expect(parts.registers).toEqual(whole.registers);
});

test('what was added may be there, and of the rest most cannot', () => {
  const seen = seenOf(0, 500);
  for (let index = 0; index < 500; index++) expect(seen.mayHave(String(index))).toBe(true);
  const wrong = Array.from({ length: 500 }, (_, index) => seen.mayHave(`x${index}`));
  expect(wrong.filter(Boolean).length).toBeLessThan(150);
});
