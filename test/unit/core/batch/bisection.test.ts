/** Finding bad rows: all of them, only them, and at what cost. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Bisection, type Piece } from '../../../../services/core/batch/bisection.ts';

/** Runs pieces until there are none; what happened to each row. */
function search(rowCount: number, bad: ReadonlySet<number>, runsMax: number) {
  const parts = [{ request: 'r', fromRow: 0, toRow: rowCount }];
  const bisection = new Bisection({ parts, rowCount }, runsMax);
  const outcome = new Map<number, string>();
  const settle = (piece: Pick<Piece<string>, 'parts'>, as: string) => {
    for (const { fromRow, toRow } of piece.parts) {
      for (let row = fromRow; row < toRow; row += 1) {
        outcome.set(row, outcome.has(row) ? 'settled twice' : as);
      }
    }
  };
  let runs = 0;
  for (let piece = bisection.next(); piece !== null; piece = bisection.next()) {
    runs += 1;
    const [part] = piece.parts;
    const isBad = [...bad].some((row) => row >= part!.fromRow && row < part!.toRow);
    if (!isBad) {
      bisection.succeeded();
      settle(piece, 'answered');
    } else if (!bisection.failed()) {
      settle(piece, 'bad');
    }
  }
  settle({ parts: bisection.takeUnresolved() }, 'unresolved');
  return { outcome, runs };
}

const batches = fc
  .integer({ min: 2, max: 300 })
  .chain((rowCount) =>
    fc.tuple(
      fc.constant(rowCount),
      fc.uniqueArray(fc.nat(rowCount - 1), { minLength: 1, maxLength: 20 }),
    ),
  );

describe('Bisection', () => {
  it('finds every bad row and no other, with enough runs', () => {
    fc.assert(
      fc.property(batches, ([rowCount, bad]) => {
        const { outcome } = search(rowCount, new Set(bad), 10_000);
        for (let row = 0; row < rowCount; row += 1) {
          expect(outcome.get(row)).toBe(bad.includes(row) ? 'bad' : 'answered');
        }
      }),
    );
  });

  it('within a budget every row has one outcome, and no bad row is answered', () => {
    fc.assert(
      fc.property(batches, fc.nat(40), ([rowCount, bad], runsMax) => {
        const { outcome, runs } = search(rowCount, new Set(bad), runsMax);
        expect(runs).toBeLessThanOrEqual(runsMax);
        expect(outcome.size).toBe(rowCount);
        for (const [row, as] of outcome) {
          expect(['unresolved', bad.includes(row) ? 'bad' : 'answered']).toContain(as);
        }
      }),
    );
  });

  it('one bad row of 2^k costs k + 1 to 2k runs', () => {
    for (const k of [1, 4, 8]) {
      for (let row = 0; row < 2 ** k; row += 1) {
        const { runs } = search(2 ** k, new Set([row]), 10_000);
        expect(runs).toBeGreaterThanOrEqual(k + 1);
        expect(runs).toBeLessThanOrEqual(2 * k);
      }
    }
  });

  it('five bad rows of 256 are found within 64 runs', () => {
    const five = fc.uniqueArray(fc.nat(255), { minLength: 5, maxLength: 5 });
    fc.assert(
      fc.property(five, (bad) => {
        const { outcome } = search(256, new Set(bad), 64);
        const unresolved = [...outcome.values()].filter((as) => as === 'unresolved');
        expect(unresolved.length).toBeLessThanOrEqual(8);
      }),
    );
  });
});
