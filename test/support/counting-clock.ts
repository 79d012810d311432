/** A virtual clock that knows how many sleepers it has: a timer left behind is one too many. */
import {
  createVirtualClock,
  type VirtualClock,
} from '../../services/platform/clock/virtual-clock.ts';

export interface CountingClock extends VirtualClock {
  /** Sleeps that have neither ended nor been aborted. */
  readonly sleeperCount: number;
}

export function createCountingClock(): CountingClock {
  const clock = createVirtualClock();
  let sleeperCount = 0;
  return {
    ...clock,
    get sleeperCount() {
      return sleeperCount;
    },
    async sleep(durationMs, signal) {
      sleeperCount += 1;
      await clock.sleep(durationMs, signal);
      sleeperCount -= 1;
    },
  };
}
