/**
 * `ModelRuntime` that takes an `ensemble.yaml` where a model file is expected, and loads what it names
 * by another runtime; every other file is the other runtime's.
 */
import { readFile, stat } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { CONFIG_BYTES_MAX } from '../../core/limits.ts';
import { parseEnsembleFile } from '../config/ensemble-file.ts';
import { formatProblem } from '../config/problem.ts';
import { loadEnsemble } from './ensemble-model.ts';
import { ENSEMBLE_FILE } from './file-model-folder.ts';
import { messageOf, refuseModel } from './model-error.ts';
import type { ModelRuntime } from './model-runtime.ts';

async function readText(file: string): Promise<string> {
  try {
    const { size } = await stat(file);
    if (size <= CONFIG_BYTES_MAX) return await readFile(file, 'utf8');
    throw new Error(`it has ${size} bytes, expected at most ${CONFIG_BYTES_MAX}`);
  } catch (error) {
    throw refuseModel(file, `it cannot be read: ${messageOf(error)}`, error);
  }
}

export function createEnsembleRuntime(runtime: ModelRuntime): ModelRuntime {
  return {
    coreCount: runtime.coreCount,
    async load(options) {
      const { file } = options;
      if (basename(file) !== ENSEMBLE_FILE) return runtime.load(options);
      const parsed = parseEnsembleFile(ENSEMBLE_FILE, await readText(file));
      if (parsed.ok) return loadEnsemble(runtime, parsed.spec, dirname(file), options);
      throw refuseModel(file, parsed.problems.map(formatProblem).join('; '));
    },
  };
}
