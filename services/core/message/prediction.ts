/**
 * A prediction: what a model version said about one event. One record per valid event, in the
 * partition and order of the events.
 */
import { VARIANTS, type Variant } from '../rollout/rollout-plan.ts';
import { createMessageCodec } from './message-codec.ts';

export interface Prediction {
  /** The event's id. */
  readonly id: string;
  readonly eventTimeMs: number;
  readonly modelVersion: string;
  /** SHA-256 of the model file, hex. */
  readonly modelDigest: string;
  /** Slice keys of the event, `channel=web`, in the order of the monitor's slices. */
  readonly slices: readonly string[];
  /** Why this version answered. */
  readonly variant: Variant;
  /** Error code of why the chosen version did not answer; empty where it did. */
  readonly fallbackReason: string;
  /** Values in the order of the monitor's `model.outputs`, after the policies: what to act on. */
  readonly outputs: readonly number[];
  /** What the model said; empty where a constant or a rule stood in for it. */
  readonly rawOutputs: readonly number[];
  /** Names of the policies that applied, in their order. */
  readonly policies: readonly string[];
  /** A policy asks that nobody act on it. */
  readonly suppressed: boolean;
  /** Milliseconds from reading the event to its answer, on the machine that gave it. */
  readonly latencyMs: number;
}

export const PREDICTION_SCHEMA = {
  type: 'record',
  name: 'Prediction',
  namespace: 'tidegauge.v1',
  doc: 'What a model version said about one event.',
  fields: [
    { name: 'id', type: 'string', doc: 'Id of the event.' },
    {
      name: 'eventTimeMs',
      type: { type: 'long', logicalType: 'timestamp-millis' },
      doc: 'Event time of the event.',
    },
    { name: 'modelVersion', type: 'string' },
    { name: 'modelDigest', type: 'string', doc: 'SHA-256 of the model file, hex.' },
    {
      name: 'slices',
      type: { type: 'array', items: 'string' },
      doc: 'Slice keys of the event, column=value.',
    },
    {
      name: 'variant',
      type: { type: 'enum', name: 'Variant', symbols: VARIANTS },
      doc: 'Why this version answered.',
    },
    {
      name: 'fallbackReason',
      type: 'string',
      doc: 'Error code of why the chosen version did not answer; empty where it did.',
    },
    {
      name: 'outputs',
      type: { type: 'array', items: 'double' },
      doc: 'Values in the order of model.outputs of the monitor, after the policies.',
    },
    {
      name: 'rawOutputs',
      type: { type: 'array', items: 'double' },
      doc: 'What the model said; empty where a constant or a rule stood in.',
    },
    {
      name: 'policies',
      type: { type: 'array', items: 'string' },
      doc: 'Policies that applied, in their order.',
    },
    { name: 'suppressed', type: 'boolean', doc: 'A policy asks that nobody act on it.' },
    { name: 'latencyMs', type: 'double', doc: 'From reading the event to its answer.' },
  ],
} as const;

export const predictionCodec = createMessageCodec<Prediction>(PREDICTION_SCHEMA);
