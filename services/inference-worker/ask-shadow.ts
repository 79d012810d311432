/**
 * Asks the shadow version about rows that have been answered, at the batcher's lowest priority, with
 * the block that was packed for the answer where both versions take the same. Nothing waits for it, and
 * for a shadow that has no room nothing is done per row.
 */

import type { ModelBatch } from '../platform/model/model-runtime.ts';
import type { Batcher } from './batcher.ts';
import type { ModelBatching } from './model-batch.ts';
import { isRejection, type PendingRow } from './score-row.ts';
import type { ScorerOptions } from './scorer.ts';
import { type ServedModel, unpackRow } from './served-model.ts';

interface Asked {
  readonly rows: readonly PendingRow[];
  readonly packed: ModelBatch;
  /** Aligned with the rows: what was said of each, `null` where there was no answer. */
  readonly answered: readonly (readonly number[] | null)[];
}

/** `served`: the version that the rows were packed for. */
export type AskShadow = (served: ServedModel, asked: Asked) => void;

export function createAskShadow(
  options: Pick<ScorerOptions, 'plan' | 'served' | 'onShadow' | 'events'> & {
    readonly batcher: Pick<Batcher, 'submit' | 'hasRoom'>;
  },
): AskShadow {
  const { batcher, events, onShadow } = options;

  return (served, answers) => {
    const version = options.plan().shadow;
    if (version === null || onShadow === undefined) return;
    const shadow = options.served(version);
    if (shadow === null) return;
    const rowCount = answers.rows.length;
    if (!batcher.hasRoom(shadow.queue, rowCount)) return events.shadowShed(version, rowCount);
    const { batching, digest } = shadow;
    const isSame =
      batching.layout === served.batching.layout &&
      answers.rows.every(
        ({ reason }, index) => reason === null && answers.answered[index] !== null,
      );
    const asked = isSame ? answers : repack(answers, batching);
    if (asked.rows.length === 0) return;
    batcher.submit({
      version: shadow.queue,
      rows: asked.packed,
      deadlineMs: Number.POSITIVE_INFINITY,
      settle: (from, to, result) => {
        if (result.kind === 'failed') {
          const isShed = result.rejection.code === 'inference.overload';
          if (isShed) events.shadowShed(version, to - from);
          else events.versionFailed(version, result.rejection);
          return;
        }
        const rowMs = result.batch.durationMs / result.batch.rows;
        for (let index = from; index < to; index += 1) {
          const { row } = asked.rows[index]!;
          const outputs = unpackRow(shadow, result.outputs, result.outputRow + index - from);
          if (isRejection(outputs)) {
            events.versionFailed(version, outputs);
            continue;
          }
          const said = { row, version, digest, outputs, rowMs };
          const answeredOutputs = asked.answered[index]!;
          onShadow({ ...said, answeredVersion: served.version, answeredOutputs });
        }
      },
    });
  };
}

/** The rows that the version itself answered and that the shadow can take. */
function repack({ rows, answered }: Asked, batching: ModelBatching): Asked {
  const isTaken = rows.map(
    ({ row, reason }, index) =>
      reason === null && answered[index] !== null && batching.check(row.cells) === null,
  );
  const taken = rows.filter((_, index) => isTaken[index]);
  return {
    rows: taken,
    answered: answered.filter((_, index) => isTaken[index]),
    packed: batching.pack(taken.map(({ row }) => row.cells)),
  };
}
