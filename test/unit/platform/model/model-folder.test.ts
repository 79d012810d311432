/** The folder of versions on a real file system, with what may happen to it. */
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CodedError } from '../../../../services/core/errors.ts';
import { CONFIG_BYTES_MAX, VERSION_FILES_MAX } from '../../../../services/core/limits.ts';
import { rolloutFileOf } from '../../../../services/core/rollout/rollout-file.ts';
import { createFileModelFolder } from '../../../../services/platform/model/file-model-folder.ts';

let root: string;
let directory: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'tidegauge-models-'));
  directory = join(root, 'models');
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const PLAN = { primary: '4', canary: null, ab: [], shadow: null };
const GOLDEN = '{"inputs":{"x":[1]},"outputs":{"y":[1]}}';

function write(path: string, text = path): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
}

describe('a look', () => {
  it('finds versions, their golden file and the plan', async () => {
    write('models/3/model.onnx');
    write('models/4.0-rc_1/model.onnx');
    write('models/4.0-rc_1/golden.json');
    write('models/5/ensemble.yaml');
    write('models/5/members/trees.onnx');
    write('models/rollout.json', '{"primary":"3"}');
    write('models/README.md');
    write('models/.git/model.onnx');
    const look = await createFileModelFolder(directory).look();
    expect(look).toMatchObject({ isPresent: true, rolloutProblem: null });
    expect(look.rollout).toEqual(rolloutFileOf({ ...PLAN, primary: '3' }));
    const found = [...look.versions].map(([version, { file, kind, goldenFile }]) => {
      return [version, file.slice(root.length), kind, goldenFile?.slice(root.length) ?? null];
    });
    expect(found).toEqual([
      ['3', '/models/3/model.onnx', 'onnx', null],
      ['4.0-rc_1', '/models/4.0-rc_1/model.onnx', 'onnx', '/models/4.0-rc_1/golden.json'],
      ['5', '/models/5/ensemble.yaml', 'ensemble', null],
    ]);
    expect(look.problems.size).toBe(0);
  });

  it('at nothing finds nothing', async () => {
    const look = await createFileModelFolder(directory).look();
    expect(look).toMatchObject({ isPresent: false, rollout: null, rolloutProblem: null });
    expect(look.versions.size).toBe(0);
  });

  it('says why a folder is no version', async () => {
    write('models/none/weights.bin');
    write('models/both/model.onnx');
    write('models/both/ensemble.yaml');
    write('models/two words/model.onnx');
    write('models/loop/model.onnx');
    symlinkSync('.', join(directory, 'loop/again'));
    symlinkSync('.', join(directory, 'loop/once-more'));
    write('models/dangling/model.onnx');
    symlinkSync('nowhere', join(directory, 'dangling/weights'));
    write('models/good/model.onnx');
    for (let part = 0; part < VERSION_FILES_MAX; part += 1) write(`models/many/${part}.bin`, '');
    write('models/many/model.onnx');
    const { versions, problems } = await createFileModelFolder(directory).look();
    expect([...versions.keys()]).toEqual(['good']);
    expect(problems.get('none')).toMatch(/found neither model\.onnx nor ensemble\.yaml/);
    expect(problems.get('both')).toMatch(/found both model\.onnx and ensemble\.yaml/);
    expect(problems.get('two words')).toMatch(/expected a version: letters/);
    expect(problems.get('loop')).toMatch(/too many symbolic links/);
    expect(problems.get('many')).toMatch(new RegExp(`more than ${VERSION_FILES_MAX} files`));
  });

  it.each([
    ['{"primary":', /models: rollout\.json: not valid JSON/],
    ['{"primary":"4","canary":"5"}', /rollout\.json: canary: found "5"/],
    ['\xff\xfe', /rollout\.json|encoded data was not valid/],
    [' '.repeat(CONFIG_BYTES_MAX + 1), /expected at most/],
  ])('says what is wrong with rollout.json: %#', async (text, message) => {
    mkdirSync(directory);
    writeFileSync(join(directory, 'rollout.json'), text, 'latin1');
    const look = await createFileModelFolder(directory).look();
    expect(look.rollout).toBeNull();
    expect(look.rolloutProblem).toMatch(message);
  });
});

describe('a fingerprint', () => {
  const fingerprint = async (version = '4') =>
    (await createFileModelFolder(directory).look()).versions.get(version)?.fingerprint;

  it('is the same for the same files, in any process', async () => {
    write('models/4/model.onnx');
    const first = await fingerprint();
    write('models/5/model.onnx');
    write('models/rollout.json', '{"primary":"4"}');
    expect(await fingerprint()).toBe(first);
    expect(first).not.toBeUndefined();
  });

  it('changes with every change of the files', async () => {
    write('models/4/model.onnx', 'one');
    write('models/4/golden.json', GOLDEN);
    const seen = new Set([await fingerprint()]);
    const model = join(directory, '4/model.onnx');
    const changes = [
      () => write('models/4/model.onnx', 'four'),
      () => write('models/4/golden.json', `${GOLDEN} `),
      () => write('models/4/weights/part.bin'),
      () => renameSync(join(directory, '4/weights/part.bin'), join(directory, '4/weights/b.bin')),
      () => rmSync(join(directory, '4/golden.json')),
      () => utimesSync(model, 0, 0),
      // Of the same size and time, as files from an image or an archive are.
      () => {
        writeFileSync(join(root, 'other'), 'five');
        utimesSync(join(root, 'other'), 0, 0);
        renameSync(join(root, 'other'), model);
      },
    ];
    for (const [index, change] of changes.entries()) {
      // The kernel's own clock goes in steps of some milliseconds.
      await setTimeout(20);
      change();
      seen.add(await fingerprint());
      expect(seen.size).toBe(index + 2);
    }
  });

  it('follows the links of a Kubernetes volume, which are exchanged at once', async () => {
    for (const generation of ['a', 'b']) {
      write(`models/4/..data_${generation}/model.onnx`, `model ${generation}`);
    }
    const folder = join(directory, '4');
    symlinkSync('..data_a', join(folder, '..data'));
    symlinkSync('..data/model.onnx', join(folder, 'model.onnx'));
    const before = await fingerprint();
    symlinkSync('..data_b', join(folder, '..data_new'));
    renameSync(join(folder, '..data_new'), join(folder, '..data'));
    const after = await createFileModelFolder(directory).look();
    const { file, fingerprint: changed } = after.versions.get('4')!;
    expect(changed).not.toBe(before);
    expect(readFileSync(file, 'utf8')).toBe('model b');
  });

  it('of a single file has its golden.json in it', async () => {
    const folder = createFileModelFolder(directory);
    const file = join(root, 'model.onnx');
    expect(await folder.lookAt(file)).toBeNull();
    write('model.onnx');
    const alone = await folder.lookAt(file);
    expect(alone).toMatchObject({ file, kind: 'onnx', goldenFile: null });
    write('golden.json', GOLDEN);
    const beside = await folder.lookAt(file);
    expect(beside!.goldenFile).toBe(join(root, 'golden.json'));
    expect(beside!.fingerprint).not.toBe(alone!.fingerprint);
    expect(await folder.readGolden(beside!.goldenFile!)).toMatchObject({ rowCount: 1 });
    await expect(folder.readGolden(join(root, 'none.json'))).rejects.toMatchObject({
      code: 'configuration.model',
    });
  });
});

describe('a change of rollout.json', () => {
  it('makes the folder and the file, and is read back', async () => {
    const folder = createFileModelFolder(directory);
    await folder.updateRollout((current) => {
      expect(current).toBeNull();
      return rolloutFileOf(PLAN);
    });
    await folder.updateRollout((current) => ({ ...current!, primary: '5', previous: '4' }));
    expect((await folder.look()).rollout).toEqual({
      ...rolloutFileOf({ ...PLAN, primary: '5' }),
      previous: '4',
    });
    expect(readdirSync(directory)).toEqual(['rollout.json']);
  });

  it('that is refused leaves the file as it was, and nothing beside it', async () => {
    write('models/rollout.json', '{"primary":"4"}');
    const folder = createFileModelFolder(directory);
    const refusal = new CodedError('configuration.invalid', 'no');
    const change = folder.updateRollout(() => {
      throw refusal;
    });
    await expect(change).rejects.toBe(refusal);
    expect(readFileSync(join(directory, 'rollout.json'), 'utf8')).toBe('{"primary":"4"}');
    expect(readdirSync(directory)).toEqual(['rollout.json']);
  });

  it('is not made to a file that is wrong', async () => {
    write('models/rollout.json', '{');
    const folder = createFileModelFolder(directory);
    await expect(folder.updateRollout(() => rolloutFileOf(PLAN))).rejects.toThrow(/not valid JSON/);
    expect(readFileSync(join(directory, 'rollout.json'), 'utf8')).toBe('{');
  });

  it('is never lost to another one: of many at once each is in the file or was refused', async () => {
    write('models/rollout.json', '{"primary":"0"}');
    const folder = createFileModelFolder(directory);
    const stamp = { at: '2026-11-21T10:00:00Z', by: null };
    const outcomes = await Promise.allSettled(
      Array.from({ length: 20 }, (_, index) =>
        folder.updateRollout((current) => ({
          ...current!,
          history: [...current!.history, { ...stamp, change: `${index}` }],
        })),
      ),
    );
    const made = outcomes.flatMap(({ status }, index) => (status === 'fulfilled' ? [index] : []));
    const { rollout } = await folder.look();
    expect(rollout!.history.map(({ change }) => Number(change)).sort((a, b) => a - b)).toEqual(
      made,
    );
    expect(made.length).toBeGreaterThan(0);
    for (const outcome of outcomes) {
      if (outcome.status === 'rejected') expect(String(outcome.reason)).toMatch(/another change/);
    }
  });

  it('a reader sees the file before or after, never half of it', async () => {
    write('models/rollout.json', '{"primary":"0"}');
    const folder = createFileModelFolder(directory);
    let isDone = false;
    const writing = (async () => {
      for (let count = 1; count <= 30; count += 1) {
        await folder.updateRollout((current) => ({ ...current!, primary: `${count}` }));
      }
      isDone = true;
    })();
    let last = 0;
    while (!isDone) {
      const { rollout, rolloutProblem } = await folder.look();
      expect(rolloutProblem).toBeNull();
      const primary = Number(rollout!.primary);
      expect(primary).toBeGreaterThanOrEqual(last);
      last = primary;
    }
    await writing;
  });

  it('into a folder that cannot be written says so', async () => {
    write('models', 'a file');
    const folder = createFileModelFolder(directory);
    await expect(folder.updateRollout(() => rolloutFileOf(PLAN))).rejects.toMatchObject({
      code: 'configuration.invalid',
      message: expect.stringContaining('rollout.json: cannot be written'),
    });
  });
});
