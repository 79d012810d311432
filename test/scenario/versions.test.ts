/**
 * Versions that share the events, from predictions to reports: what the models said is measured, not
 * what policies made of it, and each version stands beside the others in the report of its window.
 */
import { describe, expect, it } from 'vitest';
import { endOfRunHeaders } from '../../services/core/message/control.ts';
import { HEADER } from '../../services/core/message/header.ts';
import { encodeOrigin } from '../../services/core/message/origin.ts';
import { type Prediction, predictionCodec } from '../../services/core/message/prediction.ts';
import type { OutgoingRecord } from '../../services/core/message/record.ts';
import { type Report, reportCodec } from '../../services/core/message/report.ts';
import { derivedTopicSpecs, runTopics } from '../../services/core/message/topics.ts';
import { versionSlice } from '../../services/core/monitor/measured-columns.ts';
import type { MonitorModel } from '../../services/core/monitor/monitor.ts';
import { createColumnSketch } from '../../services/core/sketch/column-sketch.ts';
import { createDriftAggregator } from '../../services/drift-aggregator/drift-aggregator.ts';
import { createEvaluator } from '../../services/evaluator/evaluator.ts';
import { EVENT_SCHEMA, memoryPorts, stationMonitor } from '../support/embedded-run.ts';
import { readAll } from '../support/read-all.ts';

const RUN = 'test';
const STEP_MS = 100;

/** Only what is measured of it: neither service runs a model. */
const MODEL = {
  outputs: [{ name: 'score', tensor: 'y', index: 0, drift: null }],
} as unknown as MonitorModel;
const monitor = stationMonitor({ model: MODEL });
const topics = runTopics(monitor, RUN);

const score = createColumnSketch('numeric');
for (let step = 0; step < 100; step += 1) score.add(step / 100);
const reference = {
  ...{ rowCount: 100, slices: new Map(), calibrations: new Map(), sets: new Map() },
  columns: new Map([['score', score]]),
};

/** One partition: events a tenth of a second apart, each with its prediction; two windows and the end. */
async function reportsOn(predictions: readonly Partial<Prediction>[]): Promise<readonly Report[]> {
  const ports = memoryPorts();
  await ports.bus.ensureTopics([
    { topic: topics.events, partitionCount: 1 },
    ...derivedTopicSpecs(topics, 1),
  ]);
  const record = (topic: string, offset: number, value: Uint8Array | null): OutgoingRecord => ({
    ...{ topic, partition: 0, key: null, value, timestampMs: null },
    headers: {
      [HEADER.origin]: encodeOrigin({ topic: topics.events, partition: 0, offset }),
      ...(value === null ? endOfRunHeaders(RUN) : {}),
    },
  });
  for (const [index, fields] of predictions.entries()) {
    const at = index * STEP_MS;
    const event = { id: `e${index}`, at, level: index, station: 'Brest' };
    const prediction: Prediction = {
      ...{ id: event.id, eventTimeMs: at, modelVersion: '1', modelDigest: '', slices: [] },
      ...{ variant: 'primary', fallbackReason: '', outputs: [0], rawOutputs: [0], policies: [] },
      ...{ suppressed: false, latencyMs: 0 },
      ...fields,
    };
    await ports.bus.produce([
      record(topics.valid, index, Buffer.from(JSON.stringify(event))),
      record(topics.predictions, index, predictionCodec.encode(prediction)),
    ]);
  }
  const end = predictions.length;
  await ports.bus.produce([record(topics.valid, end, null), record(topics.predictions, end, null)]);
  const scope = {
    ...{ monitor, run: RUN, eventSchema: EVENT_SCHEMA, writerSchemas: [], reference },
  };
  const services = [createEvaluator(ports, scope), createDriftAggregator(ports, scope)];
  for (const service of services) await service.start();
  try {
    for (;;) {
      const reports = (await readAll(ports.bus, topics.reports)).map(({ value }) =>
        reportCodec.decode(value!),
      );
      if (reports.some(({ kind }) => kind === 'end')) {
        return reports.filter(({ kind }) => kind === 'window');
      }
      await ports.clock.sleep(5);
    }
  } finally {
    for (const service of services) await service.stop(1_000);
    await ports.bus.close();
  }
}

function answered(version: string, said: number, acted = said): Partial<Prediction> {
  return {
    ...{ modelVersion: version, slices: [versionSlice(version)] },
    ...{ rawOutputs: [said], outputs: [acted] },
  };
}

describe('versions that share the events', () => {
  it('are compared in every window by what they said', async () => {
    const reports = await reportsOn([
      // A window of ten seconds: version 2 answers every fourth, twice as high.
      ...Array.from({ length: 100 }, (_, index) =>
        index % 4 === 0 ? answered('2', 0.8) : answered('1', 0.4, 99),
      ),
      ...Array.from({ length: 100 }, () => answered('1', 0.4)),
    ]);
    const whole = reports.filter(({ slice }) => slice === '');
    const output = (mean: number, ks: number) => [
      { name: 'score', mean, standardDeviation: 0, ks },
    ];
    expect(whole.map(({ versions }) => versions)).toEqual([
      [
        { version: '1', count: 75, comparedWith: '1', outputs: output(0.4, 0) },
        { version: '2', count: 25, comparedWith: '1', outputs: output(0.8, 1) },
      ],
      [{ version: '1', count: 100, comparedWith: '1', outputs: output(0.4, 0) }],
    ]);
    const second = reports.filter(({ slice }) => slice === 'model=2');
    expect(second).toMatchObject([
      { count: 25, verdict: 'ok', columns: [{ name: 'score', count: 25, threshold: null }] },
    ]);
    expect(second[0]!.columns[0]!.distances.ks).toBeCloseTo(0.8, 2);
  });

  it('say nothing where something stood in for them: their outputs are missing', async () => {
    const [first] = await reportsOn(
      Array.from({ length: 40 }, (_, index) =>
        index % 2 === 0 ? answered('1', 0.4) : { ...answered('1', 0), rawOutputs: [] },
      ),
    );
    expect(first!.columns.find(({ name }) => name === 'score')).toMatchObject({
      count: 20,
      missingCount: 20,
    });
    expect(first!.versions[0]).toMatchObject({ count: 40, outputs: [{ mean: 0.4 }] });
  });

  it('are not mentioned where one answers all', async () => {
    const reports = await reportsOn(
      Array.from({ length: 40 }, () => ({ rawOutputs: [0.4], modelVersion: '3' })),
    );
    expect(reports.map(({ slice, versions }) => [slice, versions])).toEqual([['', []]]);
  });
});
