/**
 * Shards whose state was claimed elsewhere while their partition is assigned here. Each must soon turn
 * out to be somebody else's.
 *
 * A claim may reach the store after its sender lost the partition, and then fences the rightful owner
 * with nobody in its place. A partition that nobody works on must be heard of.
 */
import { CodedError } from '../../core/errors.ts';
import { FENCED_PATIENCE_MS } from '../../core/limits.ts';
import type { Assignment, Subscription } from '../bus/bus.ts';
import type { Clock } from '../clock/clock.ts';

export interface FencedShards {
  add(assignment: Assignment): void;
  /** Throws `state.corrupt` where a partition stays assigned here for longer than one waits. */
  check(subscription: Subscription): void;
}

export function createFencedShards(clock: Clock): FencedShards {
  const sinceMs = new Map<Assignment, number>();
  return {
    add(assignment) {
      sinceMs.set(assignment, clock.monotonicMs());
    },
    check(subscription) {
      for (const [assignment, fencedAtMs] of sinceMs) {
        const { topic, partition } = assignment;
        if (!subscription.owns(assignment)) sinceMs.delete(assignment);
        else if (clock.monotonicMs() - fencedAtMs >= FENCED_PATIENCE_MS) {
          throw new CodedError(
            'state.corrupt',
            `${topic}:${partition} is assigned here and its state was claimed elsewhere; expected one of them to change within ${FENCED_PATIENCE_MS} ms; does another deployment use this store?`,
          );
        }
      }
    },
  };
}
