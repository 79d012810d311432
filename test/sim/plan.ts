/**
 * What a run is, drawn from its seed: which world it plays in, its events, and its faults as data.
 *
 * - `replay`: a run of its own that ends; nothing depends on the wall clock.
 * - `steady`: the live stream, no partition ever counts as idle.
 * - `silent`: the live stream, partitions fall silent in turn and count as idle after a while of the
 *   wall clock, so that which windows wait for whom depends on the faults.
 */
import type { ServiceName } from '../../services/embedded/pipeline.ts';
import { createDraw, type Draw } from '../support/draw.ts';
import { type CallSide, type FaultRates, NO_FAULTS } from './faulty-process.ts';

export const WORLDS = ['replay', 'steady', 'silent'] as const;
export type World = (typeof WORLDS)[number];

/** After so much virtual time, or at the n-th call of any process of the service to anything. */
export type Moment =
  | { readonly at: 'time'; readonly ms: number }
  | {
      readonly at: 'call';
      readonly service: ServiceName;
      readonly number: number;
      readonly side: CallSide;
    };

/**
 * `kill`: the process stops at whatever it waits for; the group takes its partitions away
 * `lastingMs` later. `ghost`: its partitions are taken away and it learns of it `lastingMs` later.
 * `join`: a second instance works beside it for `lastingMs`, then stops in good order. `rebalance`:
 * the group is joined by somebody who leaves without having done anything. `clock-jump`: the wall
 * clock of the process is wrong from now on. `store-emptied`, `store-rolled-back`: every shard of the
 * run is gone, or in a state it had before. `store-away`: every call is refused for `lastingMs`.
 */
export type Disruption = { readonly when: Moment } & (
  | {
      readonly kind: 'kill' | 'ghost' | 'join' | 'rebalance';
      readonly service: ServiceName;
      readonly lastingMs: number;
    }
  | { readonly kind: 'clock-jump'; readonly service: ServiceName; readonly byMs: number }
  | { readonly kind: 'store-emptied' | 'store-rolled-back' }
  | { readonly kind: 'store-away'; readonly lastingMs: number }
);

export type DisruptionKind = Disruption['kind'];

export const DISRUPTION_KINDS: readonly DisruptionKind[] = [
  ...(['kill', 'ghost', 'join', 'rebalance', 'clock-jump'] as const),
  ...(['store-emptied', 'store-rolled-back', 'store-away'] as const),
];

export interface Plan {
  readonly seed: number;
  /** Nothing goes wrong in it. */
  readonly isCalm: boolean;
  readonly world: World;
  readonly partitionCount: number;
  readonly eventCount: number;
  /** Events published every 25 ms. */
  readonly recordsPerStep: number;
  /** Before this event the event topic gets one partition more; `null`: it never grows. */
  readonly growsAtEvent: number | null;
  /** How long late events may revise a window; 0: never. */
  readonly reviseMs: number;
  readonly rates: FaultRates;
  readonly disruptions: readonly Disruption[];
}

/** As often as they stand here; an aggregator has most to lose. */
const SERVICES_DRAWN: readonly ServiceName[] = [
  'validator',
  'inference-worker',
  'drift-aggregator',
  'drift-aggregator',
  'evaluator',
  'alerting',
];
const KINDS_DRAWN: readonly DisruptionKind[] = [
  ...(['kill', 'kill', 'kill', 'kill', 'kill', 'kill'] as const),
  ...(['ghost', 'ghost', 'ghost', 'join', 'join', 'rebalance', 'rebalance'] as const),
  ...(['store-emptied', 'store-rolled-back', 'store-away', 'clock-jump'] as const),
];

const REVISE_MS_MAX = 10_000;
const DISRUPTIONS_MAX = 12;
/** Disruptions fall while events come and for a while after. */
const DISRUPTED_MS = 3_000;
const LASTING_MS_MAX = 300;
const AWAY_MS_MAX = 240_000;
const CLOCK_JUMP_MS_MAX = 600_000;
/** A service makes some hundreds of calls in a run. */
const CALL_NUMBER_MAX = 250;

/** `without`: kinds that are left out, everything else being as it was; to find out what matters. */
export function planOf(seed: number, without: ReadonlySet<DisruptionKind> = new Set()): Plan {
  const draw = createDraw(seed);
  const world = drawFrom(draw, WORLDS);
  const eventCount = draw(200, 500);
  const grows = world !== 'replay' && draw(1, 5) === 1;
  const plan: Plan = {
    seed,
    isCalm: false,
    world,
    partitionCount: draw(1, 3),
    eventCount,
    recordsPerStep: draw(4, 16),
    growsAtEvent: grows ? draw(0, eventCount - 1) : null,
    reviseMs: draw(0, 1) * draw(1, REVISE_MS_MAX),
    rates: {
      request: rate(draw, 15),
      reply: rate(draw, 15),
      partialProduce: rate(draw, 15),
      duplicate: rate(draw, 20),
      slow: rate(draw, 5),
    },
    disruptions: Array.from({ length: draw(1, DISRUPTIONS_MAX) }, () => drawDisruption(draw)),
  };
  return { ...plan, disruptions: plan.disruptions.filter(({ kind }) => !without.has(kind)) };
}

/** The same events, and nothing goes wrong. */
export function calmed(plan: Plan): Plan {
  return { ...plan, isCalm: true, rates: NO_FAULTS, disruptions: [] };
}

/** Every other run is spared a kind of fault altogether, so that the others are seen by themselves. */
function rate(draw: Draw, perCentMax: number): number {
  return draw(0, 1) * draw(0, perCentMax);
}

function drawDisruption(draw: Draw): Disruption {
  const kind = drawFrom(draw, KINDS_DRAWN);
  const service = drawFrom(draw, SERVICES_DRAWN);
  const when = drawMoment(draw, service);
  switch (kind) {
    case 'kill':
    case 'ghost':
    case 'join':
    case 'rebalance':
      return { when, kind, service, lastingMs: draw(0, LASTING_MS_MAX) };
    case 'clock-jump':
      return { when, kind, service, byMs: draw(-CLOCK_JUMP_MS_MAX, CLOCK_JUMP_MS_MAX) };
    case 'store-away':
      return { when, kind, lastingMs: draw(1, AWAY_MS_MAX) };
    default:
      return { when, kind };
  }
}

function drawMoment(draw: Draw, service: ServiceName): Moment {
  if (draw(0, 1) === 0) return { at: 'time', ms: draw(0, DISRUPTED_MS) };
  const side = draw(0, 1) === 0 ? 'before' : 'after';
  return { at: 'call', service, number: draw(1, CALL_NUMBER_MAX), side };
}

function drawFrom<Item>(draw: Draw, items: readonly Item[]): Item {
  return items[draw(0, items.length - 1)]!;
}
