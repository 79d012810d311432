/**
 * What can go wrong, as data, and the draw of what goes wrong next. Pure: nothing is done here.
 *
 * A round is one to five faults that strike within a second and a half. Kafka must keep a majority
 * and Redis can be down only once at a time; a process is struck by one of them at most, and of a
 * service no more than one process is frozen at a time, because nobody could take over.
 */
import type { Draw } from '../support/draw.ts';
import { SERVICES, type ServiceName } from './fleet.ts';

/** Beyond the session timeout, so that others have taken over when it wakes. */
const FREEZE_MS: Range = [7_500, 9_500];
const CLOCK_JUMP_MS = 600_000;
const WITHIN_MS = 1_500;
const PARTITIONED: readonly ServiceName[] = ['drift-aggregator', 'inference-worker', 'validator'];

type Range = readonly [min: number, max: number];

export type Fault =
  | { readonly kind: 'kill'; readonly services: readonly ServiceName[]; readonly count: Range }
  | { readonly kind: 'freeze'; readonly services: readonly ServiceName[]; readonly forMs: Range }
  | { readonly kind: 'kill-redis' | 'kill-broker'; readonly awayMs: Range }
  | { readonly kind: 'flush-redis' }
  | { readonly kind: 'join'; readonly services: readonly ServiceName[]; readonly forMs: Range }
  | { readonly kind: 'repeat' }
  | { readonly kind: 'clock'; readonly jumpMs: number; readonly forMs: Range };

export type NamedFault = Fault & { readonly name: string; readonly weight: number };

export const FAULTS: readonly NamedFault[] = [
  ...SERVICES.map((service): NamedFault => {
    const weight = PARTITIONED.includes(service) ? 4 : 2;
    return { name: `kill ${service}`, weight, kind: 'kill', services: [service], count: [1, 1] };
  }),
  { name: 'kill several', weight: 5, kind: 'kill', services: SERVICES, count: [2, 4] },
  ...SERVICES.map((service): NamedFault => {
    const weight = PARTITIONED.includes(service) ? 2 : 1;
    return {
      name: `freeze ${service}`,
      weight,
      kind: 'freeze',
      services: [service],
      forMs: FREEZE_MS,
    };
  }),
  { name: 'kill redis', weight: 3, kind: 'kill-redis', awayMs: [0, 1_000] },
  { name: 'redis away', weight: 1, kind: 'kill-redis', awayMs: [20_000, 20_000] },
  { name: 'flush redis', weight: 2, kind: 'flush-redis' },
  { name: 'kill broker', weight: 3, kind: 'kill-broker', awayMs: [500, 4_000] },
  { name: 'rebalance', weight: 2, kind: 'join', services: PARTITIONED, forMs: [1_000, 4_000] },
  { name: 'duplicate producer', weight: 1, kind: 'repeat' },
  { name: 'clock ahead', weight: 1, kind: 'clock', jumpMs: CLOCK_JUMP_MS, forMs: [2_000, 5_000] },
  { name: 'clock behind', weight: 1, kind: 'clock', jumpMs: -CLOCK_JUMP_MS, forMs: [2_000, 5_000] },
];

const ROUND_SIZES = [
  { size: 1, weight: 12 },
  { size: 2, weight: 22 },
  { size: 3, weight: 28 },
  { size: 4, weight: 22 },
  { size: 5, weight: 16 },
];

/** A fault with its targets and times drawn. */
export interface Strike {
  readonly fault: NamedFault;
  readonly afterMs: number;
  /** Process names, the broker's number, or the service that gets company. */
  readonly targets: readonly string[];
  readonly forMs: number;
}

/** `only`: the name of the one fault to draw, and one at a time. */
export function drawRound(
  draw: Draw,
  options: {
    readonly processes: readonly { readonly name: string; readonly service: ServiceName }[];
    readonly brokerCount: number;
    readonly only: string | null;
  },
): readonly Strike[] {
  const faults =
    options.only === null ? FAULTS : FAULTS.filter(({ name }) => name === options.only);
  const size = options.only === null ? weighted(draw, ROUND_SIZES).size : 1;
  const taken = new Set<string>();
  const strikes: Strike[] = [];
  for (let index = 0; index < size; index += 1) {
    const fault = weighted(draw, faults);
    const afterMs = draw(0, WITHIN_MS);
    const targets = drawTargets(draw, fault, options, taken);
    if (targets !== null)
      strikes.push({ fault, afterMs, targets, forMs: drawDuration(draw, fault) });
  }
  return strikes;
}

/** `null` where what it needs is struck already. */
function drawTargets(
  draw: Draw,
  fault: Fault,
  options: Parameters<typeof drawRound>[1],
  taken: Set<string>,
): readonly string[] | null {
  const take = (...names: readonly string[]): readonly string[] | null => {
    if (names.some((name) => taken.has(name))) return null;
    for (const name of names) taken.add(name);
    return names;
  };
  switch (fault.kind) {
    case 'kill-redis':
    case 'flush-redis':
      return take('redis');
    case 'kill-broker':
      return take('broker') && [String(draw(0, options.brokerCount - 1))];
    case 'repeat':
      return take('second producer') && [];
    case 'join':
      return take('company') && [pick(draw, fault.services)];
    case 'clock':
      return take(pick(draw, options.processes).name);
    case 'freeze': {
      const { name, service } = pick(
        draw,
        options.processes.filter((each) => fault.services.includes(each.service)),
      );
      return take(name, `frozen ${service}`) && [name];
    }
    case 'kill': {
      const free = options.processes
        .filter(({ name, service }) => fault.services.includes(service) && !taken.has(name))
        .map(({ name }) => name);
      const count = Math.min(draw(...fault.count), free.length);
      const targets: string[] = [];
      while (targets.length < count) {
        const rest = free.filter((name) => !targets.includes(name));
        targets.push(pick(draw, rest));
      }
      return targets.length === 0 ? null : take(...targets);
    }
  }
}

function drawDuration(draw: Draw, fault: Fault): number {
  if ('forMs' in fault) return draw(...fault.forMs);
  return 'awayMs' in fault ? draw(...fault.awayMs) : 0;
}

function pick<T>(draw: Draw, choices: readonly T[]): T {
  return choices[draw(0, choices.length - 1)]!;
}

/** One of them, as often as its weight says. */
function weighted<T extends { readonly weight: number }>(draw: Draw, choices: readonly T[]): T {
  const total = choices.reduce((sum, { weight }) => sum + weight, 0);
  let left = draw(1, total);
  for (const choice of choices) {
    left -= choice.weight;
    if (left <= 0) return choice;
  }
  throw new RangeError('nothing to choose from');
}
