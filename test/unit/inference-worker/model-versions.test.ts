/**
 * Versions loaded, verified, switched and kept, on a folder in memory, models of arithmetic and a
 * virtual clock. Every model and everything served is followed to its end.
 */
import { afterEach, describe, expect, it } from 'vitest';
import { CodedError } from '../../../services/core/errors.ts';
import { MODEL_FOLDER_INTERVAL_MS } from '../../../services/core/limits.ts';
import type { RolloutPlan } from '../../../services/core/rollout/rollout-plan.ts';
import {
  createModelVersions,
  type ModelVersions,
  type ModelVersionsOptions,
} from '../../../services/inference-worker/model-versions.ts';
import type { ModelVersionsStatus } from '../../../services/inference-worker/version-status.ts';
import { createVirtualClock } from '../../../services/platform/clock/virtual-clock.ts';
import { createFakeModel, FAKE_MODEL, type FakeModel } from '../../support/fake-model.ts';
import { createMemoryModelFolder } from '../../support/memory-model-folder.ts';

/** What a test's `serve` gives out. */
interface Served {
  readonly version: string;
  readonly content: string;
  readonly isShadow: boolean;
  readonly model: FakeModel;
  isRetired: boolean;
}

interface Opened {
  readonly content: string;
  readonly model: FakeModel;
}

let running: ModelVersions<Served>[] = [];
afterEach(async () => {
  await Promise.all(running.map((versions) => versions.close()));
  running = [];
});

const PLAN: RolloutPlan = { primary: '3', canary: null, ab: [], shadow: null };

function world(change: Partial<ModelVersionsOptions<Served>['spec']> = {}) {
  const clock = createVirtualClock();
  const folder = createMemoryModelFolder();
  const opened: Opened[] = [];
  const served: Served[] = [];
  const log: string[] = [];
  const looked: ModelVersionsStatus[] = [];
  /** Loads of this content wait. */
  const slow = new Map<string, Promise<void>>();
  /** Loads of this content lose their thread. */
  let losing: string | null = null;
  /** Retiring waits while this is set. */
  let busy: Promise<void> | null = null;

  const spec = { ...FAKE_MODEL, file: null, version: '3', rollout: PLAN, ...change };
  const create = (watch = true) => {
    const versions = createModelVersions<Served>({
      ...{ spec, folder, clock, watch },
      load: async ({ file }) => {
        const content = folder.contentOf(file);
        await slow.get(content);
        if (content.includes('corrupt')) throw new CodedError('configuration.model', 'corrupt');
        if (content === losing) throw new CodedError('inference.worker', 'thread lost');
        const score = (level: number) => (content.includes('wrong') ? level : level / 2);
        const model = createFakeModel({ digest: content, score });
        opened.push({ content, model });
        return model;
      },
      fits: ({ digest }) => (digest.includes('unfit') ? ['it has no input features'] : []),
      serve(version, model, { shadow }) {
        const { content } = opened.find((each) => each.model === model)!;
        const each = {
          version,
          content,
          isShadow: shadow,
          model: model as FakeModel,
          isRetired: false,
        };
        expect(each.model.closed).toBe(false);
        served.push(each);
        return each;
      },
      async retire(each) {
        expect(each.isRetired).toBe(false);
        await busy;
        each.isRetired = true;
      },
      events: {
        versionServed: (version) => log.push(`served ${version}`),
        versionRefused: (version, reason) => log.push(`refused ${version}: ${reason}`),
        versionRetired: (version) => log.push(`retired ${version}`),
        planChanged: ({ primary, canary, ab, shadow }, source) =>
          log.push(
            `plan ${primary} ${canary?.version ?? '-'} ${ab.map((arm) => arm.version)} ${shadow ?? '-'} of ${source}`,
          ),
        versionsLooked: (status) => looked.push(status),
        folderFailed: (reason) => log.push(`folder: ${reason}`),
      },
    });
    running.push(versions);
    return versions;
  };
  /** What was said since the last question. */
  const said = () => log.splice(0);
  const tick = (count = 1) => clock.advance(count * MODEL_FOLDER_INTERVAL_MS);
  const hold = (content: string) => {
    const gate = createGate();
    slow.set(content, gate.opened);
    return async () => {
      slow.delete(content);
      gate.open();
      await clock.advance(0);
    };
  };
  const lose = (content: string | null) => {
    losing = content;
  };
  const keepBusy = () => {
    const gate = createGate();
    busy = gate.opened;
    return async () => {
      busy = null;
      gate.open();
      await clock.advance(0);
    };
  };
  return { clock, folder, opened, served, looked, create, said, tick, hold, keepBusy, lose };
}

function createGate(): { readonly opened: Promise<void>; open(): void } {
  let open = (): void => undefined;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open: () => open() };
}

async function started(change?: Parameters<typeof world>[0], versions: readonly string[] = ['3']) {
  const made = world(change);
  for (const version of versions) made.folder.put(version);
  const models = made.create();
  await models.start();
  return { ...made, models };
}

/** What answers an event by the plan, and by what is served for it. */
function answering(models: ModelVersions<Served>): string {
  const { primary } = models.plan();
  const served = models.served(primary)!;
  expect(served.isRetired).toBe(false);
  expect(served.model.closed).toBe(false);
  return served.content;
}

describe('start', () => {
  it('loads what the plan needs, the fallback too, and nothing else', async () => {
    const rollout = { ...PLAN, canary: { version: '4', share: 0.1 }, shadow: '6' };
    const { models, opened, served, said } = await started(
      { rollout, fallback: { kind: 'version', version: '2' } },
      ['1', '2', '3', '4', '6'],
    );
    expect(models.plan()).toEqual(rollout);
    expect(opened.map(({ content }) => content)).toEqual(['3', '4', '6', '2']);
    expect(served.filter(({ isShadow }) => isShadow).map(({ version }) => version)).toEqual(['6']);
    expect(said().at(-1)).toBe('plan 3 4  6 of monitor.yaml');
    expect(models.served('1')).toBeNull();
    expect(models.status()).toMatchObject({ source: 'monitor.yaml', isComplete: true });
    expect(models.status().versions.map(({ version, roles }) => [version, ...roles])).toEqual([
      ['3', 'primary'],
      ['4', 'canary'],
      ['6', 'shadow'],
      ['2', 'fallback'],
    ]);
  });

  it('prefers rollout.json to the declared plan', async () => {
    const made = world();
    for (const version of ['3', '4']) made.folder.put(version);
    made.folder.setPlan({ primary: '4' });
    const models = made.create();
    await models.start();
    expect(answering(models)).toBe('4');
    expect(made.opened).toHaveLength(1);
    expect(models.status().source).toBe('rollout.json');
  });

  const bad: readonly (readonly [
    string,
    (folder: ReturnType<typeof world>['folder']) => void,
    RegExp,
  ])[] = [
    ['has no files', () => undefined, /primary version 3: there is no \/models\/3/],
    ['cannot be loaded', (folder) => folder.put('3', 'corrupt'), /primary version 3: corrupt/],
    [
      'does not fit',
      (folder) => folder.put('3', 'unfit'),
      /does not fit the monitor: it has no input/,
    ],
    [
      'gives other outputs',
      (folder) => folder.put('3', 'wrong'),
      /outputs\.score, row 0, element 0: found 1, expected 0\.5/,
    ],
    [
      'has no golden.json',
      (folder) => folder.put('3', '3', { golden: null }),
      /version 3 has no golden\.json/,
    ],
  ];
  it.each(bad)(
    'fails where the primary %s, and leaves nothing open',
    async (_, prepare, message) => {
      const made = world();
      prepare(made.folder);
      const models = made.create();
      const failure = await models.start().catch((error: unknown) => error);
      expect(failure).toBeInstanceOf(CodedError);
      expect(failure).toMatchObject({ code: 'configuration.model' });
      expect((failure as Error).message).toMatch(message);
      expect(made.opened.every(({ model }) => model.closed)).toBe(true);
      await made.tick(3);
      expect(made.folder.lookCount).toBeLessThan(5);
    },
  );

  it('fails where rollout.json is wrong', async () => {
    const made = world();
    made.folder.put('3');
    made.folder.breakPlan('rollout.json: primary: is absent');
    await expect(made.create().start()).rejects.toMatchObject({ code: 'configuration.invalid' });
  });

  it('a canary that fails is left out and said, its ids go to the primary, an arm keeps its own', async () => {
    const rollout = {
      ...PLAN,
      canary: { version: '4', share: 0.3 },
      ab: [{ version: '5', share: 0.3 }],
    };
    const whole = await started({ rollout }, ['3', '4', '5']);
    const made = world({ rollout });
    made.folder.put('3');
    made.folder.put('4', 'corrupt');
    made.folder.put('5');
    const models = made.create();
    await models.start();
    expect(made.said()).toContain('refused 4: corrupt');
    expect(models.plan()).toEqual({ ...rollout, canary: null });
    for (let index = 0; index < 1_000; index += 1) {
      const { version } = whole.models.choose(`e${index}`);
      expect(models.choose(`e${index}`).version).toBe(version === '4' ? '3' : version);
    }
    const [, canary] = models.status().versions;
    expect(canary).toMatchObject({ version: '4', state: 'refused', reason: 'corrupt' });
    expect(models.status().isComplete).toBe(false);
  });

  it('a single file needs no golden.json, but is held to one that is there', async () => {
    const file = '/models/3/model.onnx';
    const without = world({ file });
    without.folder.put('3', '3', { golden: null });
    await without.create().start();
    const wrong = world({ file });
    wrong.folder.put('3', 'wrong');
    await expect(wrong.create().start()).rejects.toThrow(/does not hold/);
  });

  it('a replay does not follow the folder', async () => {
    const made = world();
    for (const version of ['3', '4']) made.folder.put(version);
    const models = made.create(false);
    await models.start();
    made.folder.setPlan({ primary: '4' });
    await made.tick(5);
    expect(answering(models)).toBe('3');
  });
});

describe('a hot swap', () => {
  it('switches in one step when the new version is loaded; the old one answers until then', async () => {
    const { models, folder, hold, tick, opened, looked, said } = await started();
    const release = hold('4');
    said();
    folder.put('4');
    folder.setPlan({ primary: '4', previous: '3' });
    const before = models.plan();
    await tick(5);
    expect(models.plan()).toBe(before);
    expect(answering(models)).toBe('3');
    expect(models.status().versions).toMatchObject([
      { version: '4', state: 'loading' },
      { version: '3', roles: ['primary'] },
    ]);
    expect(looked.at(-1)).toMatchObject({ isComplete: false });
    await release();
    expect(answering(models)).toBe('4');
    expect(looked.at(-1)).toEqual(models.status());
    expect(looked.at(-1)).toMatchObject({ isComplete: true });
    expect(said()).toEqual(['served 4', 'plan 4 -  - of rollout.json']);
    // Kept for the way back.
    expect(opened.map(({ model }) => model.closed)).toEqual([false, false]);
    expect(models.status().versions.at(-1)).toMatchObject({ version: '3', roles: ['kept'] });
  });

  it('goes back in one look and without a load, also while another version loads', async () => {
    const { models, folder, hold, tick, opened } = await started({}, ['3', '4', '5']);
    folder.setPlan({ primary: '4', previous: '3' });
    await tick(1);
    expect(answering(models)).toBe('4');
    const release = hold('5');
    folder.setPlan({ primary: '4', canary: { version: '5', share: 0.1 }, previous: '3' });
    await tick(1);
    const loads = opened.length;
    folder.setPlan({ primary: '3' });
    await tick(1);
    expect(answering(models)).toBe('3');
    expect(opened).toHaveLength(loads);
    await release();
    // Nobody wants it any more.
    expect(opened.at(-1)!.content).toBe('5');
    expect(opened.at(-1)!.model.closed).toBe(true);
    expect(models.served('5')).toBeNull();
  });

  it('a refused version leaves everything as it was, and is said once for the same files', async () => {
    const { models, folder, tick, said, opened } = await started();
    for (const content of ['4 corrupt', '4 unfit', '4 wrong']) {
      said();
      folder.put('4', content);
      folder.setPlan({ primary: '4' });
      await tick(6);
      expect(answering(models)).toBe('3');
      expect(said().filter((line) => line.startsWith('refused'))).toHaveLength(1);
    }
    expect(opened.filter(({ content }) => content !== '3').every(({ model }) => model.closed)).toBe(
      true,
    );
    expect(models.status().versions[0]).toMatchObject({ version: '4', state: 'refused' });
    // Mended under the same name.
    folder.put('4', '4');
    await tick(2);
    expect(answering(models)).toBe('4');
    expect(models.status().versions[0]).toMatchObject({
      state: 'serving',
      reason: '',
      isGolden: true,
    });
  });

  it('what has nothing to do with the files is tried again, and said once', async () => {
    const { models, folder, tick, said, lose } = await started();
    lose('4');
    folder.put('4');
    folder.setPlan({ primary: '4' });
    await tick(5);
    expect(said().filter((line) => line.startsWith('refused'))).toEqual(['refused 4: thread lost']);
    expect(answering(models)).toBe('3');
    lose(null);
    await tick(1);
    expect(answering(models)).toBe('4');
  });

  it('takes files only when two looks agree on them', async () => {
    const { models, folder, tick, opened } = await started();
    folder.setPlan({ primary: '4' });
    for (let part = 0; part < 5; part += 1) {
      folder.put('4', `part ${part}`);
      await tick(1);
    }
    expect(opened).toHaveLength(1);
    await tick(1);
    expect(answering(models)).toBe('part 4');
  });

  it('does not take what was replaced while it was loaded', async () => {
    const { models, folder, hold, tick, opened, said } = await started();
    const release = hold('4a');
    folder.put('4', '4a');
    folder.setPlan({ primary: '4' });
    await tick(2);
    folder.put('4', '4b');
    await release();
    expect(answering(models)).toBe('3');
    expect(opened.at(-1)).toMatchObject({ content: '4a', model: { closed: true } });
    await tick(3);
    expect(answering(models)).toBe('4b');
    expect(said().filter((line) => line.startsWith('refused'))).toEqual([]);
  });

  it('does not refuse what was replaced while it was loaded', async () => {
    const { models, folder, hold, tick, said } = await started();
    const release = hold('4 corrupt');
    folder.put('4', '4 corrupt');
    folder.setPlan({ primary: '4' });
    await tick(2);
    said();
    folder.put('4', '4');
    await release();
    await tick(3);
    expect(said()).toEqual(['served 4', 'plan 4 -  - of rollout.json']);
    expect(answering(models)).toBe('4');
  });

  it('reloads a version whose files changed; the old model ends after its last batch', async () => {
    const { models, folder, tick, keepBusy, served } = await started();
    const plan = models.plan();
    folder.put('3', '3 wrong');
    await tick(3);
    expect(answering(models)).toBe('3');
    expect(models.status().versions[0]).toMatchObject({ state: 'serving', version: '3' });
    expect(models.status().versions[0]!.reason).toMatch(/does not hold/);
    const idle = keepBusy();
    folder.put('3', '3 mended');
    await tick(3);
    expect(answering(models)).toBe('3 mended');
    expect(models.plan()).toBe(plan);
    expect(served[0]).toMatchObject({ content: '3', isRetired: false, model: { closed: false } });
    await idle();
    expect(served[0]).toMatchObject({ isRetired: true, model: { closed: true } });
  });

  it('files that are the same model after all change nothing', async () => {
    const { models, folder, tick, served, opened } = await started();
    folder.put('3', '3');
    await tick(4);
    expect(served).toHaveLength(1);
    expect(opened.map(({ model }) => model.closed)).toEqual([false, true]);
    expect(answering(models)).toBe('3');
  });
});

describe('the folder', () => {
  it('a broken rollout.json changes nothing and is said once, until it is mended', async () => {
    const { models, folder, tick, said } = await started({}, ['3', '4']);
    folder.setPlan({ primary: '4' });
    await tick(2);
    said();
    folder.breakPlan('rollout.json: not valid JSON');
    await tick(4);
    expect(answering(models)).toBe('4');
    expect(said()).toEqual(['folder: rollout.json: not valid JSON']);
    expect(models.status().problems).toEqual(['rollout.json: not valid JSON']);
    folder.breakPlan(null);
    folder.setPlan({ primary: '3' });
    await tick(1);
    expect(answering(models)).toBe('3');
    expect(models.status().problems).toEqual([]);
  });

  it('that is gone, or cannot be read, changes nothing', async () => {
    const { models, folder, tick } = await started({}, ['3', '4']);
    folder.setPlan({ primary: '4' });
    await tick(2);
    folder.setPresent(false);
    await tick(5);
    expect(answering(models)).toBe('4');
    expect(models.status().problems).toHaveLength(1);
    folder.setPresent(true);
    folder.failOnce('EIO');
    await tick(1);
    expect(models.status().problems).toEqual(['EIO']);
    await tick(1);
    expect(models.status().problems).toEqual([]);
    expect(answering(models)).toBe('4');
  });

  it('without rollout.json the declared plan holds again, when two looks agree', async () => {
    const { models, folder, tick } = await started({}, ['3', '4']);
    folder.setPlan({ primary: '4' });
    await tick(2);
    folder.removePlan();
    await tick(1);
    expect(answering(models)).toBe('4');
    await tick(1);
    expect(answering(models)).toBe('3');
    expect(models.status().source).toBe('monitor.yaml');
  });

  it('a version whose files were taken away goes on', async () => {
    const { models, folder, tick, said } = await started();
    said();
    folder.remove('3');
    await tick(4);
    expect(answering(models)).toBe('3');
    expect(said()).toEqual([]);
  });
});

describe('roles', () => {
  it('a shadow that becomes the canary and the primary is served anew, and never loaded again', async () => {
    const { models, folder, tick, opened, served } = await started({}, ['3', '4']);
    folder.setPlan({ primary: '3', shadow: '4' });
    await tick(2);
    expect(models.served('4')).toMatchObject({ isShadow: true });
    folder.setPlan({ primary: '3', canary: { version: '4', share: 0.1 } });
    await tick(1);
    expect(models.served('4')).toMatchObject({ isShadow: false, isRetired: false });
    folder.setPlan({ primary: '4', previous: '3', shadow: '3' });
    await tick(1);
    expect(answering(models)).toBe('4');
    expect(models.served('3')).toMatchObject({ isShadow: true, isRetired: false });
    expect(opened).toHaveLength(2);
    expect(opened.every(({ model }) => !model.closed)).toBe(true);
    expect(served.filter(({ isRetired }) => isRetired)).toHaveLength(2);
  });

  it('a version keeps the role it answers in until the plan that changes it is in force', async () => {
    const { models, folder, tick } = await started({}, ['3', '4']);
    folder.setPlan({ primary: '3', canary: { version: '4', share: 0.5 } });
    await tick(2);
    folder.put('5', 'corrupt');
    folder.put('4', '4 anew');
    folder.setPlan({ primary: '5', shadow: '4' });
    await tick(4);
    expect(models.plan()).toMatchObject({ primary: '3', canary: { version: '4' } });
    expect(models.served('4')).toMatchObject({ content: '4 anew', isShadow: false });
    folder.put('5');
    await tick(3);
    expect(models.plan()).toMatchObject({ primary: '5', canary: null, shadow: '4' });
    expect(models.served('4')).toMatchObject({ isShadow: true });
  });

  it('the fallback is never the shadow', async () => {
    const { models, folder, tick, said } = await started(
      { fallback: { kind: 'version', version: '2' } },
      ['2', '3'],
    );
    said();
    folder.setPlan({ primary: '3', shadow: '2' });
    await tick(3);
    expect(models.plan().shadow).toBeNull();
    expect(models.served('2')).toMatchObject({ isShadow: false });
    expect(said()).toEqual(['folder: version 2 is the fallback, so it is left out as the shadow']);
  });
});

describe('what is kept', () => {
  it('two versions, the former primary before all others; older ones end after their batches', async () => {
    const { models, folder, tick, said, keepBusy, opened } = await started({}, [
      '3',
      '4',
      '5',
      '6',
      '7',
    ]);
    for (const [primary, previous] of [
      ['4', '3'],
      ['5', '4'],
    ] as const) {
      folder.setPlan({ primary, previous });
      await tick(2);
    }
    expect(models.allServed().map(({ version }) => version)).toEqual(['3', '4', '5']);
    const idle = keepBusy();
    said();
    folder.setPlan({ primary: '6', previous: '3' });
    await tick(2);
    // 3 is the former primary, though 4 was needed later.
    expect(models.allServed().map(({ version }) => version)).toEqual(['3', '5', '6']);
    expect(said()).toContain('retired 4');
    const four = opened.find(({ content }) => content === '4')!;
    expect(four.model.closed).toBe(false);
    // Wanted again while its last batch runs: it waits for that, and is loaded anew.
    folder.setPlan({ primary: '4' });
    await tick(3);
    expect(answering(models)).toBe('6');
    await idle();
    expect(four.model.closed).toBe(true);
    await tick(1);
    expect(answering(models)).toBe('4');
    expect(opened.filter(({ content }) => content === '4')).toHaveLength(2);
  });

  it('closing leaves no model open and no timer, and waits for a load under way', async () => {
    const { models, folder, hold, tick, opened } = await started({}, ['3', '4', '5']);
    folder.setPlan({ primary: '4' });
    await tick(2);
    const release = hold('5');
    folder.setPlan({ primary: '5' });
    await tick(2);
    let isClosed = false;
    const closing = models.close().then(() => {
      isClosed = true;
    });
    await tick(2);
    expect(isClosed).toBe(false);
    await release();
    await closing;
    expect(opened.map(({ content }) => content)).toEqual(['3', '4', '5']);
    expect(opened.every(({ model }) => model.closed)).toBe(true);
    const looks = folder.lookCount;
    await tick(5);
    expect(folder.lookCount).toBe(looks);
  });
});
