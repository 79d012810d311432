/** Which ids a version gets: the share asked for, for ids of every kind, and the same ids for ever. */
import { describe, expect, it } from 'vitest';
import { createChooser } from '../../../../services/core/rollout/choose-version.ts';
import type { RolloutPlan } from '../../../../services/core/rollout/rollout-plan.ts';
import { createSalt, draw, murmur3 } from '../../../../services/core/rollout/stable-draw.ts';

const ID_COUNT = 100_000;
const PLAN: RolloutPlan = { primary: '3', canary: null, ab: [], shadow: null };

/** UUIDs of a seed: a test that fails once in a while says nothing. */
function uuid(index: number): string {
  const part = (seed: number) =>
    murmur3(Buffer.from(`${index}`), `${index}`.length, seed)
      .toString(16)
      .padStart(8, '0');
  const hex = part(1) + part(2) + part(3) + part(4);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20)}`;
}

const IDS: Readonly<Record<string, (index: number) => string>> = {
  'sequential numbers': (index) => `${index}`,
  'numbers of nine digits': (index) => `${100_000_000 + index}`,
  UUIDs: uuid,
  'a common prefix': (index) => `customer/production/eu-central-1/${index.toString(36)}`,
  'a common suffix': (index) => `${index}@example.com`,
  'every hundredth number': (index) => `${index * 100}`,
  'texts beyond ASCII': (index) => `Kündigung-値-${index}`,
};

function countChosen(plan: RolloutPlan, idOf: (index: number) => string): Map<string, number> {
  const choose = createChooser(plan);
  const counts = new Map<string, number>();
  for (let index = 0; index < ID_COUNT; index += 1) {
    const { version } = choose(idOf(index));
    counts.set(version, (counts.get(version) ?? 0) + 1);
  }
  return counts;
}

describe('shares', () => {
  it.each(Object.entries(IDS))('a canary of a tenth gets a tenth ± 0.005: %s', (_, idOf) => {
    for (const version of ['4', '4.1.0', 'release-2026-11']) {
      const counts = countChosen({ ...PLAN, canary: { version, share: 0.1 } }, idOf);
      const share = counts.get(version)! / ID_COUNT;
      expect(share).toBeGreaterThan(0.095);
      expect(share).toBeLessThan(0.105);
    }
  });

  it('canary and arms get their shares of all events, down to the last one', () => {
    const canary = { version: '4', share: 0.2 };
    const ab = [
      { version: '5', share: 0.3 },
      { version: '6', share: 0.5 },
    ];
    for (const idOf of Object.values(IDS)) {
      const counts = countChosen({ ...PLAN, canary, ab }, idOf);
      expect(counts.get('3')).toBeUndefined();
      for (const { version, share } of [canary, ...ab]) {
        expect(Math.abs(counts.get(version)! / ID_COUNT - share)).toBeLessThan(0.01);
      }
    }
  });

  it('draws are uniform: a chi-square over 1 000 cells', () => {
    const salt = createSalt('4');
    for (const idOf of Object.values(IDS)) {
      const cells = new Float64Array(1_000);
      for (let index = 0; index < ID_COUNT; index += 1) {
        cells[Math.floor(draw(idOf(index), salt) * 1_000)]! += 1;
      }
      const expected = ID_COUNT / 1_000;
      const statistic = cells.reduce((sum, n) => sum + (n - expected) ** 2 / expected, 0);
      // 999 degrees of freedom: 1 145 is the upper 0.1 %.
      expect(statistic).toBeLessThan(1_145);
    }
  });

  it('two canaries draw independently: each gets its share of the ids of the other', () => {
    for (const [first, second] of [
      ['4', '5'],
      ['1.0.0', '1.0.1'],
      ['a', 'aa'],
    ] as const) {
      const [one, other] = [createSalt(first), createSalt(second)];
      for (const idOf of Object.values(IDS)) {
        let both = 0;
        for (let index = 0; index < ID_COUNT; index += 1) {
          const id = idOf(index);
          if (draw(id, one) < 0.1 && draw(id, other) < 0.1) both += 1;
        }
        // 1 000 expected, standard deviation 31.5.
        expect(Math.abs(both - 1_000)).toBeLessThan(130);
      }
    }
  });
});

describe('the same for ever', () => {
  // What these ids drew when they were first drawn. A change sends live events to other versions.
  const GOLDEN: Readonly<Record<string, string>> = {
    '0': '4',
    '1': '3',
    '2': '5',
    '3': '4',
    '17': '5',
    '4711': '4',
    e0: '4',
    e1: '5',
    'app-000001': '4',
    'app-000002': '4',
    'customer/production/eu-central-1/9ix': '5',
    '3f2b8c1e-6a5d-4e0f-9b7c-1d2e3f4a5b6c': '3',
    '00000000-0000-4000-a000-000000000000': '3',
    x: '5',
    '': '4',
    'Kündigung-値-7': '5',
    '🙂': '5',
    ['a'.repeat(512)]: '4',
  };

  it('MurmurHash3 is MurmurHash3', () => {
    const hash = (text: string, seed: number) => {
      const bytes = Buffer.from(text);
      return murmur3(bytes, bytes.length, seed);
    };
    // The vectors that its implementations share.
    expect(hash('', 0)).toBe(0);
    expect(hash('', 1)).toBe(0x514e28b7);
    expect(hash('', 0xffffffff)).toBe(0x81f16f39);
    expect(hash('test', 0)).toBe(0xba6bd213);
    expect(hash('Hello, world!', 0)).toBe(0xc0363e43);
    expect(hash('The quick brown fox jumps over the lazy dog', 0x9747b28c)).toBe(0x2fa826cd);
    expect(hash('aaaa', 0x9747b28c)).toBe(0x5a97808a);
    expect(hash('aaa', 0x9747b28c)).toBe(0x283e0130);
    expect(hash('aa', 0x9747b28c)).toBe(0x5d211726);
    expect(hash('a', 0x9747b28c)).toBe(0x7fa09ea6);
    expect(hash('ππππππππ', 0x9747b28c)).toBe(0xd58063c1);
  });

  it('ids keep the versions they had', () => {
    const choose = createChooser({
      ...PLAN,
      canary: { version: '4', share: 0.3 },
      ab: [{ version: '5', share: 0.3 }],
    });
    const chosen = Object.keys(GOLDEN).map((id) => [id, choose(id).version]);
    expect(Object.fromEntries(chosen)).toEqual(GOLDEN);
  });

  it('a draw is the same number, to its last bit', () => {
    const salt = createSalt('4');
    expect(draw('e0', salt)).toBe(0.06520201268102688);
    expect(draw('app-000001', salt)).toBe(0.16035064073553684);
    // The low bits have a hash of their own: those of equal high bits are not equal.
    expect(salt.low).not.toBe(salt.high);
  });

  it('a draw depends on the id and the salt alone, whatever was drawn before', () => {
    const ids = Array.from({ length: 200 }, (_, index) =>
      `${uuid(index)}é`.repeat(1 + (index % 40)),
    );
    const salt = createSalt('4');
    const first = ids.map((id) => draw(id, salt));
    expect(ids.toReversed().map((id) => draw(id, createSalt('4')))).toEqual(first.toReversed());
  });

  it('takes an id as its UTF-8 bytes, an unpaired surrogate as U+FFFD', () => {
    const salt = createSalt('4');
    for (const id of ['é', '値', '🙂', 'a\ud800b', '\udc00']) {
      const bytes = Buffer.from(id, 'utf8');
      const high = murmur3(bytes, bytes.length, salt.high);
      expect(Math.floor(draw(id, salt) * 2 ** 32)).toBe(high);
    }
  });
});
