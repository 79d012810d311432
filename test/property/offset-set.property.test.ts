/** The laws of the set of redriven offsets and its bytes, against a plain set of numbers. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { OFFSET_BLOCK_BYTES, OffsetSet } from '../../services/redrive/offset-set.ts';
import { encodeBlock, restoreRedriven } from '../../services/redrive/state.ts';

const BLOCK = OFFSET_BLOCK_BYTES * 8;
/** Many near each other and around the ends of blocks, some as far away as an offset can be. */
const offset = fc.oneof(
  fc.nat(300),
  fc.integer({ min: BLOCK - 9, max: BLOCK + 9 }),
  fc.integer({ min: 5 * BLOCK - 9, max: 5 * BLOCK + 9 }),
  fc.maxSafeNat(),
);
const offsets = fc.array(offset, { maxLength: 200 });

function setOf(values: readonly number[]): OffsetSet {
  const set = new OffsetSet();
  for (const value of values) set.add(value);
  return set;
}

describe('a set of offsets', () => {
  it('holds what was added and nothing else', () => {
    fc.assert(
      fc.property(offsets, offsets, (added, asked) => {
        const set = new OffsetSet();
        const known = new Set<number>();
        for (const value of added) {
          expect(set.add(value)).toBe(!known.has(value));
          known.add(value);
        }
        for (const value of [...added, ...asked]) expect(set.has(value)).toBe(known.has(value));
      }),
    );
  });

  it('is the same again from its entries, written all at once or change by change', () => {
    fc.assert(
      fc.property(fc.array(offsets, { maxLength: 6 }), offsets, (commits, asked) => {
        const set = new OffsetSet();
        const stored = new Map<string, Uint8Array>();
        for (const commit of commits) {
          for (const value of commit) set.add(value);
          for (const block of set.takeChanged()) stored.set(...encodeBlock(block));
        }
        const restored = restoreRedriven(stored);
        for (const value of [...commits.flat(), ...asked]) {
          expect(restored.has(value)).toBe(set.has(value));
        }
        const whole = new Map([...setOf(commits.flat()).takeChanged()].map(encodeBlock));
        expect(new Map([...stored].sort())).toEqual(new Map([...whole].sort()));
        expect(restored.takeChanged().size).toBe(0);
        for (const bytes of stored.values()) {
          expect(bytes.length).toBeLessThanOrEqual(OFFSET_BLOCK_BYTES + 1);
        }
      }),
    );
  });

  it('writes a block only when an offset of it is new', () => {
    const set = setOf([1, 2, BLOCK]);
    expect([...set.takeChanged().keys()]).toEqual([0, 1]);
    set.add(2);
    expect(set.takeChanged().size).toBe(0);
    set.add(3);
    expect([...set.takeChanged().keys()]).toEqual([0]);
  });

  it('forgets whole blocks before an offset and keeps everything from it on', () => {
    fc.assert(
      fc.property(offsets, offset, (added, before) => {
        const set = setOf(added);
        const forgotten = set.forgetBefore(before);
        for (const value of added) {
          if (value >= before) expect(set.has(value)).toBe(true);
          expect(set.has(value)).toBe(!forgotten.includes(Math.floor(value / BLOCK)));
        }
      }),
    );
  });

  it.each([
    ['redriven:1', Uint8Array.of()],
    ['redriven:1', Uint8Array.of(2, 1)],
    ['redriven:1', new Uint8Array(OFFSET_BLOCK_BYTES + 2).fill(1)],
    ['redriven:one', Uint8Array.of(1, 1)],
    ['head', Uint8Array.of(1, 1)],
  ])('refuses an entry %s that is none of ours', (key, bytes) => {
    expect(() => restoreRedriven(new Map([[key, bytes]]))).toThrow('is no block of redriven');
  });
});
