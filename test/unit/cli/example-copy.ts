/** A copy of the credit-default example with versions beside its model, removed when the test ends. */
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { onTestFinished } from 'vitest';
import { type Bundle, loadBundle } from '../../../services/platform/config/load-bundle.ts';
import { formatProblem } from '../../../services/platform/config/problem.ts';
import { ROOT } from '../../support/source-tree.ts';

const EXAMPLE = join(ROOT, 'deploy/examples/credit-default');
const VERSION_LINE = '  version: "1"\n';

export interface ExampleCopy {
  readonly directory: string;
  write(file: string, content: string | Uint8Array): Promise<void>;
  /** The example's own model, at another place too. */
  copyModel(file: string): Promise<void>;
  remove(file: string): Promise<void>;
  load(): Promise<Bundle>;
}

/** `model`: lines of the `model` section, beside the example's. */
export async function copyExample(model: readonly string[] = []): Promise<ExampleCopy> {
  const directory = await mkdtemp(join(tmpdir(), 'tidegauge-example-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  for (const name of ['event.avsc', 'monitor.yaml', 'model.onnx', 'reference.json']) {
    await cp(join(EXAMPLE, name), join(directory, name));
  }
  const yaml = await readFile(join(directory, 'monitor.yaml'), 'utf8');
  if (!yaml.includes(VERSION_LINE)) throw new Error(`the example has no ${VERSION_LINE}`);
  const lines = model.map((line) => `  ${line}\n`).join('');
  await writeFile(
    join(directory, 'monitor.yaml'),
    yaml.replace(VERSION_LINE, () => `${VERSION_LINE}${lines}`),
  );
  const within = async (file: string): Promise<string> => {
    await mkdir(dirname(join(directory, file)), { recursive: true });
    return join(directory, file);
  };
  return {
    directory,
    write: async (file, content) => writeFile(await within(file), content),
    copyModel: async (file) => cp(join(EXAMPLE, 'model.onnx'), await within(file)),
    remove: (file) => rm(join(directory, file), { recursive: true }),
    load: async () => {
      const result = await loadBundle(directory);
      if (!result.ok) throw new Error(result.problems.map(formatProblem).join('\n'));
      return result.bundle;
    },
  };
}
