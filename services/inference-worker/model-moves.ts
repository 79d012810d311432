/**
 * Moves versions between this thread and their workers, as the scheduler decides or the monitor says.
 * One move of a version at a time; batches in flight finish where they are.
 */
import type { CostLine } from '../core/batch/batch-cost.ts';
import type { BatchScheduler } from '../core/batch/batch-scheduler.ts';
import type { Clock } from '../platform/clock/clock.ts';
import type { Placement } from '../platform/model/model-runtime.ts';
import type { Queued, Served } from './batch-request.ts';

/** A move that failed is not tried again for so long. */
const RETRY_MS = 30_000;

export interface ModelMovesOptions {
  readonly clock: Clock;
  readonly placement: 'auto' | Placement;
  /** At first, and whenever it has moved; `cost` is of a run where it is placed now. */
  onPlaced?(version: string, placement: Placement, cost: CostLine): void;
  /** A move has failed; the version stays where it was. */
  onPlaceFailed?(version: string, error: unknown): void;
}

export interface ModelMoves {
  /** A version is served by a model it was not served by before. */
  served(version: Served): void;
  /** One of its batches has run. */
  ran(version: Served): void;
}

export function createModelMoves(
  scheduler: BatchScheduler<Queued>,
  options: ModelMovesOptions & {
    isServed(version: Served): boolean;
    /** The version's lanes are others now. */
    onMoved(): void;
  },
): ModelMoves {
  const { clock, placement } = options;
  const moving = new Set<Served>();
  const notBefore = new WeakMap<Served, number>();

  function move(version: Served, place: Placement): void {
    const { model } = version;
    moving.add(version);
    model.place(place).then(
      () => {
        moving.delete(version);
        if (!options.isServed(version) || version.model !== model) return;
        note(version);
        options.onMoved();
      },
      (error: unknown) => {
        moving.delete(version);
        notBefore.set(version, clock.monotonicMs() + RETRY_MS);
        options.onPlaceFailed?.(version.version, error);
      },
    );
  }

  function note({ version, model }: Served): void {
    const queue = scheduler.version(version);
    queue.moved(model.placement, model.batchesInFlightMax, clock.monotonicMs());
    options.onPlaced?.(version, model.placement, queue.cost.line());
  }

  return {
    served(version) {
      if (placement === 'auto' || placement === version.model.placement) note(version);
      else move(version, placement);
    },
    ran(version) {
      if (placement !== 'auto' || moving.has(version) || version.isRetired) return;
      const nowMs = clock.monotonicMs();
      const place = scheduler.decidePlace(version.version, nowMs);
      if (place === null || nowMs < (notBefore.get(version) ?? 0)) return;
      if (place === 'inline' && !version.model.isInlineable) return;
      notBefore.delete(version);
      move(version, place);
    },
  };
}
