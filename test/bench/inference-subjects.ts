/**
 * The models that are measured, their rows, and ONNX Runtime's own session beside ours.
 *
 * The rows lie in memory twice in a row, so that any stretch of up to `ROWS` rows that starts anywhere is
 * one view: the batcher and its rivals read the same memory, whatever sizes they cut.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { type InferenceSession, Tensor } from 'onnxruntime-node';
import type { LoadedModel, ModelBatch } from '../../services/platform/model/model-runtime.ts';
import { createOnnxModelRuntime } from '../../services/platform/model/onnx-model-runtime.ts';
import { openSession } from '../../services/platform/model/onnx-session.ts';
import { createDraw } from '../support/draw.ts';
import {
  type GeneratedModel,
  heavyMlp,
  largerMlp,
  tinyMlp,
  treeEnsemble,
} from '../support/onnx-models.ts';
import { median } from './bench-row.ts';

/** Distinct rows of a subject. */
export const ROWS = 16_384;
export const INPUT = 'features';
export const OUTPUT = 'score';
export const WORKERS = 2;

export interface Subject {
  readonly name: string;
  readonly width: number;
  /** Called directly, with the same options as ours. */
  readonly session: InferenceSession;
  /** What ONNX Runtime says about each distinct row. */
  readonly scores: Float32Array;
  /** Of ONNX Runtime on this thread, 256 rows at a time. */
  readonly rowsPerMs: number;
  /** Median of a direct run of one row. */
  readonly oneRowMs: number;
  /** Inline; rows of up to 1 024. The caller closes it. */
  load(): Promise<LoadedModel>;
  /** `rowCount` rows from this row of the endless stream on. */
  rows(from: number, rowCount: number): ModelBatch;
  tensor(from: number, rowCount: number): Tensor;
  /** A view. */
  features(from: number, rowCount: number): Float32Array;
}

export interface Subjects {
  readonly tiny: Subject;
  readonly larger: Subject;
  readonly trees: Subject;
  readonly heavy: Subject;
  /** As light as the tiny one, with as many inputs as the others. */
  readonly light: Subject;
  close(): Promise<void>;
}

export async function openSubjects(): Promise<Subjects> {
  const directory = mkdtempSync(join(tmpdir(), 'tidegauge-bench-'));
  const open = (model: GeneratedModel) => openSubject(model, directory);
  const subjects = {
    tiny: await open(tinyMlp()),
    larger: await open(largerMlp()),
    trees: await open(treeEnsemble()),
    heavy: await open(heavyMlp()),
    light: await open({ ...tinyMlp(20), name: 'light MLP' }),
  };
  return {
    ...subjects,
    async close() {
      for (const { session } of Object.values(subjects)) await session.release();
      rmSync(directory, { recursive: true });
    },
  };
}

async function openSubject({ name, bytes, inputs }: GeneratedModel, directory: string) {
  const { width } = inputs[0]!;
  const file = join(directory, `${name}.onnx`);
  writeFileSync(file, bytes);
  const session = await openSession(readFileSync(file), 1);
  const features = createFeatures(width);
  const view = (from: number, rowCount: number): Float32Array => {
    const start = (from % ROWS) * width;
    return features.subarray(start, start + rowCount * width);
  };
  const tensor = (from: number, rowCount: number) =>
    new Tensor('float32', view(from, rowCount), [rowCount, width]);
  const scores = new Float32Array(ROWS);
  for (let from = 0; from < ROWS; from += 256) {
    scores.set(await runDirect(session, tensor(from, 256)), from);
  }
  const subject: Subject = {
    name,
    width,
    session,
    scores,
    rowsPerMs: 256 / (await medianRunMs(session, tensor(0, 256), 15)),
    oneRowMs: await medianRunMs(session, tensor(0, 1), 500),
    load: () =>
      createOnnxModelRuntime().load({
        file,
        placement: 'inline',
        workerCount: WORKERS,
        threadCount: 1,
        rowsMax: 1_024,
      }),
    rows(from, rowCount) {
      const data = view(from, rowCount);
      return { rowCount, inputs: new Map([[INPUT, { type: 'float32', data, width }]]) };
    },
    tensor,
    features: view,
  };
  return subject;
}

function createFeatures(width: number): Float32Array {
  const draw = createDraw(11);
  const features = new Float32Array(2 * ROWS * width);
  for (let at = 0; at < ROWS * width; at++) features[at] = draw(-1_000, 1_000) / 1_000;
  features.copyWithin(ROWS * width, 0, ROWS * width);
  return features;
}

/** Both sides of a comparison read their scores with this: by distinct row, from row `at` of the stream on. */
export function readScores(
  scores: Float32Array,
  at: number,
  { data, from, rowCount }: { data: Float32Array; from: number; rowCount: number },
): void {
  let to = at % ROWS;
  for (let row = from; row < from + rowCount; row++) {
    scores[to] = data[row]!;
    to = to + 1 === ROWS ? 0 : to + 1;
  }
}

export async function runDirect(session: InferenceSession, rows: Tensor): Promise<Float32Array> {
  const outputs = await session.run({ [INPUT]: rows });
  return outputs[OUTPUT]!.data as Float32Array;
}

async function medianRunMs(session: InferenceSession, rows: Tensor, runs: number): Promise<number> {
  const durationsMs: number[] = [];
  for (let run = 0; run < runs; run++) {
    const startMs = performance.now();
    await runDirect(session, rows);
    durationsMs.push(performance.now() - startMs);
  }
  return median(durationsMs);
}
