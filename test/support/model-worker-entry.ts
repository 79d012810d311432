/**
 * Compiles the entries of the model's worker and of its trial for tests that load the runtime from
 * source: threads and processes are started by plain Node, which runs no TypeScript.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const PROJECT = fileURLToPath(new URL('../../', import.meta.url));
const ENTRY = 'platform/model/onnx-model-worker';
const TRIAL = 'platform/model/onnx-model-trial';

export interface ModelWorkerEntry {
  /** For `createOnnxModelRuntime({ workerEntry })`. */
  readonly url: URL;
  /** For `createOnnxModelRuntime({ trialEntry })`. */
  readonly trial: URL;
  /** A folder whose modules find the project's packages; goes with `remove`. */
  readonly directory: string;
  remove(): void;
}

export function compileModelWorkerEntry(): ModelWorkerEntry {
  const directory = mkdtempSync(join(tmpdir(), 'tidegauge-model-worker-'));
  symlinkSync(join(PROJECT, 'node_modules'), join(directory, 'node_modules'), 'dir');
  writeFileSync(join(directory, 'package.json'), '{"type":"module"}');
  const config = join(directory, 'tsconfig.json');
  writeFileSync(
    config,
    JSON.stringify({
      extends: join(PROJECT, 'tsconfig.json'),
      compilerOptions: {
        rootDir: join(PROJECT, 'services'),
        outDir: directory,
        typeRoots: [join(PROJECT, 'node_modules/@types')],
      },
      include: [],
      files: [ENTRY, TRIAL].map((name) => join(PROJECT, 'services', `${name}.ts`)),
    }),
  );
  const manifest = createRequire(import.meta.url).resolve('typescript/package.json');
  execFileSync(process.execPath, [join(dirname(manifest), 'bin/tsc'), '-p', config], {
    stdio: 'pipe',
  });
  return {
    url: pathToFileURL(join(directory, `${ENTRY}.js`)),
    trial: pathToFileURL(join(directory, `${TRIAL}.js`)),
    directory,
    remove: () => rmSync(directory, { recursive: true, force: true }),
  };
}
