/**
 * The examples of services/inference-worker/MODELS.md, run: what a reader copies from them loads, fits
 * and gives its golden outputs, in the credit-default bundle.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { checkBundleModel } from '../../services/cli/check-model.ts';
import { parseRolloutFile } from '../../services/core/rollout/rollout-file.ts';
import { parseInferenceRequest } from '../../services/platform/http/inference-request.ts';
import type { ModelDescription } from '../../services/platform/model/model-runtime.ts';
import { codeBlocks } from '../support/markdown.ts';
import { codeWords, readPage, section } from '../support/markdown-page.ts';
import { copyExample, type ExampleCopy } from '../unit/cli/example-copy.ts';

const page = readPage('services/inference-worker/MODELS.md');
const blocks = codeBlocks(page.text).map(({ language, lines }) => ({
  language,
  text: lines.join('\n'),
}));

/** The one block of the page that holds `part`. */
function block(language: string, part: string): string {
  const found = blocks.filter((each) => each.language === language && each.text.includes(part));
  expect(found, part).toHaveLength(1);
  return found[0]!.text;
}

/** Code in a line of prose, as JSON. */
function inlineJson(title: string): unknown {
  const [found] = codeWords(section(page, title)).filter((word) => word.startsWith('{ "'));
  return JSON.parse(found!);
}

const golden = block('json', '"tolerance"');

/** The example with `section` in the place of its own model's file and version. */
async function exampleWith(section: string): Promise<ExampleCopy> {
  const copy = await copyExample();
  const path = join(copy.directory, 'monitor.yaml');
  const yaml = await readFile(path, 'utf8');
  const own = '  file: model.onnx\n  version: "1"\n';
  expect(yaml).toContain(own);
  const lines = section.replace(/^/gm, '  ');
  await writeFile(
    path,
    yaml.replace(own, () => `${lines}\n`),
  );
  return copy;
}

async function putVersion(copy: ExampleCopy, version: string): Promise<void> {
  await copy.copyModel(`models/${version}/model.onnx`);
  await copy.write(`models/${version}/golden.json`, golden);
}

describe('MODELS.md', () => {
  test('has the examples that are run here', () => {
    expect(blocks.map(({ language }) => language)).toEqual([
      ...['json', 'python', 'yaml', 'yaml', 'yaml', 'yaml'],
    ]);
  });

  test('versions with golden outputs, and who answers', async () => {
    const copy = await exampleWith(block('yaml', 'canary:'));
    for (const version of ['3', '4', '5', '6', '7']) await putVersion(copy, version);
    const bundle = await copy.load();
    expect(bundle.monitor.model).toMatchObject({
      file: null,
      rollout: {
        primary: '4',
        canary: { version: '5', share: 0.1 },
        ab: [{ version: '6', share: 0.2 }],
        shadow: '7',
      },
      fallback: { kind: 'version', version: '3' },
    });
    expect(await checkBundleModel(bundle)).toEqual([]);
    await copy.write('models/6/golden.json', golden.replace('0.8241779', '0.9'));
    expect(await checkBundleModel(bundle)).toMatchObject([{ path: 'model.ab[0].version' }]);
  });

  test('a rollout', () => {
    const file = parseRolloutFile(JSON.stringify(inlineJson('Who answers')));
    expect(file).toMatchObject({ primary: '5', previous: '4', canary: null, shadow: '7' });
  });

  test.each([
    ['what stands in', 'circuit:'],
    ['policies', 'policies:'],
  ])('%s', async (_title, part) => {
    const own = 'file: model.onnx\nversion: "1"\n';
    const copy = await exampleWith(`${own}${block('yaml', part)}`);
    await copy.write('lists/blocked.txt', '# from the fraud desk\na-1\n');
    const { model } = (await copy.load()).monitor;
    const isPolicies = part === 'policies:';
    expect(model).toMatchObject({
      deadlineMs: isPolicies ? 0 : 200,
      fallback: isPolicies ? null : { kind: 'rule' },
    });
    expect(model!.policies).toHaveLength(isPolicies ? 4 : 0);
    expect(model!.lists.get('blocked')).toEqual(isPolicies ? ['a-1'] : undefined);
  });

  test('an ensemble', async () => {
    const copy = await exampleWith('version: "4"');
    await copy.write('models/4/ensemble.yaml', block('yaml', 'nodes:'));
    for (const name of ['trees', 'linear']) await copy.copyModel(`models/4/${name}.onnx`);
    await copy.write('models/4/golden.json', golden);
    expect(await checkBundleModel(await copy.load())).toEqual([]);
  });

  test('a request over HTTP', () => {
    const description: ModelDescription = {
      digest: '',
      inputs: [{ name: 'features', type: 'float32', shape: [5] }],
      outputs: [{ name: 'output_probability', type: 'float32', shape: [2] }],
      batchRowsFixed: null,
      costSamples: [],
    };
    const { batch } = parseInferenceRequest(inlineJson('As a service'), description);
    expect(batch.rowCount).toBe(1);
  });
});
