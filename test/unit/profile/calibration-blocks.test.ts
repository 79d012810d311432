/** Blocks of a column: equally long, in order, bounded in number and in bytes, and nothing counted twice. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BLOCKS_MAX, CalibrationBlocks } from '../../../services/profile/calibration-blocks.ts';

/** Column 0 holds the row's number, column 1 appears at row `lateAt`. */
function filled(rowCount: number, options: { bytesMax?: number; lateAt?: number } = {}) {
  const { bytesMax, lateAt = 0 } = options;
  const blocks = new CalibrationBlocks(bytesMax);
  const sides = { numeric: true, categorical: true };
  blocks.addColumn(0, sides);
  for (let row = 0; row < rowCount; ) {
    if (lateAt === row) blocks.addColumn(1, sides);
    const until = row < lateAt ? lateAt : rowCount;
    const count = Math.min(blocks.roomRows, until - row, 100);
    const rows = Array.from({ length: count }, (_, offset) => row + offset);
    const numbers = Float64Array.from(rows);
    const texts = rows.map((each) => `text ${each % 300}`);
    blocks.add(0, numbers, texts, count);
    blocks.add(1, numbers, texts, count);
    blocks.advance(count);
    row += count;
  }
  return blocks;
}

describe('calibration blocks', () => {
  it('are consecutive stretches of one length, 64 to 128 of a long table', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 20_000 }), (rowCount) => {
        const blocks = filled(rowCount);
        const numeric = blocks.blocksOf(0, 'numeric');
        expect(numeric.length).toBe(Math.floor(rowCount / blocks.blockRows));
        expect(numeric.length).toBeLessThan(BLOCKS_MAX);
        if (rowCount >= 1_024) expect(numeric.length).toBeGreaterThanOrEqual(BLOCKS_MAX / 2);
        for (const [position, block] of numeric.entries()) {
          if (block.kind !== 'numeric') throw new Error('not numeric');
          const first = position * blocks.blockRows;
          expect(block.count).toBe(blocks.blockRows);
          expect(block.minimum).toBe(first);
          expect(block.maximum).toBe(first + blocks.blockRows - 1);
          expect(block.mean).toBeCloseTo((block.minimum + block.maximum) / 2, 6);
        }
        const texts = blocks.blocksOf(0, 'categorical');
        expect(texts.map(({ count }) => count)).toEqual(numeric.map(({ count }) => count));
      }),
      { numRuns: 30 },
    );
  });

  it('of a column that appears later are missing before it', () => {
    const blocks = filled(5_000, { lateAt: 1_000 });
    const [early, late] = [blocks.blocksOf(0, 'numeric'), blocks.blocksOf(1, 'numeric')];
    expect(late).toHaveLength(early.length);
    for (const block of late) expect(block.count + block.missingCount).toBe(blocks.blockRows);
    const missing = late.reduce((sum, block) => sum + block.missingCount, 0);
    expect(missing).toBe(1_000);
  });

  it('become fewer where they are too heavy, never fewer than tell anything', () => {
    const [light, heavy] = [filled(20_000), filled(20_000, { bytesMax: 1_000 })];
    const counts = [light, heavy].map((blocks) => blocks.blocksOf(0, 'numeric').length);
    expect(counts[1]).toBeLessThan(counts[0]!);
    expect(counts[1]).toBeGreaterThanOrEqual(16);
  });

  it('of a side that was dropped are gone, and the other side goes on', () => {
    const blocks = filled(2_000);
    blocks.drop(0, 'categorical');
    blocks.add(0, new Float64Array(16), new Array(16).fill(null), 16);
    blocks.advance(16);
    expect(blocks.blocksOf(0, 'categorical')).toEqual([]);
    expect(blocks.blocksOf(0, 'numeric').length).toBeGreaterThan(60);
    expect(blocks.blocksOf(7, 'numeric')).toEqual([]);
  });
});
