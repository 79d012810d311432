/** Versions compared from predictions: against counts and shares made by hand, and from topics. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compareRollout } from '../../../services/cli/rollout-comparison.ts';
import { rolloutComparisonText } from '../../../services/cli/rollout-comparison-text.ts';
import { readRolloutRecords } from '../../../services/cli/rollout-records.ts';
import { type Prediction, predictionCodec } from '../../../services/core/message/prediction.ts';
import {
  type ShadowPrediction,
  shadowPredictionCodec,
} from '../../../services/core/message/shadow-prediction.ts';
import { createMemoryBus } from '../../../services/platform/bus/memory-bus.ts';
import { createVirtualClock } from '../../../services/platform/clock/virtual-clock.ts';

const OPTIONS = { outputs: ['score'], tolerance: 0.01 };

function prediction(fields: Partial<Prediction> = {}): Prediction {
  return {
    ...{ id: 'e', eventTimeMs: 0, modelVersion: '1', modelDigest: 'd', slices: [] },
    ...{ variant: 'primary', fallbackReason: '', policies: [], suppressed: false, latencyMs: 1 },
    ...{ outputs: [0.5], rawOutputs: [0.5] },
    ...fields,
  };
}

function shadow(said: number, answered: number, rowMs = 1): ShadowPrediction {
  return {
    ...{ id: 'e', eventTimeMs: 0, modelVersion: '9', modelDigest: 'd', answeredVersion: '1' },
    ...{ outputs: [said], answeredOutputs: [answered], rowMs },
  };
}

describe('compareRollout', () => {
  it('sees equal versions as equal, and tells apart those that share no value', () => {
    const scores = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1 });
    const by = (modelVersion: string, values: readonly number[]) =>
      values.map((value) => prediction({ modelVersion, rawOutputs: [value] }));
    fc.assert(
      fc.property(scores, (values) => {
        const same = compareRollout([...by('1', values), ...by('2', values)], [], OPTIONS);
        expect(same.versions.map(({ outputs }) => outputs[0]!.ks)).toEqual([0, 0]);
        const moved = values.map((value) => value + 2);
        const apart = compareRollout([...by('1', values), ...by('2', moved)], [], OPTIONS);
        expect(apart.versions.map(({ outputs }) => outputs[0]!.ks)).toEqual([0, 1]);
        const [first, second] = apart.versions.map(({ outputs }) => outputs[0]!.mean!);
        expect(second! - first!).toBeCloseTo(2, 9);
      }),
    );
  });

  it('counts versions, why they answered, and holds them against the one that answered most', () => {
    const { comparedWith, versions, predictions } = compareRollout(
      [
        prediction({ modelVersion: '2', variant: 'canary' }),
        prediction({ modelVersion: '1' }),
        prediction({ modelVersion: '1', variant: 'fallback', fallbackReason: 'inference.output' }),
      ],
      [],
      OPTIONS,
    );
    expect({ predictions, comparedWith }).toEqual({ predictions: 3, comparedWith: '1' });
    expect(versions.map(({ version, count, variants }) => ({ version, count, variants }))).toEqual([
      { version: '1', count: 2, variants: { primary: 1, fallback: 1 } },
      { version: '2', count: 1, variants: { canary: 1 } },
    ]);
  });

  it('leaves what stood in for the model out of what it said, and counts it by its reason', () => {
    const fallback = { variant: 'fallback', rawOutputs: [], outputs: [99] } as const;
    const { versions, fallbacks } = compareRollout(
      [
        ...[0.1, 0.3].map((score) => prediction({ rawOutputs: [score], outputs: [7] })),
        prediction({ ...fallback, fallbackReason: 'inference.run' }),
        prediction({ ...fallback, fallbackReason: 'inference.input' }),
        prediction({ ...fallback, fallbackReason: 'inference.run' }),
      ],
      [],
      OPTIONS,
    );
    expect(versions[0]!.outputs[0]!.mean).toBeCloseTo(0.2, 12);
    expect(fallbacks).toEqual([
      { reason: 'inference.input', count: 1, share: 0.2 },
      { reason: 'inference.run', count: 2, share: 0.4 },
    ]);
  });

  it('gives durations that were taken: of a hundred, the 50th, 95th and 99th', () => {
    const hundred = Array.from({ length: 100 }, (_, index) => ((index * 37) % 100) + 1);
    const { versions, shadows } = compareRollout(
      hundred.map((latencyMs) => prediction({ latencyMs })),
      hundred.map((rowMs) => shadow(0.5, 0.5, rowMs)),
      OPTIONS,
    );
    expect(versions[0]!.latencyMs).toEqual({ p50: 50, p95: 95, p99: 99 });
    expect(shadows[0]!.rowMs).toEqual({ p50: 50, p95: 95, p99: 99 });
  });

  it('says how often and how far a shadow disagrees, and that NaN agrees with nothing', () => {
    const { shadows } = compareRollout(
      [prediction()],
      [shadow(0.5, 0.5), shadow(0.505, 0.5), shadow(0.7, 0.5), shadow(Number.NaN, 0.5)],
      OPTIONS,
    );
    expect(shadows[0]!.disagreements[0]!.share).toBe(0.5);
    expect(shadows[0]!.disagreements[0]!.differenceMean).toBeCloseTo((0.005 + 0.2) / 3, 12);
    expect(shadows[0]!.outputs[0]!.mean).toBeCloseTo((0.5 + 0.505 + 0.7) / 3, 12);
  });

  it('of nothing says that there is nothing', () => {
    const nothing = compareRollout([], [], OPTIONS);
    expect(nothing).toEqual({
      ...{ predictions: 0, comparedWith: null, versions: [], fallbacks: [], shadows: [] },
    });
    expect(rolloutComparisonText(nothing)).toHaveLength(1);
  });
});

describe('rolloutComparisonText', () => {
  it('names every version, its shadow and every reason', () => {
    const lines = rolloutComparisonText(
      compareRollout(
        [
          prediction(),
          prediction({ modelVersion: '2', variant: 'canary', rawOutputs: [] }),
          prediction({ fallbackReason: 'inference.deadline' }),
        ],
        [shadow(0.5, 0.7)],
        OPTIONS,
      ),
    );
    expect(lines).toEqual([
      'the last 3 predictions, ks from version 1',
      'version 1: 2 (2 as primary)',
      '  score: mean 0.5, p5 / p50 / p95 0.5 / 0.5 / 0.5, ks 0',
      '  latency p50 / p95 / p99 1 / 1 / 1 ms',
      'version 2: 1 (1 as canary)',
      '  score: mean –, p5 / p50 / p95 – / – / –, ks –',
      '  latency p50 / p95 / p99 1 / 1 / 1 ms',
      'shadow 9: 1',
      '  score: mean 0.5, p5 / p50 / p95 0.5 / 0.5 / 0.5, ks 0',
      '  score disagrees with what was answered in 100 %, by 0.2 on average',
      '  a row p50 / p95 / p99 1 / 1 / 1 ms',
      'fallback inference.deadline: 1 (33.3 %)',
    ]);
  });
});

describe('readRolloutRecords', () => {
  const topics = { predictions: 'predictions', shadow: 'shadow' };

  it('reads the newest of every partition, and passes over what is none', async () => {
    const bus = createMemoryBus({ clock: createVirtualClock() });
    await bus.ensureTopics([{ topic: topics.predictions, partitionCount: 2 }]);
    const at = (partition: number, value: Uint8Array) => ({
      ...{ topic: topics.predictions, partition, key: null, value, headers: {} },
      timestampMs: null,
    });
    for (let index = 0; index < 10; index += 1) {
      for (const partition of [0, 1]) {
        const id = `${partition}-${index}`;
        await bus.produce([at(partition, predictionCodec.encode(prediction({ id })))]);
      }
    }
    const foreign = shadowPredictionCodec.encode(shadow(1, 1));
    await bus.produce([at(0, Buffer.from('other')), at(0, foreign)]);
    const read = await readRolloutRecords(bus, topics, 8);
    expect(read.predictions.map(({ id }) => id)).toEqual([
      ...['0-8', '0-9'],
      ...['1-6', '1-7', '1-8', '1-9'],
    ]);
    expect(read.shadows).toEqual([]);
    await bus.close();
  });
});
