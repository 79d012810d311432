/**
 * One row of 256 on which a real model fails as a whole: scikit-learn's strict one-hot encoder knows
 * the stations Brest and Calais, and any other fails the run. The other 255 are predicted, and finding
 * the one costs few further runs.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { HEADER, headerText } from '../../services/core/message/header.ts';
import { predictionCodec } from '../../services/core/message/prediction.ts';
import { derivedTopicSpecs } from '../../services/core/message/topics.ts';
import type { Fallback, MonitorModel } from '../../services/core/monitor/monitor.ts';
import { createInferenceWorker } from '../../services/inference-worker/inference-worker.ts';
import type { Component } from '../../services/platform/lifecycle/component.ts';
import type { LoadedModel } from '../../services/platform/model/model-runtime.ts';
import { createOnnxModelRuntime } from '../../services/platform/model/onnx-model-runtime.ts';
import { EVENT_SCHEMA, memoryPorts, stationMonitor } from '../support/embedded-run.ts';
import { FAKE_MODEL } from '../support/fake-model.ts';
import { encodeOnnxModel } from '../support/onnx-file.ts';
import { readAll } from '../support/read-all.ts';

const ROWS = 256;
const FURTHER_RUNS_MAX = 18;
const WAIT_MS = 20_000;

const STRICT = encodeOnnxModel({
  nodes: [
    {
      operator: 'OneHotEncoder',
      inputs: ['station'],
      outputs: ['hot'],
      domain: 'ai.onnx.ml',
      attributes: { cats_strings: { strings: ['Brest', 'Calais'] }, zeros: 0 },
    },
    { operator: 'Flatten', inputs: ['hot'], outputs: ['score'], attributes: { axis: 1 } },
  ],
  inputs: [{ name: 'station', element: 'string', shape: ['rows', 1] }],
  outputs: [{ name: 'score', element: 'float32', shape: ['rows', 2] }],
});

const directory = mkdtempSync(join(tmpdir(), 'tidegauge-poison-'));
let running: Component | null = null;

afterAll(() => rmSync(directory, { recursive: true, force: true }));
afterEach(async () => {
  await running?.stop(5_000);
});

/** Rows of every run. */
function counted(model: LoadedModel, runs: number[]): LoadedModel {
  return {
    get description() {
      return model.description;
    },
    get placement() {
      return model.placement;
    },
    isInlineable: model.isInlineable,
    get batchesInFlightMax() {
      return model.batchesInFlightMax;
    },
    place: (placement) => model.place(placement),
    run: (batch, options) => {
      runs.push(batch.rowCount);
      return model.run(batch, options);
    },
    close: () => model.close(),
  };
}

async function score(fallback: Fallback | null) {
  const file = join(mkdtempSync(join(directory, 'model-')), 'model.onnx');
  writeFileSync(file, STRICT);
  const model: MonitorModel = {
    ...FAKE_MODEL,
    file,
    fallback,
    inputs: [{ tensor: 'station', columns: ['station'] }],
    batch: { ...FAKE_MODEL.batch, rowsMax: ROWS },
  };
  const monitor = stationMonitor({ model });
  const { topics } = monitor;
  const ports = memoryPorts();
  const runs: number[] = [];
  const onnx = createOnnxModelRuntime();
  const modelRuntime = {
    ...onnx,
    load: async (options: Parameters<typeof onnx.load>[0]) =>
      counted(await onnx.load(options), runs),
  };
  await ports.bus.ensureTopics([
    { topic: topics.events, partitionCount: 1 },
    ...derivedTopicSpecs(topics, 1),
  ]);
  const scope = { run: 'live', eventSchema: EVENT_SCHEMA, writerSchemas: [], reference: null };
  running = createInferenceWorker({ ...ports, modelRuntime }, { ...scope, monitor });
  await running.start();
  await ports.bus.produce(
    Array.from({ length: ROWS }, (_, index) => ({
      ...{ topic: topics.valid, partition: 0, key: null, headers: {}, timestampMs: null },
      value: Buffer.from(
        JSON.stringify({
          id: `e${index}`,
          at: index,
          level: 1,
          station: index === 77 ? 'Ys' : 'Brest',
        }),
      ),
    })),
  );
  const deadline = performance.now() + WAIT_MS;
  for (;;) {
    const predictions = await readAll(ports.bus, topics.predictions);
    const quarantine = await readAll(ports.bus, topics.quarantine);
    if (predictions.length + quarantine.length >= ROWS || performance.now() > deadline) {
      return {
        runs,
        quarantine,
        predictions: predictions.map((r) => predictionCodec.decode(r.value!)),
      };
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

describe('one poison row in a batch of 256', () => {
  it('is quarantined alone, the other 255 are predicted, in few further runs', async () => {
    const { runs, predictions, quarantine } = await score(null);
    expect(predictions.map(({ id }) => id)).toEqual(
      Array.from({ length: ROWS }, (_, index) => `e${index}`).filter((id) => id !== 'e77'),
    );
    expect(predictions.every(({ outputs }) => outputs[0] === 1)).toBe(true);
    expect(quarantine).toHaveLength(1);
    expect(headerText(quarantine[0]!.headers, HEADER.errorRule)).toBe('inference.run');
    expect(headerText(quarantine[0]!.headers, HEADER.errorMessage)).toContain('Unknown Category');
    expect(runs[0]).toBe(ROWS);
    expect(runs.length - 1).toBeLessThanOrEqual(FURTHER_RUNS_MAX);
  });

  it('is answered by the fallback where there is one', async () => {
    const { predictions, quarantine } = await score({ kind: 'constant', outputs: [0.25] });
    expect(quarantine).toEqual([]);
    expect(predictions).toHaveLength(ROWS);
    expect(predictions[77]).toMatchObject({
      ...{ id: 'e77', variant: 'fallback', fallbackReason: 'inference.run' },
      ...{ outputs: [0.25], rawOutputs: [] },
    });
  });
});
