/** Small models written to a folder of their own and loaded by one runtime on one placement. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type {
  LoadedModel,
  LoadOptions,
  ModelBatch,
  ModelOutputs,
  ModelRuntime,
  RunOptions,
} from '../../services/platform/model/model-runtime.ts';
import { encodeOnnxModel, type OnnxModel } from './onnx-file.ts';

export interface ModelFixture {
  readonly directory: string;
  write(name: string, model: OnnxModel | Uint8Array): string;
  load(file: string): Promise<LoadedModel>;
  /** Writes, loads, and closes afterwards. */
  withModel(
    model: OnnxModel | Uint8Array,
    use: (loaded: LoadedModel) => Promise<void>,
  ): Promise<void>;
  remove(): void;
}

export function createModelFixture(
  runtime: ModelRuntime,
  options: Omit<LoadOptions, 'file'>,
): ModelFixture {
  const directory = mkdtempSync(join(tmpdir(), 'tidegauge-model-'));

  function write(name: string, model: OnnxModel | Uint8Array): string {
    const file = join(directory, `${name}.onnx`);
    writeFileSync(file, model instanceof Uint8Array ? model : encodeOnnxModel(model));
    return file;
  }

  function load(file: string): Promise<LoadedModel> {
    return runtime.load({ ...options, file });
  }

  return {
    directory,
    write,
    load,
    async withModel(model, use) {
      const loaded = await load(write('model', model));
      try {
        await use(loaded);
      } finally {
        await loaded.close();
      }
    },
    remove: () => rmSync(directory, { recursive: true, force: true }),
  };
}

export async function outputsOf(
  model: LoadedModel,
  batch: ModelBatch,
  options?: RunOptions,
): Promise<ModelOutputs> {
  return (await model.run(batch, options)).outputs;
}
