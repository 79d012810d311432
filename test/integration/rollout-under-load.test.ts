/**
 * Model versions that come, go, are wrong, slow and die under a constant stream of events: nothing is
 * lost, nothing is scored twice, and every prediction is what the version it names says.
 *
 * The steps follow each other on one stream, in real time, as in a bad week of production; what all of
 * them together left behind is looked at in the end.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runRollout } from '../../services/cli/rollout-command.ts';
import { SHADOW_QUEUE_ROWS_MAX } from '../../services/core/limits.ts';
import { originOf } from '../../services/core/message/origin.ts';
import { type Prediction, predictionCodec } from '../../services/core/message/prediction.ts';
import { type Promotion, promote, rollback } from '../../services/core/rollout/change-plan.ts';
import { createChooser } from '../../services/core/rollout/choose-version.ts';
import { type RolloutFile, rolloutFileOf } from '../../services/core/rollout/rollout-file.ts';
import { createFileModelFolder } from '../../services/platform/model/file-model-folder.ts';
import { slowModel, tinyMlp } from '../support/onnx-models.ts';
import { type Answered, followAnswers, type RolloutAnswers } from '../support/rollout-answers.ts';
import { createRolloutBundle, type RolloutBundle } from '../support/rollout-bundle.ts';
import {
  createRolloutStream,
  featuresOf,
  idOf,
  isBroken,
  PARTITIONS,
  type RolloutStream,
  type RolloutWorker,
} from '../support/rollout-stream.ts';
import { FEATURES } from '../support/rollout-versions.ts';

/** Events a second; the slow version below takes half of them. */
const RATE = 500;
const CANARY_SHARE = 0.1;
const WIDTH = FEATURES.length;

const VERSIONS = {
  base: tinyMlp(WIDTH, 16, 1),
  one: tinyMlp(WIDTH, 16, 2),
  two: tinyMlp(WIDTH, 16, 3),
  exchanged: tinyMlp(WIDTH, 16, 4),
  wrong: tinyMlp(WIDTH, 16, 5),
  canary: tinyMlp(WIDTH, 16, 6),
  steady: slowModel(3, WIDTH),
  slow: slowModel(30, WIDTH),
  shadow: slowModel(15, WIDTH),
};
type Name = keyof typeof VERSIONS;

let bundle: RolloutBundle;
let stream: RolloutStream;
let worker: RolloutWorker;
let answers: RolloutAnswers;
let change: (next: (before: RolloutFile) => RolloutFile) => Promise<RolloutFile>;
const digests = new Map<Name, string>();

async function put(version: string, name: Name, goldenError = 0): Promise<void> {
  digests.set(name, await bundle.put(version, VERSIONS[name], { goldenError }));
}

/** As `tidegauge rollout` changes the plan, less its own look at the version, which takes this thread. */
const STAMP = { at: '2026-01-01T00:00:00.000Z', by: null };
const promoted = (version: string, options: Partial<Promotion> = {}) =>
  change((before) => promote(before, { version, share: null, shadow: false, ...options }, STAMP));
const rolledBack = (shadow = false) => change((before) => rollback(before, { shadow }, STAMP));

/** So many that every partition has some. */
const by = (name: Name) => (fresh: readonly Prediction[]) =>
  fresh.filter(({ modelDigest }) => modelDigest === digests.get(name)).length >= 30;
const count = (least: number) => (fresh: readonly Prediction[]) => fresh.length >= least;
const logged = (message: string) =>
  worker.telemetry.logs.filter((log) => log.message === message).map(({ fields }) => fields);
/** Of the slow version: another one may have had its own while the cores were busy with a load. */
const slowAlerts = () => answers.alerts.filter(({ subject }) => subject === 'slow');

beforeAll(async () => {
  bundle = createRolloutBundle([
    'version: "1"',
    'batch: { rowsMax: 4 }',
    'deadline: 800ms',
    'fallback: { version: base }',
    'circuit: { failures: 30%, rows: 100, openFor: 6s }',
  ]);
  await put('base', 'base');
  await put('1', 'one');
  const loaded = await bundle.load();
  const { topics, model } = loaded.monitor;
  const folder = createFileModelFolder(model!.versionsDirectory);
  change = (next) =>
    folder.updateRollout((before) => next(before ?? rolloutFileOf(model!.rollout)));
  stream = await createRolloutStream(loaded);
  answers = followAnswers(stream.bus, topics, () =>
    worker.telemetry.logs.slice(-8).map(({ message, fields }) => JSON.stringify([message, fields])),
  );
  worker = await stream.start();
  stream.setRate(RATE);
  await answers.until('the first answers', count(100));
});

afterAll(async () => {
  await worker?.component.stop(5_000);
  await stream?.close();
  await bundle?.remove();
});

describe('under load a rollout', () => {
  it('swaps to a new version', async () => {
    await put('2', 'two');
    await promoted('2');
    await answers.until('version 2 answers', by('two'));
  });

  it('goes back to the version before without loading anything', async () => {
    const servedCount = logged('model served').length;
    await rolledBack();
    await answers.until('version 1 answers', by('one'));
    expect(logged('model served')).toHaveLength(servedCount);
  });

  it('refuses a version whose golden check does not hold, says so, and goes on', async () => {
    await put('3', 'wrong', 0.1);
    bundle.writeRollout({ primary: '3' });
    await answers.until('a refusal', () => logged('model version refused').length > 0);
    const fresh = await answers.until('answers after it', count(300));
    expect(fresh.every(({ modelVersion }) => modelVersion !== '3')).toBe(true);
    const reason = expect.stringContaining('models/3/golden.json does not hold');
    expect(logged('model version refused')).toEqual([{ model_version: '3', reason }]);
    bundle.writeRollout({ primary: '1' });
  });

  it('takes over other files of the version that answers', async () => {
    await promoted('2');
    await answers.until('version 2 answers', by('two'));
    await put('2', 'exchanged');
    await answers.until('its new files answer', by('exchanged'));
  });

  it('falls back from a version ten times slower, and alerts until it is withdrawn', async () => {
    await put('steady', 'steady');
    await put('slow', 'slow');
    await promoted('steady');
    await answers.until('the predecessor answers', by('steady'));
    await promoted('slow');
    await answers.until('an open circuit', () => slowAlerts().length > 0);
    // What it was asked before may still be answered in time.
    const isFallbackAlone = (fresh: readonly Prediction[]) =>
      fresh.length >= 200 && fresh.slice(-200).every(({ fallbackReason }) => fallbackReason !== '');
    await answers.until('answers of the fallback alone', isFallbackAlone);
    expect(slowAlerts().map(({ state }) => state)).toEqual(['firing']);
    await rolledBack();
    await answers.until('the predecessor answers again', by('steady'));
    await answers.until('the end of the alert', () => slowAlerts().length > 1);
    expect(slowAlerts().map(({ state }) => state)).toEqual(['firing', 'resolved']);
    expect(new Set(slowAlerts().map(({ fingerprint }) => fingerprint)).size).toBe(1);
  });

  it('gives a canary its share of the ids, always the same ones', async () => {
    await put('4', 'canary');
    await promoted('2');
    await answers.until('version 2 answers', by('exchanged'));
    stream.setRate(4 * RATE);
    await promoted('4', { share: CANARY_SHARE });
    await answers.until('the canary answers', by('canary'));
    const isChosen = ({ variant }: Prediction) => variant !== 'fallback';
    await answers.until('answers beside it', (fresh) => fresh.filter(isChosen).length >= 2_500);
    await rolledBack();
    const isOver = (fresh: readonly Prediction[]) =>
      fresh.length > 2_500 && !fresh.slice(-500).some(({ variant }) => variant === 'canary');
    await answers.until('no further answers of it', isOver);
  });

  it('passes over a shadow that cannot keep up, within its memory', async () => {
    await put('shadow', 'shadow');
    const shedRows = () => worker.telemetry.count('tidegauge.inference.shadow.shed');
    await promoted('shadow', { shadow: true });
    await answers.until('rows that are passed over', () => shedRows() > 0);
    const [from, shedBefore, saidBefore] = [
      answers.answers.length,
      shedRows(),
      answers.shadowCount,
    ];
    await answers.until('answers beside it', count(2_000));
    // Of the rows it was asked about since, it has answered, refused or still holds each.
    const held =
      answers.answers.length -
      from -
      (shedRows() - shedBefore) -
      (answers.shadowCount - saidBefore);
    expect(Math.abs(held)).toBeLessThan(SHADOW_QUEUE_ROWS_MAX);
    expect(answers.shadowCount).toBeGreaterThan(0);
  });

  it('stops in good order beside that shadow, and goes on where it stopped', async () => {
    await worker.component.stop(10_000);
    expect(worker.component.health().status).toBe('stopped');
    worker = await stream.start();
    await answers.until('answers after the restart', count(500));
    expect(answers.repeats).toEqual([]);
    stream.setRate(RATE);
    await rolledBack(true);
  });

  it('loses nothing with threads that die', async () => {
    await promoted('steady');
    await answers.until('a version on threads', by('steady'));
    for (const time of ['first', 'second', 'third']) {
      const lostBefore = stream.lostBatches();
      stream.killThreads();
      await answers.until(`the ${time} loss`, () => stream.lostBatches() > lostBefore);
      await answers.until(`answers after the ${time} loss`, count(200));
    }
  });

  it('is taken over after a crash; what comes twice has its origin', async () => {
    await worker.crash();
    worker = await stream.start();
    await answers.until('answers that come twice', () => answers.repeats.length > 0);
    await answers.until('answers after the crash', count(300));
  });
});

describe('afterwards', () => {
  const ofPartition = (partition: number): readonly Answered[] =>
    answers.answers.filter((each) => each.partition === partition);

  beforeAll(async () => {
    await stream.end();
    const eventCount = stream.acknowledged.reduce((sum, each) => sum + each, 0);
    await answers.until(
      'an answer to every event',
      () => answers.answers.length + answers.refused.length >= eventCount,
    );
    await worker.component.stop(10_000);
    await answers.look();
  });

  it('every acknowledged event has one answer, in the order of its partition', () => {
    for (const partition of PARTITIONS) {
      const offsets = Array.from(
        { length: stream.acknowledged[partition]! },
        (_, offset) => offset,
      );
      const answered = ofPartition(partition);
      const refused = answers.refused.filter((each) => each.partition === partition);
      expect(answered.map(({ offset }) => offset)).toEqual(
        offsets.filter((each) => !isBroken(each)),
      );
      expect(refused.map(({ offset }) => offset)).toEqual(offsets.filter(isBroken));
      expect(answered.every((each) => each.prediction.id === idOf(partition, each.offset))).toBe(
        true,
      );
    }
  });

  it('every prediction is what the model it names says', async () => {
    for (const [name, digest] of digests) {
      const said = answers.answers.filter((each) => each.prediction.modelDigest === digest);
      const expected = await bundle.ask(
        digest,
        said.map(({ partition, offset }) => featuresOf(partition, offset)),
      );
      const worst = said.reduce(
        (most, { prediction }, index) =>
          Math.max(most, Math.abs(prediction.outputs[0]! - expected[index]!)),
        0,
      );
      expect(worst, name).toBeLessThan(1e-5);
    }
    const named = new Set(answers.answers.map((each) => each.prediction.modelDigest));
    const isSilent = (name: Name) => name === 'wrong' || name === 'shadow';
    const answering = [...digests].filter(([name]) => !isSilent(name));
    expect(named).toEqual(new Set(answering.map(([, digest]) => digest)));
  });

  it('every switch happened once, and stayed', () => {
    const names = new Map([...digests].map(([name, digest]) => [digest, name]));
    for (const partition of PARTITIONS) {
      const primary = ofPartition(partition).filter(
        (each) => each.prediction.variant === 'primary',
      );
      const switches = primary
        .map((each) => names.get(each.prediction.modelDigest))
        .filter((name, index, all) => name !== all[index - 1]);
      expect(switches).toEqual([
        'one',
        'two',
        'one',
        'two',
        'exchanged',
        'steady',
        'slow',
        'steady',
        'exchanged',
        'steady',
      ]);
    }
  });

  it('variants are as the plan says: the canary by id, the fallback with its reason', () => {
    const choose = createChooser({
      ...{ primary: '2', canary: { version: '4', share: CANARY_SHARE }, ab: [], shadow: null },
    });
    for (const partition of PARTITIONS) {
      const all = ofPartition(partition).map((each) => each.prediction);
      const isCanary = ({ variant }: Prediction) => variant === 'canary';
      const during = all.slice(all.findIndex(isCanary), all.findLastIndex(isCanary) + 1);
      const chosen = during.filter(({ variant }) => variant !== 'fallback');
      expect(chosen.length).toBeGreaterThan(500);
      for (const { id, variant, modelVersion } of chosen) {
        expect({ variant, version: modelVersion }).toEqual(choose(id));
      }
      for (const { variant, modelVersion, fallbackReason } of all) {
        expect(modelVersion === 'base', `${variant} ${modelVersion}`).toBe(variant === 'fallback');
        expect(fallbackReason === '').toBe(variant !== 'fallback');
      }
    }
  });

  it('a repeat is of an event that was answered before, by its origin', () => {
    for (const record of answers.repeats) {
      const { partition, offset } = originOf(record);
      expect(predictionCodec.decode(record.value!).id).toBe(idOf(partition, offset));
      expect(ofPartition(partition).some((each) => each.offset === offset)).toBe(true);
    }
  });

  it('the status says why a version is refused', async () => {
    const { versions } = await runRollout('status', null, { bundle: bundle.directory });
    expect(versions!.find(({ version }) => version === '3')).toMatchObject({
      golden: null,
      reason: expect.stringContaining('golden.json does not hold'),
    });
  });
});
