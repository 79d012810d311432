/** The `model` section of monitor.yaml with all it can say, and the files it names. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { LIST_BYTES_MAX, LIST_ENTRIES_MAX } from '../../../../services/core/limits.ts';
import { checkBundle } from '../../../../services/platform/config/check-bundle.ts';
import { loadBundle } from '../../../../services/platform/config/load-bundle.ts';
import { toShare } from '../../../../services/platform/config/model-file.ts';
import { formatProblem } from '../../../../services/platform/config/problem.ts';
import { parseList } from '../../../../services/platform/config/read-lists.ts';
import { type BundleFiles, writeBundle } from './bundle-files.ts';
import { FALLBACK, MODEL_FILES, MODEL_YAML, modelBundle } from './model-bundle.ts';

async function modelOf(files: BundleFiles) {
  const result = await loadBundle(await writeBundle(files), { requireReference: false });
  if (!result.ok) throw new Error(result.problems.map(formatProblem).join('\n'));
  const { model } = result.bundle.monitor;
  if (model === null) throw new Error('no model');
  return model;
}

test('everything written is in the model', async () => {
  const { versionsDirectory, ...model } = await modelOf(MODEL_FILES);
  expect(versionsDirectory).toMatch(/^\/.*\/models$/);
  expect(model).toMatchObject({
    file: null,
    version: '3',
    rollout: {
      primary: '3',
      canary: { version: '4', share: 0.1 },
      ab: [
        { version: '5-b', share: 0.2 },
        { version: '5-c', share: 0.125 },
      ],
      shadow: '6',
    },
    inputs: [
      { tensor: 'age', columns: ['age'] },
      { tensor: 'text', columns: ['employment', 'channel'] },
    ],
    outputs: [
      { name: 'score', tensor: 'probabilities', index: 1 },
      { name: 'limit', tensor: 'limits', index: 0, drift: null },
    ],
    batch: { rowsMax: 1, bytesMax: 1024, runMsMax: 5_000 },
    runtime: { placement: 'workers', workerCount: 3, threadCount: 4 },
    deadlineMs: 250,
    circuit: { failureShare: 1, rowCount: 10, openMs: 60_000 },
    cache: { entriesMax: 100, ttlMs: 86_400_000 },
  });
  expect(model.lists).toEqual(
    new Map([
      ['blocked', ['a-1', 'b 2', 'b 2']],
      ['partners', ['acme']],
    ]),
  );
  expect(model.policies).toEqual([
    {
      name: 'blocked',
      when: 'event.applicationId in lists.blocked',
      action: {
        kind: 'set',
        outputs: new Map([
          ['score', 1],
          ['limit', 0],
        ]),
      },
    },
    {
      name: 'bounds',
      when: null,
      action: {
        kind: 'bounds',
        bounds: new Map([
          ['score', [0.01, 0.99]],
          ['limit', [null, 5000]],
        ]),
      },
    },
    { name: 'tests', when: 'event.channel == "test"', action: { kind: 'suppress' } },
    {
      name: 'surcharge',
      when: null,
      action: { kind: 'set', outputs: new Map([['score', 'output.score * 1.1 - raw.limit']]) },
    },
  ]);
});

describe('what stands in', () => {
  test('values are in the order of the outputs, however they are written', async () => {
    expect((await modelOf(MODEL_FILES)).fallback).toEqual({
      kind: 'rule',
      expressions: ['event.applicant.age > 60 ? 1 : 0', 'event.loan.amount * 0.5'],
    });
    const constant = modelBundle(FALLBACK, '  fallback: { constant: { limit: -2, score: 0.5 } }');
    expect((await modelOf(constant)).fallback).toEqual({ kind: 'constant', outputs: [0.5, -2] });
  });

  test('a version of its own, or one of ab', async () => {
    const other = modelBundle(FALLBACK, '  fallback: { version: "2" }', {
      'models/2/model.onnx': '',
    });
    expect((await modelOf(other)).fallback).toEqual({ kind: 'version', version: '2' });
    const arm = modelBundle(FALLBACK, '  fallback: { version: 5-b }');
    expect((await modelOf(arm)).fallback).toEqual({ kind: 'version', version: '5-b' });
  });
});

test('a share is the same as a percentage and as a number', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 99_999 }), (thousandths) => {
      expect(toShare(`${thousandths / 1000}%`)).toBeCloseTo(thousandths / 100_000, 12);
      expect(toShare(thousandths / 100_000)).toBe(thousandths / 100_000);
    }),
  );
});

test('a list keeps every value, whatever surrounds it', () => {
  const value = fc.string({ minLength: 1 }).filter((text) => !/^#|[\r\n]/.test(text.trim()));
  const blank = fc.constantFrom('', ' ', '\t', '# a, b', '  #');
  fc.assert(
    fc.property(fc.array(fc.tuple(value, blank)), fc.constantFrom('\n', '\r\n'), (rows, end) => {
      const text = rows.map(([each, filler]) => `${filler}${end} ${each} `).join(end);
      expect(parseList(text)).toEqual(
        rows.map(([each]) => each.trim()).filter((each) => each !== ''),
      );
    }),
  );
});

const lines = async (files: BundleFiles, requireModel = true) =>
  (await checkBundle(await writeBundle(files), { requireReference: false, requireModel })).lines;

describe('files', () => {
  test('a version with both kinds of file is refused', async () => {
    expect(await lines({ ...MODEL_FILES, 'models/4/model.onnx': '' })).toEqual([
      expect.stringMatching(
        /model\.canary\.version: found models\/4\/model\.onnx and models\/4\/ensemble\.yaml in the bundle, expected one of them$/,
      ),
    ]);
  });

  test('versions need no files where models are not required', async () => {
    const { 'models/6/model.onnx': _, ...others } = MODEL_FILES;
    expect(await lines(others)).toHaveLength(1);
    expect(await lines(others, false)).toEqual([]);
  });

  test('the file of the primary stands for its folder', async () => {
    const { 'models/3/model.onnx': _, ...others } = MODEL_FILES;
    const yaml = MODEL_YAML.replace('  version: "3"', '  file: m/old.onnx\n  version: "3"');
    expect(await lines({ ...others, 'monitor.yaml': yaml, 'm/old.onnx': '' })).toEqual([]);
    expect(await lines({ ...others, 'monitor.yaml': yaml })).toEqual([
      expect.stringContaining('model.file: there is no file m/old.onnx in the bundle'),
    ]);
  });

  test('a list that is not text, or too long, is refused by itself', async () => {
    const values = 'a\n'.repeat(LIST_ENTRIES_MAX);
    expect(await lines({ ...MODEL_FILES, 'partners.txt': `${values}# one more\n` })).toEqual([]);
    expect(await lines({ ...MODEL_FILES, 'partners.txt': `${values}b` })).toEqual([
      'partners.txt:1:1: the file has 1000001 values, expected at most 1000000',
    ]);
    expect(await lines({ ...MODEL_FILES, 'partners.txt': ' '.repeat(LIST_BYTES_MAX + 1) })).toEqual(
      [
        `partners.txt:1:1: the file has ${LIST_BYTES_MAX + 1} bytes, expected at most ${LIST_BYTES_MAX}`,
      ],
    );
  });
});
