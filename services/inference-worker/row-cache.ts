/** The prediction cache as the scorer uses it: one view of it for each served model, or none at all. */
import type { Lookup, VersionCache } from './prediction-cache.ts';
import { createPredictionCache } from './prediction-cache.ts';
import type { PendingRow } from './score-row.ts';
import type { ScorerOptions } from './scorer.ts';
import type { ServedModel } from './served-model.ts';

export interface RowCache {
  lookup(row: PendingRow): Lookup<PendingRow>;
  /** The rows that waited for this one's outcome, which is heard once; `null`: it has none. */
  landed(row: PendingRow, outputs: readonly number[] | null): readonly PendingRow[];
  tellRowMs(served: ServedModel, rowMs: number): void;
}

const NONE: readonly PendingRow[] = [];
const BYPASSED = { kind: 'bypassed' } as const;

const OFF: RowCache = {
  lookup: () => BYPASSED,
  landed: () => NONE,
  tellRowMs: () => undefined,
};

export function createRowCache({ spec, clock, events }: ScorerOptions): RowCache {
  if (spec.cache === null) return OFF;
  const cache = createPredictionCache<PendingRow>({
    ...spec.cache,
    outputCount: spec.outputs.length,
    monotonicMs: () => clock.monotonicMs(),
  });
  const byModel = new WeakMap<ServedModel, VersionCache<PendingRow>>();

  function of(served: ServedModel): VersionCache<PendingRow> {
    let known = byModel.get(served);
    if (known === undefined) {
      const { digest, batching, model } = served;
      const sample = model.description.costSamples.at(-1);
      const rowMs = sample === undefined ? 0 : sample.durationMs / sample.rowCount;
      known = cache.of({ digest, cellIndices: batching.cellIndices, rowMs });
      byModel.set(served, known);
    }
    return known;
  }

  return {
    lookup(row) {
      const found = of(row.served).lookup(row.row.cells, row, clock.monotonicMs());
      events.cacheLooked(found.kind);
      return found;
    },
    landed(row, outputs) {
      const { flight } = row;
      if (flight === null) return NONE;
      row.flight = null;
      return of(row.served).settle(flight, outputs, clock.monotonicMs());
    },
    tellRowMs: (served, rowMs) => of(served).tellRowMs(rowMs),
  };
}
