/**
 * What a stateful service brings to its runner: the state machine of one input partition. It knows
 * neither bus nor store.
 */
import type { BusRecord, OutgoingRecord } from '../bus/bus.ts';

export interface ShardChanges {
  readonly puts: ReadonlyMap<string, Uint8Array>;
  readonly deletes: readonly string[];
  readonly outputs: readonly OutgoingRecord[];
}

export interface ShardProcessor {
  accept(record: BusRecord): void;
  /** Something must leave: commit now rather than at the next interval. */
  readonly hasOutputs: boolean;
  /** Everything that changed since the last call; the caller commits it or abandons the shard. */
  takeChanges(): ShardChanges;
  /** Called when the partition has delivered nothing for `silentMs` (wall clock). */
  onSilence(silentMs: number): void;
}

/** The store has lost a shard's state, or holds an older one than what was done. */
export interface StateLoss {
  /** By the broker's offset: records before it were processed, and what came of them was sent. */
  readonly processedThrough: number;
}

export interface RebuiltShard {
  readonly processor: ShardProcessor;
  /** Where reading goes on. */
  readonly start: 'earliest' | { readonly offset: number };
}
