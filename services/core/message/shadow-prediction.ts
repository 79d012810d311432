/**
 * What a shadow version would have said about an event, beside what was said. Written where there is
 * time for it: a shadow that cannot keep up is passed over, and counted.
 */
import { createMessageCodec } from './message-codec.ts';

export interface ShadowPrediction {
  /** The event's id. */
  readonly id: string;
  readonly eventTimeMs: number;
  readonly modelVersion: string;
  /** SHA-256 of the model file, hex. */
  readonly modelDigest: string;
  /** Values in the order of the monitor's `model.outputs`, before any policy. */
  readonly outputs: readonly number[];
  /** The version that answered, and what it said. */
  readonly answeredVersion: string;
  readonly answeredOutputs: readonly number[];
  /** Milliseconds of the shadow's batch, divided by its rows. */
  readonly rowMs: number;
}

export const SHADOW_PREDICTION_SCHEMA = {
  type: 'record',
  name: 'ShadowPrediction',
  namespace: 'tidegauge.v1',
  doc: 'What a shadow version would have said about one event.',
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
      name: 'outputs',
      type: { type: 'array', items: 'double' },
      doc: 'Values in the order of model.outputs of the monitor.',
    },
    { name: 'answeredVersion', type: 'string', doc: 'The version that answered.' },
    {
      name: 'answeredOutputs',
      type: { type: 'array', items: 'double' },
      doc: 'What that version said.',
    },
    { name: 'rowMs', type: 'double', doc: 'Time of the batch of the shadow, per row.' },
  ],
} as const;

export const shadowPredictionCodec = createMessageCodec<ShadowPrediction>(SHADOW_PREDICTION_SCHEMA);
