/** Digests of a bundle's parts: what changes an answer changes its part, and nothing else does. */
import { cp, rm } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { bundleParts } from '../../../services/cli/bundle-digest.ts';
import { copyExample, type ExampleCopy } from './example-copy.ts';

const MODEL = [
  'canary: { version: "2", share: 10% }',
  'fallback: { version: "3" }',
  'lists: { blocked: blocked.txt, others: others.txt }',
  'policies:',
  "  - { name: blocked, when: 'event.applicationId in lists.blocked', set: { score: 1 } }",
  '  - { name: bounds, bounds: { score: [0.01, 0.99] } }',
];

async function example(model: readonly string[] = MODEL): Promise<ExampleCopy> {
  const copy = await copyExample(model);
  for (const version of ['2', '3', '4']) await copy.copyModel(`models/${version}/model.onnx`);
  await copy.write('models/2/golden.json', '{}');
  await copy.write('blocked.txt', 'a\nb\n');
  await copy.write('others.txt', 'c\n');
  return copy;
}

async function partsOf(copy: ExampleCopy) {
  return bundleParts(await copy.load());
}

/** Names of the parts that a change of the copy changes. */
async function changedBy(change: (copy: ExampleCopy) => Promise<unknown>): Promise<string[]> {
  const copy = await example();
  const before = await partsOf(copy);
  await change(copy);
  const after = await partsOf(copy);
  return Object.keys(after).filter((part) => before[part] !== after[part]);
}

test('a bundle that lies elsewhere is the same', async () => {
  const [one, other] = [await example(), await example()];
  expect(await partsOf(other)).toEqual(await partsOf(one));
  await rm(other.directory, { recursive: true });
  await cp(one.directory, other.directory, { recursive: true });
  expect(await partsOf(other)).toEqual(await partsOf(one));
});

describe('the model is every version that may answer', () => {
  test('its own file, a canary, the fallback and what lies beside them', async () => {
    for (const file of ['model.onnx', 'models/2/model.onnx', 'models/3/model.onnx']) {
      expect(await changedBy((copy) => copy.write(file, 'other'))).toEqual(['model']);
    }
    expect(await changedBy((copy) => copy.write('models/3/weights/a.bin', ''))).toEqual(['model']);
    expect(await changedBy((copy) => copy.remove('models/2/golden.json'))).toEqual(['model']);
  });

  test('not a version that nobody names, until a rollout does', async () => {
    expect(await changedBy((copy) => copy.write('models/4/model.onnx', 'other'))).toEqual([]);
    const promoted = '{ "primary": "4" }';
    expect(await changedBy((copy) => copy.write('models/rollout.json', promoted))).toEqual([
      'model',
    ]);
    const copy = await example();
    await copy.write('models/rollout.json', promoted);
    const before = await partsOf(copy);
    await copy.write('models/4/model.onnx', 'other');
    expect((await partsOf(copy)).model).not.toBe(before.model);
  });

  test('a file that goes from one version to another is noticed', async () => {
    const parts = async (there: string) => {
      const copy = await example();
      await copy.write(`models/${there}/extra`, 'x');
      return (await partsOf(copy)).model;
    };
    expect(await parts('2')).not.toBe(await parts('3'));
  });
});

describe('lists', () => {
  test('are their values, wherever they lie and whatever stands beside them', async () => {
    expect(await changedBy((copy) => copy.write('blocked.txt', 'a\nc\n'))).toEqual(['lists']);
    expect(await changedBy((copy) => copy.write('blocked.txt', '# why\n a\nb'))).toEqual([]);
  });

  test('are told apart', async () => {
    expect(
      await changedBy(async (copy) => {
        await copy.write('blocked.txt', 'a\n');
        await copy.write('others.txt', 'b\nc\n');
      }),
    ).toEqual(['lists']);
  });
});

test('what policies do is of the monitor', async () => {
  const before = await partsOf(await example());
  for (const [found, put] of [
    ['set: { score: 1 }', 'set: { score: 0 }'],
    ['[0.01, 0.99]', '[0.02, 0.99]'],
  ] as const) {
    const model = MODEL.map((line) => line.replace(found, put));
    expect(model).not.toEqual(MODEL);
    const after = await partsOf(await example(model));
    expect(Object.keys(after).filter((part) => before[part] !== after[part])).toEqual(['monitor']);
  }
});
