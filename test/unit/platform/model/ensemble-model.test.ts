/** An ensemble as one model: wiring, refusals, failures, costs, and who may move which array. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { CodedError } from '../../../../services/core/errors.ts';
import { parseEnsembleFile } from '../../../../services/platform/config/ensemble-file.ts';
import { loadEnsemble } from '../../../../services/platform/model/ensemble-model.ts';
import { createEnsembleRuntime } from '../../../../services/platform/model/ensemble-runtime.ts';
import type {
  LoadedModel,
  ModelBatch,
  TensorDescription,
} from '../../../../services/platform/model/model-runtime.ts';
import { createOnnxModelRuntime } from '../../../../services/platform/model/onnx-model-runtime.ts';
import {
  createMember,
  createRuntimeOf,
  type Member,
  type MemberParts,
} from '../../../support/ensemble-members.ts';
import { tinyMlp } from '../../../support/onnx-models.ts';

const OPTIONS = { placement: 'auto', workerCount: 1, threadCount: 1, rowsMax: 64 } as const;

function specOf(text: string) {
  const parsed = parseEnsembleFile('ensemble.yaml', text);
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  return parsed.spec;
}

const load = (text: string, members: Readonly<Record<string, LoadedModel>>) =>
  loadEnsemble(createRuntimeOf(members), specOf(text), '/models/1', OPTIONS);

const tensor = (
  name: string,
  type: TensorDescription['type'] = 'float32',
  width: number | null = 1,
): TensorDescription => ({ name, type, shape: [width] });

const floats = (values: readonly number[], width = 1) =>
  ({ type: 'float32', data: Float32Array.from(values), width }) as const;

const batchOf = (x: readonly number[]): ModelBatch => ({
  rowCount: x.length,
  inputs: new Map([['x', floats(x)]]),
});

/** Adds to each `x`. */
const adding = (amount: number, rest: Partial<MemberParts> = {}): Member =>
  createMember({
    run: (batch) => {
      const data = batch.inputs.get('x')!.data as Float32Array;
      return new Map([['value', floats([...data].map((x) => x + amount))]]);
    },
    ...rest,
  });

const failing = (code: 'inference.run' | 'inference.worker'): Member =>
  createMember({
    run: () => {
      throw new CodedError(code, 'it does not run');
    },
  });

const valuesOf = async (model: LoadedModel, batch: ModelBatch, name = 'out') =>
  Array.from((await model.run(batch)).outputs.get(name)!.data as Float32Array);

const TWO =
  'nodes: { a: { model: a.onnx }, b: { model: b.onnx }, c: COMBINE }\noutputs: { out: c }';
const two = (combine: string) => TWO.replace('COMBINE', combine);

describe('combined', () => {
  test.each([
    ['{ mean: [a.value, b.value] }', [3, 4]],
    ['{ weighted: { a.value: 3, b.value: 1 } }', [2, 3]],
    ['{ vote: [b.value, a.value, a.value] }', [1, 2]],
    ['{ vote: [b.value, a.value] }', [5, 6]],
    ['{ first: [a.value, b.value] }', [1, 2]],
  ])('%s', async (combine, expected) => {
    const model = await load(two(combine), { 'a.onnx': adding(0), 'b.onnx': adding(4) });
    expect(model.description.inputs).toEqual([tensor('x')]);
    expect(model.description.outputs).toEqual([{ ...tensor('out'), name: 'out' }]);
    expect(await valuesOf(model, batchOf([1, 2]))).toEqual(expected);
  });

  test('stacked: columns side by side, numbers made those of the input', async () => {
    let given: ModelBatch | null = null;
    const stack = createMember({
      description: { inputs: [tensor('features', 'float64', 3), tensor('x')] },
      run: (batch) => {
        given = batch;
        return new Map([['value', floats([7, 8])]]);
      },
    });
    const model = await load(
      `nodes:
  a: { model: a.onnx }
  b: { model: b.onnx }
  m: { mean: [a.value, b.value] }
  s: { model: s.onnx, inputs: { features: [a.value, m, b.value] } }
outputs: { out: s.value, mean: m }`,
      { 'a.onnx': adding(0), 'b.onnx': adding(4), 's.onnx': stack },
    );
    expect(await valuesOf(model, batchOf([1, 2]))).toEqual([7, 8]);
    expect(given!.inputs.get('features')).toEqual({
      ...{ type: 'float64', width: 3, data: Float64Array.of(1, 3, 5, 2, 4, 6) },
    });
    expect(given!.inputs.get('x')).toEqual(floats([1, 2]));
  });

  test('a mean of other numbers than float32 is float64, labels stay what they are', async () => {
    const labels = createMember({
      description: { outputs: [tensor('value', 'int64'), tensor('p')] },
      run: () =>
        new Map([
          ['value', { type: 'int64', data: BigInt64Array.of(1n, 2n), width: 1 } as never],
          ['p', floats([0.5, 0.25])],
        ]),
    });
    const text = `nodes:
  a: { model: a.onnx }
  m: { mean: [a.value, a.p] }
  v: { vote: [a.value, a.value] }
outputs: { out: m, label: v }`;
    const model = await load(text, { 'a.onnx': labels });
    expect(model.description.outputs.map(({ type }) => type)).toEqual(['float64', 'int64']);
    const { outputs } = await model.run(batchOf([0, 0]));
    expect(outputs.get('out')!.data).toEqual(Float64Array.of(0.75, 1.125));
    expect(outputs.get('label')!.data).toEqual(BigInt64Array.of(1n, 2n));
  });
});

describe('refused, and the members closed', () => {
  test.each([
    [two('{ mean: [a.valu, b.value] }'), 'node c: a has no output valu; did you mean value?'],
    [
      two('{ mean: [a.value, b.label] }'),
      'mean cannot take these types: a.value float32, b.label string',
    ],
    [two('{ vote: [a.value, b.label] }'), 'vote cannot take these types'],
    [two('{ mean: [a.value, b.wide] }'), 'a.value has 1 elements a row and b.wide 2'],
    [two('{ mean: [a.value, b.open] }'), 'open has no fixed number of elements a row'],
    [
      two('{ model: s.onnx, inputs: { y: [a.value], x: [b.value] } }').replace(
        'out: c',
        'out: c.value',
      ),
      'node c: s.onnx has no input y; did you mean x?',
    ],
    [
      two('{ model: s.onnx, inputs: { x: [a.value, b.value] } }').replace('out: c', 'out: c.value'),
      'input x takes 1 elements a row and a.value, b.value make 2',
    ],
    [
      two('{ model: s.onnx, inputs: { x: [b.label, a.value] } }').replace('out: c', 'out: c.value'),
      'input x takes float32 and b.label is string',
    ],
    [
      two('{ mean: [a.value, b.value] }').replace('out: c', 'out: c, q: a.q'),
      'node outputs: a has no output q',
    ],
  ])('%s', async (text, reason) => {
    const outputs = [
      ...[tensor('value'), tensor('label', 'string'), tensor('wide', 'float32', 2)],
      tensor('open', 'float32', null),
    ];
    const members = {
      'a.onnx': adding(0),
      'b.onnx': adding(0, { description: { outputs } }),
      's.onnx': adding(0),
    };
    await expect(load(text, members)).rejects.toThrow(
      expect.objectContaining({
        code: 'configuration.model',
        message: expect.stringContaining(reason),
      }),
    );
    expect([members['a.onnx'].closed, members['b.onnx'].closed]).toEqual([true, true]);
  });

  test('an input that two members take differently', async () => {
    const wide = adding(0, { description: { inputs: [tensor('x', 'float32', 2)] } });
    const members = { 'a.onnx': adding(0), 'b.onnx': wide };
    await expect(load(two('{ mean: [a.value, b.value] }'), members)).rejects.toThrow(
      'its input x is float32 × 2, another node takes it as float32 × 1',
    );
  });

  test('a member that does not load', async () => {
    const first = adding(0);
    const runtime = createRuntimeOf({
      'a.onnx': first,
      'b.onnx': () => {
        throw new CodedError('configuration.model', 'b.onnx is no model');
      },
    });
    const spec = specOf(two('{ mean: [a.value, b.value] }'));
    await expect(loadEnsemble(runtime, spec, '/m', OPTIONS)).rejects.toThrow('b.onnx is no model');
    expect(first.closed).toBe(true);
  });

  test('a batch that does not fit, before any member runs', async () => {
    const model = await load(two('{ first: [a.value, b.value] }'), {
      ...{ 'a.onnx': failing('inference.run'), 'b.onnx': adding(4) },
    });
    const wrong = { rowCount: 1, inputs: new Map([['y', floats([1])]]) };
    await expect(model.run(wrong)).rejects.toMatchObject({ code: 'inference.input' });
  });
});

describe('failures', () => {
  test('of a member are those of the batch', async () => {
    const members = { 'a.onnx': failing('inference.run'), 'b.onnx': adding(4) };
    const model = await load(two('{ mean: [a.value, b.value] }'), members);
    await expect(model.run(batchOf([1]))).rejects.toMatchObject({ code: 'inference.run' });
  });

  test('below a first the next member answers, also where all rows fail', async () => {
    const members = { 'a.onnx': failing('inference.run'), 'b.onnx': adding(4) };
    const model = await load(two('{ first: [a.value, b.value] }'), members);
    expect(await valuesOf(model, batchOf([1, 2, 3]))).toEqual([5, 6, 7]);
  });

  test('a row of a big batch is found in few runs, and the others keep their member', async () => {
    let runs = 0;
    const picky = createMember({
      run: (batch) => {
        runs += 1;
        const data = batch.inputs.get('x')!.data as Float32Array;
        if (data.includes(77)) throw new CodedError('inference.run', 'not 77');
        return new Map([['value', floats([...data].map((x) => -x))]]);
      },
    });
    const members = { 'a.onnx': picky, 'b.onnx': adding(4) };
    const model = await load(two('{ first: [a.value, b.value] }'), members);
    const xs = Array.from({ length: 256 }, (_, i) => i + 1);
    expect(await valuesOf(model, batchOf(xs))).toEqual(xs.map((x) => (x === 77 ? 81 : -x)));
    expect(runs).toBeLessThanOrEqual(17);
  });

  test('a thread that ended is not a row that fails: the batch is to run again', async () => {
    const members = { 'a.onnx': failing('inference.worker'), 'b.onnx': adding(4) };
    const model = await load(two('{ first: [a.value, b.value] }'), members);
    await expect(model.run(batchOf([1]))).rejects.toMatchObject({ code: 'inference.worker' });
  });

  test('where no member answers, the first failure is told', async () => {
    const members = { 'a.onnx': failing('inference.run'), 'b.onnx': failing('inference.run') };
    const model = await load(two('{ first: [a.value, b.value] }'), members);
    await expect(model.run(batchOf([1, 2]))).rejects.toThrow('it does not run');
  });

  test('after closing', async () => {
    const members = { 'a.onnx': adding(0), 'b.onnx': adding(4) };
    const model = await load(two('{ mean: [a.value, b.value] }'), members);
    await model.close();
    await model.close();
    expect([members['a.onnx'].closed, members['b.onnx'].closed]).toEqual([true, true]);
    await expect(model.run(batchOf([1]))).rejects.toThrow('the model was closed');
  });
});

describe('what it says of itself', () => {
  const text = two('{ mean: [a.value, b.value] }');

  test('costs are added where all have measured, the smallest fixed batch is its own', async () => {
    const members = {
      'a.onnx': adding(0, { description: { batchRowsFixed: 16 } }),
      'b.onnx': adding(0, {
        description: {
          batchRowsFixed: 8,
          costSamples: [
            { rowCount: 64, durationMs: 2 },
            { rowCount: 256, durationMs: 9 },
          ],
        },
      }),
    };
    const { description } = await load(text, members);
    expect(description.costSamples).toEqual([{ rowCount: 64, durationMs: 2.1 }]);
    expect(description.batchRowsFixed).toBe(8);
  });

  test('the digest is of the wiring and of every file', async () => {
    const digestOf = async (wiring: string, digest: string) => {
      const b = adding(0, { description: { digest } });
      return (await load(wiring, { 'a.onnx': adding(0), 'b.onnx': b })).description.digest;
    };
    const other = two('{ mean: [b.value, a.value] }');
    const digests = [
      await digestOf(text, 'e'.repeat(64)),
      await digestOf(text, 'f'.repeat(64)),
      await digestOf(other, 'f'.repeat(64)),
      await digestOf(two('{ weighted: { a.value: 1, b.value: 2 } }'), 'f'.repeat(64)),
      await digestOf(two('{ weighted: { a.value: 2, b.value: 1 } }'), 'f'.repeat(64)),
    ];
    expect(new Set(digests).size).toBe(5);
    expect(await digestOf(`# a comment\n${text}`, 'e'.repeat(64))).toBe(digests[0]);
  });

  test('inline the sum of all members, on workers the longest way', async () => {
    const members = {
      'a.onnx': adding(0, { durationMs: 2 }),
      'b.onnx': adding(0, { durationMs: 3 }),
      's.onnx': adding(0, { durationMs: 4 }),
    };
    const stacked = `nodes:
  a: { model: a.onnx }
  b: { model: b.onnx }
  s: { model: s.onnx, inputs: { x: [a.value] } }
  m: { mean: [s.value, b.value] }
outputs: { out: m }`;
    const model = await load(stacked, members);
    expect([model.placement, model.batchesInFlightMax]).toEqual(['inline', 1]);
    expect((await model.run(batchOf([1]))).durationMs).toBe(9);
    await model.place('workers');
    expect([model.placement, model.batchesInFlightMax]).toEqual(['workers', 4]);
    expect((await model.run(batchOf([1]))).durationMs).toBe(6);
    expect(members['s.onnx'].placement).toBe('workers');
  });

  test('one member that must not be opened inline keeps the others from being moved there', async () => {
    const members = { 'a.onnx': adding(0), 'b.onnx': adding(0, { isInlineable: false }) };
    expect((await load(text, members)).isInlineable).toBe(false);
    expect((await load(text, { ...members, 'b.onnx': adding(0) })).isInlineable).toBe(true);
  });

  test('one member on workers takes the others there', async () => {
    const members = { 'a.onnx': adding(0), 'b.onnx': adding(0, { placement: 'workers' }) };
    const model = await load(text, members);
    expect(model.placement).toBe('workers');
    expect(members['a.onnx'].placement).toBe('workers');
  });
});

test('independent members run beside one another', async () => {
  const started: string[] = [];
  let release = () => {};
  const gate = new Promise<void>((resolve) => {
    release = resolve;
  });
  const waiting = (name: string): LoadedModel => {
    const member = adding(0);
    return {
      ...member,
      async run(batch, options) {
        started.push(name);
        if (started.length === 2) release();
        await gate;
        return member.run(batch, options);
      },
    };
  };
  const model = await load(two('{ mean: [a.value, b.value] }'), {
    ...{ 'a.onnx': waiting('a'), 'b.onnx': waiting('b') },
  });
  expect(await valuesOf(model, batchOf([5]))).toEqual([5]);
  expect(started).toEqual(['a', 'b']);
});

describe('an array is moved once, and only if one member alone reads it', () => {
  /** Takes an owned array away from everybody, as a worker does. */
  const moving = (input: string, amount: number): Member =>
    createMember({
      description: { inputs: [tensor(input)] },
      run: (batch, options) => {
        const { data } = batch.inputs.get(input)! as ReturnType<typeof floats>;
        const given = options?.owned ? structuredClone(data, { transfer: [data.buffer] }) : data;
        return new Map([['value', floats([...given].map((x) => x + amount))]]);
      },
    });

  test.each(['mean', 'first'])('%s', async (kind) => {
    const model = await load(
      `nodes:
  a: { model: a.onnx }
  b: { model: b.onnx }
  c: { model: c.onnx }
  d: { model: d.onnx, inputs: { w: [c.value] } }
  e: { model: e.onnx, inputs: { w: [c.value] } }
  m: { ${kind}: [a.value, b.value, c.value, d.value, e.value] }
outputs: { out: m, c: c.value }`,
      {
        'a.onnx': moving('x', 0),
        'b.onnx': moving('x', 0),
        'c.onnx': moving('y', 0),
        'd.onnx': moving('w', 0),
        'e.onnx': moving('w', 0),
      },
    );
    const [x, y] = [floats([1, 2]), floats([1, 2])];
    const inputs = new Map([
      ['x', x],
      ['y', y],
    ]);
    expect(await valuesOf(model, { rowCount: 2, inputs })).toEqual([1, 2]);
    const owned = await model.run({ rowCount: 2, inputs }, { owned: true });
    expect(owned.outputs.get('out')!.data).toEqual(Float32Array.of(1, 2));
    expect(owned.outputs.get('c')!.data).toEqual(Float32Array.of(1, 2));
    expect(x.data.length).toBe(2);
    expect(y.data.length).toBe(0);
  });
});

describe('from a folder, by ONNX Runtime', () => {
  const folders: string[] = [];
  const closing: LoadedModel[] = [];
  afterEach(async () => {
    for (const model of closing.splice(0)) await model.close();
    for (const folder of folders.splice(0)) await rm(folder, { recursive: true });
  });

  async function folderWith(ensemble: string): Promise<string> {
    const folder = await mkdtemp(join(tmpdir(), 'ensemble-'));
    folders.push(folder);
    await writeFile(join(folder, 'one.onnx'), tinyMlp(4, 8, 1).bytes);
    await writeFile(join(folder, 'two.onnx'), tinyMlp(4, 8, 2).bytes);
    await writeFile(join(folder, 'stack.onnx'), tinyMlp(2, 4, 3).bytes);
    await writeFile(join(folder, 'ensemble.yaml'), ensemble);
    return folder;
  }

  test('a mean and a stacking model give what their members would', async () => {
    const folder = await folderWith(`
nodes:
  one: { model: one.onnx }
  two: { model: two.onnx }
  blend: { mean: [one.score, two.score] }
  stack: { model: stack.onnx, inputs: { features: [one.score, two.score] } }
outputs: { blend: blend, stack: stack.score }
`);
    const runtime = createEnsembleRuntime(createOnnxModelRuntime());
    const loadFile = async (name: string): Promise<LoadedModel> => {
      const model = await runtime.load({
        ...OPTIONS,
        placement: 'inline',
        file: join(folder, name),
      });
      closing.push(model);
      return model;
    };
    const ensemble = await loadFile('ensemble.yaml');
    const features = floats([0.1, -0.2, 0.3, 1, 2, -1, 0.5, 0, -0.4, 0.2, 0.9, 1.5], 4);
    const batch = { rowCount: 3, inputs: new Map([['features', features]]) };
    const { outputs } = await ensemble.run(batch);
    const one = await valuesOf(await loadFile('one.onnx'), batch, 'score');
    const both = await valuesOf(await loadFile('two.onnx'), batch, 'score');
    expect(one).not.toEqual(both);
    expect(Array.from(outputs.get('blend')!.data as Float32Array)).toEqual(
      one.map((score, row) => Math.fround((score + both[row]!) / 2)),
    );
    const pairs = floats(
      one.flatMap((score, row) => [score, both[row]!]),
      2,
    );
    const stacked = { rowCount: 3, inputs: new Map([['features', pairs]]) };
    expect(Array.from(outputs.get('stack')!.data as Float32Array)).toEqual(
      await valuesOf(await loadFile('stack.onnx'), stacked, 'score'),
    );
  });

  test('a file with mistakes is refused with their places', async () => {
    const folder = await folderWith('nodes: { a: { model: one.onnx } }\noutputs: { p: b.score }\n');
    const runtime = createEnsembleRuntime(createOnnxModelRuntime());
    await expect(
      runtime.load({ ...OPTIONS, file: join(folder, 'ensemble.yaml') }),
    ).rejects.toMatchObject({
      code: 'configuration.model',
      message: expect.stringContaining('ensemble.yaml:2:15: outputs.p: there is no node b'),
    });
    await expect(
      runtime.load({ ...OPTIONS, file: join(folder, 'none', 'ensemble.yaml') }),
    ).rejects.toThrow('it cannot be read');
  });
});
