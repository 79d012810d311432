/**
 * Compiles the model worker's entry for tests that load the runtime from source: a worker thread is
 * started by plain Node, which runs no TypeScript.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const PROJECT = fileURLToPath(new URL('../../', import.meta.url));
const ENTRY = 'platform/model/onnx-model-worker';

export interface ModelWorkerEntry {
  /** For `createOnnxModelRuntime({ workerEntry })`. */
  readonly url: URL;
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
      files: [join(PROJECT, 'services', `${ENTRY}.ts`)],
    }),
  );
  const manifest = createRequire(import.meta.url).resolve('typescript/package.json');
  execFileSync(process.execPath, [join(dirname(manifest), 'bin/tsc'), '-p', config], {
    stdio: 'pipe',
  });
  return {
    url: pathToFileURL(join(directory, `${ENTRY}.js`)),
    directory,
    remove: () => rmSync(directory, { recursive: true, force: true }),
  };
}
