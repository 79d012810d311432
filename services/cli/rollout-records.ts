/** The newest predictions and shadow predictions of a monitor, for a comparison of its versions. */
import { type Prediction, predictionCodec } from '../core/message/prediction.ts';
import { type ShadowPrediction, shadowPredictionCodec } from '../core/message/shadow-prediction.ts';
import type { Topics } from '../core/monitor/monitor.ts';
import type { Bus, BusRecord } from '../platform/bus/bus.ts';

export interface RolloutRecords {
  readonly predictions: readonly Prediction[];
  readonly shadows: readonly ShadowPrediction[];
}

export const ROLLOUT_RECORDS = 20_000;

/** `countMax`: of each kind, equally many of every partition. A topic that is missing has none. */
export async function readRolloutRecords(
  bus: Bus,
  { predictions, shadow }: Pick<Topics, 'predictions' | 'shadow'>,
  countMax: number = ROLLOUT_RECORDS,
): Promise<RolloutRecords> {
  return {
    predictions: await readNewest(bus, predictions, countMax, predictionCodec.tryDecode),
    shadows: await readNewest(bus, shadow, countMax, shadowPredictionCodec.tryDecode),
  };
}

/** What cannot be read is none of ours, or the end of a run. */
async function readNewest<T>(
  bus: Bus,
  topic: string,
  countMax: number,
  tryDecode: (bytes: Uint8Array) => T | null,
): Promise<readonly T[]> {
  const partitionCount = (await bus.partitionCount(topic)) ?? 0;
  const found: T[] = [];
  for (let partition = 0; partition < partitionCount; partition += 1) {
    const at = { topic, partition };
    const { earliest, next } = await bus.offsets(at);
    const from = Math.max(earliest, next - Math.ceil(countMax / partitionCount));
    for await (const record of bus.read(at, from, next)) {
      const message = decode(record, tryDecode);
      if (message !== null) found.push(message);
    }
  }
  return found;
}

function decode<T>({ value }: BusRecord, tryDecode: (bytes: Uint8Array) => T | null): T | null {
  return value === null ? null : tryDecode(value);
}
