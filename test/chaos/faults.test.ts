/** The draw of faults: repeatable, within what a cluster must stand, and missing none of them. */
import { describe, expect, it } from 'vitest';
import { createDraw } from '../support/draw.ts';
import { drawRound, FAULTS, type Strike } from './faults.ts';
import { SERVICES } from './fleet.ts';

const processes = SERVICES.flatMap((service) =>
  ['0', '1'].map((suffix) => ({ name: `${service}-${suffix}`, service })),
);

function rounds(seed: number, count: number, only: string | null = null): (readonly Strike[])[] {
  const draw = createDraw(seed);
  return Array.from({ length: count }, () => drawRound(draw, { processes, brokerCount: 3, only }));
}

describe('drawing faults', () => {
  it('draws the same from the same seed', () => {
    expect(rounds(1, 50)).toEqual(rounds(1, 50));
    expect(rounds(1, 50)).not.toEqual(rounds(2, 50));
  });

  it('draws every fault there is', () => {
    const drawn = new Set(
      rounds(3, 1_000).flatMap((round) => round.map(({ fault }) => fault.name)),
    );
    expect([...drawn].sort()).toEqual(FAULTS.map(({ name }) => name).sort());
  });

  it('leaves what a recovery needs', () => {
    for (const round of rounds(4, 2_000)) {
      expect(round.length).toBeGreaterThan(0);
      const of = (...kinds: readonly string[]) =>
        round.filter(({ fault }) => kinds.includes(fault.kind));
      expect(of('kill-broker').length).toBeLessThanOrEqual(1);
      expect(of('kill-redis', 'flush-redis').length).toBeLessThanOrEqual(1);
      const struck = of('kill', 'freeze', 'clock').flatMap(({ targets }) => targets);
      expect(new Set(struck).size).toBe(struck.length);
      const frozen = of('freeze').flatMap(({ fault }) =>
        'services' in fault ? fault.services : [],
      );
      expect(new Set(frozen).size).toBe(frozen.length);
    }
  });

  it.each(FAULTS.map(({ name }) => name))('draws %s alone where only that is asked for', (name) => {
    const drawn = rounds(5, 20, name);
    expect(drawn.every((round) => round.length === 1 && round[0]!.fault.name === name)).toBe(true);
  });
});
