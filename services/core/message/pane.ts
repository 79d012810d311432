/**
 * A pane: what one partition of one source contributed to one stretch of event time, as sketches.
 *
 * Panes of a (source, partition) carry a sequence without gaps, which the evaluator uses to drop
 * repeats: one event can seal many panes, so its origin alone would not tell them apart.
 */
import { createMessageCodec } from './message-codec.ts';

/** The stream a pane was measured on: valid events, or predictions. */
export type PaneSource = 'events' | 'predictions';

/**
 * `sealed`: complete, never changes. `late`: events that came after their pane was sealed; they are
 * counted and kept apart. `progress`: nothing but the watermark's step. `open`: what a pane holds so
 * far, said before `idle`: the partition is silent and holds nobody back until its next record.
 * `end`: the run is over.
 */
export type PaneKind = 'sealed' | 'late' | 'progress' | 'open' | 'idle' | 'end';

export interface PaneColumn {
  readonly name: string;
  /** Encoded `ColumnSketch` or `SetSketch`, see schemas/column-sketch.md and set-sketch.md. */
  readonly sketch: Uint8Array;
}

export interface Pane {
  readonly monitor: string;
  readonly source: PaneSource;
  readonly partition: number;
  readonly sequence: number;
  readonly kind: PaneKind;
  /** Inclusive; 0 for kinds without data. */
  readonly startMs: number;
  /** Exclusive; 0 for kinds without data. */
  readonly endMs: number;
  /** `column=value`; empty for the whole. */
  readonly slice: string;
  readonly count: number;
  /** Every pane of this partition that ends at or before this is out. */
  readonly sealedThroughMs: number;
  readonly columns: readonly PaneColumn[];
}

export const PANE_SCHEMA = {
  type: 'record',
  name: 'Pane',
  namespace: 'tidegauge.v1',
  doc: 'What one partition of one source contributed to one stretch of event time.',
  fields: [
    { name: 'monitor', type: 'string' },
    {
      name: 'source',
      type: { type: 'enum', name: 'PaneSource', symbols: ['events', 'predictions'] },
    },
    { name: 'partition', type: 'int', doc: 'Partition of the source topic.' },
    { name: 'sequence', type: 'long', doc: 'Without gaps per source and partition, from 0.' },
    {
      name: 'kind',
      type: {
        type: 'enum',
        name: 'PaneKind',
        symbols: ['sealed', 'late', 'progress', 'open', 'idle', 'end'],
      },
    },
    { name: 'startMs', type: 'long', doc: 'Inclusive, event time; 0 for kinds without data.' },
    { name: 'endMs', type: 'long', doc: 'Exclusive, event time; 0 for kinds without data.' },
    { name: 'slice', type: 'string', doc: 'column=value; empty for the whole.' },
    { name: 'count', type: 'long', doc: 'Events in this pane and slice.' },
    {
      name: 'sealedThroughMs',
      type: 'long',
      doc: 'Every pane of this partition that ends at or before this is out.',
    },
    {
      name: 'columns',
      type: {
        type: 'array',
        items: {
          type: 'record',
          name: 'PaneColumn',
          fields: [
            { name: 'name', type: 'string' },
            { name: 'sketch', type: 'bytes', doc: 'Encoded column sketch, see column-sketch.md.' },
          ],
        },
      },
    },
  ],
} as const;

export const paneCodec = createMessageCodec<Pane>(PANE_SCHEMA);
