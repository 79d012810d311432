/**
 * One process among faults: every call to the bus or the store takes virtual time on its way there
 * and back, may be lost on either way, and never returns once the process is dead.
 *
 * Everything is drawn from one seed and waits on one virtual clock, so a failing run repeats.
 */
import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';
import { CodedError, type ErrorCode } from '../../services/core/errors.ts';
import type { Clock } from '../../services/platform/clock/clock.ts';

export type Draw = (minimum: number, maximum: number) => number;

/** Whole numbers, both ends included. */
export function createDraw(seed: number): Draw {
  const generator = xoroshiro128plus(seed);
  return (minimum, maximum) => uniformInt(generator, minimum, maximum);
}

/** Chances in per cent of a call. */
export interface FaultRates {
  /** Lost on its way: nothing happened. */
  readonly request: number;
  /** It happened and the reply is lost. */
  readonly reply: number;
  /** A produce acknowledged in part. */
  readonly partialProduce: number;
  /** After a produce an earlier run of the same partition comes again. */
  readonly duplicate: number;
  /** Much longer than usual on its way. */
  readonly slow: number;
}

export const NO_FAULTS: FaultRates = {
  request: 0,
  reply: 0,
  partialProduce: 0,
  duplicate: 0,
  slow: 0,
};

const LATENCY_MS_MAX = 6;
/** A slow way is longer than it takes a group to give the partitions to somebody else. */
const SLOW_LATENCY_MS_MAX = 400;

export interface FaultyProcess {
  readonly draw: Draw;
  readonly rates: FaultRates;
  readonly dead: boolean;
  /** From now on every call hangs; a request already sent still arrives. */
  kill(): void;
  /** From now on calls succeed, as when the faults are over. */
  heal(): void;
  latency(): Promise<void>;
  call<T>(codes: CallCodes, act: () => Promise<T>): Promise<T>;
  /** True with this chance in per cent. */
  chance(percent: number): boolean;
}

export interface CallCodes {
  readonly lostRequest: ErrorCode;
  readonly lostReply: ErrorCode;
}

const NEVER = new Promise<never>(() => undefined);

export function createFaultyProcess(options: {
  readonly clock: Clock;
  readonly draw: Draw;
  readonly rates: FaultRates;
}): FaultyProcess {
  const { clock, draw } = options;
  let { rates } = options;
  let dead = false;

  const chance = (percent: number) => percent > 0 && draw(1, 100) <= percent;
  const latency = () =>
    clock.sleep(draw(0, chance(rates.slow) ? SLOW_LATENCY_MS_MAX : LATENCY_MS_MAX));

  return {
    draw,
    get rates() {
      return rates;
    },
    get dead() {
      return dead;
    },
    kill() {
      dead = true;
    },
    heal() {
      rates = NO_FAULTS;
    },
    latency,
    chance,
    async call(codes, act) {
      if (dead) return NEVER;
      await latency();
      if (chance(rates.request)) {
        if (dead) return NEVER;
        throw new CodedError(codes.lostRequest, 'injected: the request was lost');
      }
      const result = await act();
      await latency();
      if (dead) return NEVER;
      if (chance(rates.reply)) {
        throw new CodedError(codes.lostReply, 'injected: the reply was lost');
      }
      return result;
    },
  };
}
