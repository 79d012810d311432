/**
 * A prediction: what a model version said about one event. One record per valid event, in the
 * partition and order of the events.
 */
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
  /** Values in the order of the monitor's `model.outputs`. */
  readonly outputs: readonly number[];
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
      name: 'outputs',
      type: { type: 'array', items: 'double' },
      doc: 'Values in the order of model.outputs of the monitor.',
    },
  ],
} as const;

export const predictionCodec = createMessageCodec<Prediction>(PREDICTION_SCHEMA);
