/**
 * A folder of model versions that come and go while events are scored, and what each version says when it
 * is asked directly, by the digest of its file: the names of versions may change their files.
 */
import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  createSessionRun,
  openSession,
  type RunBatch,
} from '../../services/platform/model/onnx-session.ts';
import type { GeneratedModel } from './onnx-models.ts';

export const FEATURES = ['a', 'b', 'c', 'd'] as const;
export const INPUT = 'features';
export const OUTPUT = 'score';
const ROWS_A_RUN = 256;

export interface PutOptions {
  /** Added to what golden.json expects. */
  readonly goldenError?: number;
}

export interface RolloutVersions {
  /** Writes `<version>/` as a person would, and returns the digest of the model. */
  put(version: string, model: GeneratedModel, options?: PutOptions): Promise<string>;
  /** Scores of rows by the model of this digest, asked directly. */
  ask(digest: string, rows: readonly (readonly number[])[]): Promise<readonly number[]>;
  close(): Promise<void>;
}

export function createRolloutVersions(directory: string): RolloutVersions {
  const opened = new Map<string, { readonly run: RunBatch; release(): Promise<void> }>();

  async function open(bytes: Uint8Array): Promise<string> {
    const digest = createHash('sha256').update(bytes).digest('hex');
    if (opened.has(digest)) return digest;
    const session = await openSession(bytes, 1);
    const inputs = [{ name: INPUT, type: 'float32', shape: [FEATURES.length] }] as const;
    const run = createSessionRun(session, { inputs, batchRowsFixed: null, examples: new Map() });
    opened.set(digest, { run, release: () => session.release() });
    return digest;
  }

  async function ask(
    digest: string,
    rows: readonly (readonly number[])[],
  ): Promise<readonly number[]> {
    const { run } = opened.get(digest)!;
    const scores: number[] = [];
    for (let from = 0; from < rows.length; from += ROWS_A_RUN) {
      const part = rows.slice(from, from + ROWS_A_RUN);
      const data = Float32Array.from(part.flat());
      const tensor = { type: 'float32', width: FEATURES.length, data } as const;
      const { outputs } = await run({ rowCount: part.length, inputs: new Map([[INPUT, tensor]]) });
      scores.push(...(outputs.get(OUTPUT)!.data as Float32Array));
    }
    return scores;
  }

  return {
    ask,
    async put(version, { bytes }, { goldenError = 0 } = {}) {
      const digest = await open(bytes);
      const rows = [
        [0.1, -0.2, 0.3, -0.4],
        [-1, 1, 0.5, 0],
      ];
      const scores = (await ask(digest, rows)).map((score) => [score + goldenError]);
      const golden = { inputs: { [INPUT]: rows }, outputs: { [OUTPUT]: scores } };
      const folder = join(directory, version);
      mkdirSync(folder, { recursive: true });
      writeFileSync(join(folder, 'model.onnx'), bytes);
      writeFileSync(join(folder, 'golden.json'), JSON.stringify(golden));
      return digest;
    },
    async close() {
      for (const { release } of opened.values()) await release();
    },
  };
}
