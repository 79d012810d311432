/**
 * How long a fault is felt: until an event issued after it has come out as a prediction in every
 * partition, and the aggregators have committed past it on both topics they read.
 */
import type { Bus } from '../../services/platform/bus/bus.ts';
import { committedOffsets, type Reading, type Readings } from './progress-of-groups.ts';
import type { TopicTail } from './topic-tail.ts';
import { PARTITION_COUNT } from './world.ts';

const LOOK_INTERVAL_MS = 100;
/** Nothing comes after this; the run ends as failed. */
const GIVE_UP_MS = 120_000;

export interface RecoveryWatch {
  /** Milliseconds from `sinceMs`; throws where it never comes. */
  awaitFresh(fromSerial: number, sinceMs: number): Promise<number>;
}

export function createRecoveryWatch(options: {
  readonly bus: Bus;
  readonly readings: Readings;
  readonly valid: TopicTail;
  readonly predictions: TopicTail;
}): RecoveryWatch {
  const { bus, readings, valid, predictions } = options;
  return {
    async awaitFresh(fromSerial, sinceMs) {
      valid.lookFor(fromSerial);
      predictions.lookFor(fromSerial);
      for (;;) {
        const passed =
          isComplete(valid) &&
          isComplete(predictions) &&
          (await isPast(bus, readings.aggregatorValid, valid)) &&
          (await isPast(bus, readings.aggregatorPredictions, predictions));
        const elapsedMs = performance.now() - sinceMs;
        if (passed) return elapsedMs;
        if (elapsedMs > GIVE_UP_MS) {
          throw new Error(
            `no recovery within ${GIVE_UP_MS} ms: fresh events valid ${found(valid)}, predicted ${found(predictions)}, by partition and offset`,
          );
        }
        await new Promise((resolve) => setTimeout(resolve, LOOK_INTERVAL_MS));
      }
    },
  };
}

function isComplete(tail: TopicTail): boolean {
  return tail.found.size === PARTITION_COUNT;
}

function found(tail: TopicTail): string {
  return JSON.stringify([...tail.found]);
}

/** A broker that is away is no answer, and no reason to stop asking. */
async function isPast(bus: Bus, reading: Reading, tail: TopicTail): Promise<boolean> {
  const committed = await committedOffsets(bus, reading).catch(() => null);
  if (committed === null) return false;
  return [...tail.found].every(([partition, offset]) => committed[partition]! > offset);
}
