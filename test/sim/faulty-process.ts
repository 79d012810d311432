/**
 * One process among faults: every call to the bus, the store or the model takes virtual time on its
 * way there and back, may be lost on either way, and never returns once the process is dead. A dead
 * process does not wake from a sleep either. Its wall clock may be wrong.
 *
 * Everything is drawn from one seed and waits on one virtual clock, so a failing run repeats.
 */
import { CodedError, type ErrorCode } from '../../services/core/errors.ts';
import type { Clock } from '../../services/platform/clock/clock.ts';
import type { Draw } from '../support/draw.ts';

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

/** `before`: the call is about to be sent. `after`: it took effect and its reply is on its way. */
export type CallSide = 'before' | 'after';

/** Told of every call and of every fault that happened; may kill the process that is calling. */
export interface Witness {
  call(side: CallSide): void;
  fault(kind: keyof FaultRates): void;
}

const NO_WITNESS: Witness = { call: () => undefined, fault: () => undefined };

const LATENCY_MS_MAX = 6;
/** A slow way is longer than it takes a group to give the partitions to somebody else. */
const SLOW_LATENCY_MS_MAX = 400;

export interface FaultyProcess {
  readonly draw: Draw;
  readonly rates: FaultRates;
  readonly dead: boolean;
  /** The process's own: its wall clock may be wrong, and nobody wakes in a dead one. */
  readonly clock: Clock;
  /** From now on every call hangs; a request already sent still arrives. */
  kill(): void;
  /** From now on calls succeed, as when the faults are over. */
  heal(): void;
  /** The wall clock jumps, forwards or back. */
  jump(byMs: number): void;
  latency(): Promise<void>;
  call<T>(codes: CallCodes, act: () => Promise<T>): Promise<T>;
  /** Draws whether this fault happens to a call, and tells the witness. */
  strikes(kind: keyof FaultRates): boolean;
}

export interface CallCodes {
  readonly lostRequest: ErrorCode;
  readonly lostReply: ErrorCode;
}

export const LOST_ON_BUS: CallCodes = {
  lostRequest: 'dependency.bus',
  lostReply: 'dependency.bus',
};

/** What a dead process waits for. */
export const NEVER = new Promise<never>(() => undefined);

export function createFaultyProcess(options: {
  readonly clock: Clock;
  readonly draw: Draw;
  readonly rates: FaultRates;
  readonly witness?: Witness;
}): FaultyProcess {
  const { clock, draw, witness = NO_WITNESS } = options;
  let { rates } = options;
  let dead = false;
  let wrongByMs = 0;

  function strikes(kind: keyof FaultRates): boolean {
    const struck = rates[kind] > 0 && draw(1, 100) <= rates[kind];
    if (struck) witness.fault(kind);
    return struck;
  }

  const latency = () =>
    clock.sleep(draw(0, strikes('slow') ? SLOW_LATENCY_MS_MAX : LATENCY_MS_MAX));

  return {
    draw,
    get rates() {
      return rates;
    },
    get dead() {
      return dead;
    },
    clock: {
      nowMs: () => clock.nowMs() + wrongByMs,
      monotonicMs: () => clock.monotonicMs(),
      async sleep(durationMs, signal) {
        await clock.sleep(durationMs, signal);
        if (dead) await NEVER;
      },
    },
    kill() {
      dead = true;
    },
    heal() {
      rates = NO_FAULTS;
    },
    jump(byMs) {
      wrongByMs += byMs;
    },
    latency,
    strikes,
    async call(codes, act) {
      if (!dead) witness.call('before');
      if (dead) return NEVER;
      await latency();
      if (strikes('request')) {
        if (dead) return NEVER;
        throw new CodedError(codes.lostRequest, 'injected: the request was lost');
      }
      const result = await act();
      if (!dead) witness.call('after');
      await latency();
      if (dead) return NEVER;
      if (strikes('reply')) {
        throw new CodedError(codes.lostReply, 'injected: the reply was lost');
      }
      return result;
    },
  };
}
