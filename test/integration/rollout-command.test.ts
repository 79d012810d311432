/**
 * `tidegauge rollout` on a bundle with real models, and a worker's versions that follow it: tried,
 * promoted, refused, rolled back.
 */
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { createBundleVersions } from '../../services/cli/bundle-versions.ts';
import { exitCodeOf } from '../../services/cli/exit.ts';
import { openBundle } from '../../services/cli/open-bundle.ts';
import { addRolloutCommand } from '../../services/cli/rollout-command.ts';
import type { RolloutJson } from '../../services/cli/rollout-result.ts';
import { createModelVersions } from '../../services/inference-worker/model-versions.ts';
import { createVirtualClock } from '../../services/platform/clock/virtual-clock.ts';
import type { LoadedModel } from '../../services/platform/model/model-runtime.ts';
import { createOnnxModelRuntime } from '../../services/platform/model/onnx-model-runtime.ts';
import { EXAMPLE } from '../support/credit-stream.ts';
import { encodeOnnxModel } from '../support/onnx-file.ts';

/** One operator over the five features. */
function model(operator: string, input = 'features'): Uint8Array {
  return encodeOnnxModel({
    nodes: [{ operator, inputs: [input], outputs: ['output_probability'] }],
    inputs: [{ name: input, element: 'float32', shape: ['rows', 5] }],
    outputs: [{ name: 'output_probability', element: 'float32', shape: ['rows', 5] }],
  });
}

const ROWS = [
  [1, -2, 3, -4, 0.5],
  [-1, 2, -3, 4, -0.5],
];
const golden = (outputs: readonly (readonly number[])[]) => ({
  inputs: { features: ROWS },
  outputs: { output_probability: outputs },
});
const negative = ROWS.map((row) => row.map((value) => -value));
const absolute = ROWS.map((row) => row.map(Math.abs));

/** What a golden check cannot tell before it is tried: the versions a team would have. */
let prepared: string;
let bundle: string;
beforeAll(() => {
  prepared = mkdtempSync(join(tmpdir(), 'tidegauge-rollout-'));
  cpSync(EXAMPLE, prepared, { recursive: true });
  put('2', model('Neg'), golden(negative));
  put('3', model('Abs'), golden(absolute));
  put('wrong', model('Abs'), golden(negative));
  put('bare', model('Neg'), null);
  put('unfit', model('Neg', 'inputs'), { ...golden(negative), inputs: { inputs: ROWS } });
  put('broken', Buffer.from('not a model'), golden(negative));
});
afterAll(() => rmSync(prepared, { recursive: true, force: true }));
beforeEach(() => {
  bundle = mkdtempSync(join(tmpdir(), 'tidegauge-rollout-'));
  cpSync(prepared, bundle, { recursive: true });
});
afterEach(() => rmSync(bundle, { recursive: true, force: true }));

function put(version: string, bytes: Uint8Array, expected: object | null, into = prepared): void {
  const folder = join(into, 'models', version);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'model.onnx'), bytes);
  if (expected !== null) writeFileSync(join(folder, 'golden.json'), JSON.stringify(expected));
}

async function written(...args: readonly string[]): Promise<string> {
  const program = new Command('tidegauge').exitOverride();
  addRolloutCommand(program);
  for (const command of program.commands)
    command.exitOverride().configureOutput({ writeErr: () => undefined });
  const texts: string[] = [];
  const out = vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    texts.push(String(text));
    return true;
  });
  try {
    await program.parseAsync(['rollout', ...args, '--bundle', bundle], { from: 'user' });
  } finally {
    out.mockRestore();
  }
  return texts.join('');
}

async function rollout(...args: readonly string[]): Promise<RolloutJson> {
  return JSON.parse(await written(...args, '--json')) as RolloutJson;
}

async function refusal(...args: readonly string[]) {
  const error: unknown = await rollout(...args).then(
    () => new Error('nothing was refused'),
    (reason: unknown) => reason,
  );
  return { message: (error as Error).message, exitCode: exitCodeOf(error) };
}

const roles = ({ plan }: RolloutJson) =>
  plan.map(({ role, version, share }) => [role, version, share]);
const rolloutFile = () => JSON.parse(readFileSync(join(bundle, 'models/rollout.json'), 'utf8'));

describe('a rollout', () => {
  it('from shadow to primary and back, each step in the history', async () => {
    expect(roles(await rollout('promote', '2', '--shadow'))).toEqual([
      ['primary', '1', 1],
      ['shadow', '2', null],
    ]);
    expect(roles(await rollout('promote', '2', '--share', '10%'))).toEqual([
      ['primary', '1', 0.9],
      ['canary', '2', 0.1],
    ]);
    const primary = await rollout('promote');
    expect(roles(primary)).toEqual([['primary', '2', 1]]);
    expect(primary).toMatchObject({ change: 'promote 2', previous: '1', source: 'rollout.json' });
    const back = await rollout('rollback');
    expect(roles(back)).toEqual([['primary', '1', 1]]);
    expect(back.history.map(({ change }) => change)).toEqual([
      'shadow 2',
      'canary 2 at 10%',
      'promote 2',
      'roll back 2 to 1',
    ]);
    expect(back.history.every(({ at, by }) => Date.parse(at) > 0 && by !== '')).toBe(true);
    expect(rolloutFile()).toMatchObject({ primary: '1', previous: null });
  });

  it('status loads every version and says what is wrong with each', async () => {
    const status = await rollout('status');
    expect(status).toMatchObject({ source: 'monitor.yaml', change: null, declaredPrimary: '1' });
    const found = status.versions!.map(({ version, golden: outcome, reason, digest }) => {
      expect(digest === null || /^[0-9a-f]{64}$/.test(digest)).toBe(true);
      return [version, outcome, reason];
    });
    expect(found).toEqual([
      ['2', 'verified', ''],
      ['3', 'verified', ''],
      ['bare', null, expect.stringContaining('version bare has no golden.json')],
      ['broken', null, expect.stringContaining('is not an ONNX file')],
      ['unfit', null, expect.stringContaining('does not fit the monitor: model.inputs.features')],
      [
        'wrong',
        null,
        expect.stringContaining(
          'outputs.output_probability, row 0, element 0: found 1, expected -1',
        ),
      ],
      ['1', 'absent', ''],
    ]);
    const text = await written('status');
    expect(text).toMatch(/^plan of monitor\.yaml\n {2}primary {2}1 {2}100%\nversions\n/);
    expect(text).toMatch(/ {2}wrong .*refused: .*golden\.json does not hold/);
  });

  it.each([
    [
      'wrong',
      /version wrong is refused: .*golden\.json does not hold: .*and \d+ more|found 1, expected -1/,
    ],
    ['bare', /version bare is refused: .*no golden\.json/],
    ['unfit', /version unfit is refused: .*does not fit/],
    ['broken', /version broken is refused: .*not an ONNX file/],
    ['9', /version 9 is refused: there is no .*models\/9/],
    ['1', /version 1 is the primary already/],
  ])('does not promote %s, and changes nothing', async (version, message) => {
    for (const options of [[], ['--share', '5%'], ['--shadow']]) {
      const refused = await refusal('promote', version, ...options);
      expect(refused.message).toMatch(message);
      expect(refused.exitCode).toBe(2);
    }
    expect(() => rolloutFile()).toThrow(/ENOENT/);
  });

  it.each([
    [['promote'], /no canary to promote/],
    [['promote', '2', '--share', '0'], /share/],
    [['promote', '2', '--share', '100%'], /share/],
    [['promote', '2', '--share', '10%', '--shadow'], /a shadow answers no events/],
    [['rollback'], /no canary and no primary before 1/],
    [['rollback', '2'], /takes no version/],
    [['status', '--share', '10%'], /takes no version and no --share/],
    [['undo'], /Allowed choices are status, promote, rollback/],
  ] as const)('refuses %j', async (args, message) => {
    const refused = await refusal(...args);
    expect(refused.message).toMatch(message);
    expect(refused.exitCode).toBe(2);
  });

  it('does not write over a rollout.json that is wrong', async () => {
    writeFileSync(join(bundle, 'models/rollout.json'), '{"primary":');
    for (const args of [['status'], ['promote', '2'], ['rollback']]) {
      expect(await refusal(...args)).toMatchObject({
        exitCode: 2,
        message: expect.stringContaining('rollout.json: not valid JSON'),
      });
    }
    expect(readFileSync(join(bundle, 'models/rollout.json'), 'utf8')).toBe('{"primary":');
  });

  it('going back to a version without files warns that only a worker may still have it', async () => {
    await rollout('promote', '2');
    await rollout('promote', '3');
    rmSync(join(bundle, 'models/2'), { recursive: true });
    const error = vi.spyOn(process.stderr, 'write').mockImplementation(() => true);
    try {
      expect(roles(await rollout('rollback'))).toEqual([['primary', '2', 1]]);
      expect(error.mock.calls.flat().join('')).toMatch(/version 2 has no files/);
    } finally {
      error.mockRestore();
    }
  });
});

describe('a worker', () => {
  it('follows: loads and verifies with the same code, goes back to what it holds', async () => {
    const { model: spec, folder } = createBundleVersions(await openBundle(bundle));
    const runtime = createOnnxModelRuntime();
    const said: string[] = [];
    const clock = createVirtualClock();
    const versions = createModelVersions<LoadedModel>({
      ...{ spec, folder, clock, watch: false },
      load: ({ file }) =>
        runtime.load({ file, placement: 'inline', workerCount: 1, threadCount: 1, rowsMax: 4 }),
      fits: () => [],
      serve: (_version, loaded) => loaded,
      retire: async () => undefined,
      events: {
        versionServed: (version) => said.push(`served ${version}`),
        versionRefused: (version, reason) => said.push(`refused ${version}: ${reason}`),
        versionRetired: (version) => said.push(`retired ${version}`),
        planChanged: ({ primary }) => said.push(`primary ${primary}`),
        versionsLooked: () => undefined,
        folderFailed: (reason) => said.push(reason),
      },
    });
    /** Two looks agree on files, and what they began to load is done. */
    const follow = async () => {
      await versions.check();
      await versions.check();
      const isLoading = () => versions.status().versions.some(({ state }) => state === 'loading');
      await vi.waitUntil(() => !isLoading(), { timeout: 20_000, interval: 5 });
    };
    try {
      await versions.start();
      expect(said.splice(0)).toEqual(['served 1', 'primary 1']);
      await rollout('promote', '2');
      await follow();
      expect(said.splice(0)).toEqual(['served 2', 'primary 2']);
      expect(versions.status().versions[0]).toMatchObject({ version: '2', isGolden: true });
      rmSync(join(bundle, 'model.onnx'));
      await rollout('rollback').catch(() => undefined);
      await versions.check();
      expect(said.splice(0)).toEqual(['primary 1']);

      // Whoever writes the file by hand is not checked by the command, but by the worker.
      writeFileSync(join(bundle, 'models/rollout.json'), '{"primary":"wrong"}');
      await follow();
      expect(versions.plan().primary).toBe('1');
      expect(said.splice(0)).toEqual([expect.stringMatching(/^refused wrong: .*does not hold/)]);
    } finally {
      await versions.close();
    }
  });
});
