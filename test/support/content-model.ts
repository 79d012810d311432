/**
 * Models whose arithmetic is their file's content: `factor/kind`, a level times the factor, and the
 * kind says what is wrong with it. So what a version and digest say about a row is known without them.
 */
import { createHash } from 'node:crypto';
import { CodedError } from '../../services/core/errors.ts';
import type { Clock } from '../../services/platform/clock/clock.ts';
import type { LoadedModel } from '../../services/platform/model/model-runtime.ts';
import type { Draw } from './draw.ts';
import { createFakeModel, POISON_LEVEL } from './fake-model.ts';

/** Models with an odd factor fail on it. */
export const ODD_POISON_LEVEL = 13;
/** Models with a factor of three give NaN for it. */
export const NAN_LEVEL = 17;

export type ContentKind =
  | 'quick'
  | 'slow'
  /** Loses its thread now and then. */
  | 'losing'
  /** Fails on every row, or gives NaN for it. */
  | 'broken'
  /** Its golden outputs do not hold. */
  | 'wrong'
  | 'unreadable';

export interface Content {
  readonly factor: number;
  readonly kind: ContentKind;
}

export function contentText({ factor, kind }: Content): string {
  return `${factor}/${kind}`;
}

export function parseContent(text: string): Content {
  const [factor, kind] = text.split('/');
  return { factor: Number(factor), kind: kind as ContentKind };
}

export function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

export function goldenOf({ factor, kind }: Content): object {
  const off = kind === 'wrong' ? 1 : 0;
  return {
    inputs: { features: [[1], [8]] },
    outputs: { score: [[factor + off], [8 * factor]] },
  };
}

/** What the model says about a level: a number, or the code of why there is none. */
export function saidOf({ factor, kind }: Content, level: number | null): number | string {
  if (level === POISON_LEVEL || (level === ODD_POISON_LEVEL && factor % 2 === 1)) {
    return 'inference.run';
  }
  if (kind === 'broken' && level !== 1 && level !== 8) {
    return factor % 2 === 1 ? 'inference.run' : 'inference.output';
  }
  if (level === null || (level === NAN_LEVEL && factor % 3 === 0)) return 'inference.output';
  return level * factor;
}

/** What became of a model; it may be gone itself. */
export interface ModelFate {
  readonly text: string;
  closeCount: number;
  /** Runs that were asked of it after it was closed. */
  lateRuns: number;
}

export interface ContentModel extends LoadedModel {
  readonly fate: ModelFate;
}

/** Takes its time to move, and moves no more once it is closed. */
export function createContentModel(text: string, clock: Clock, draw: Draw): ContentModel {
  const content = parseContent(text);
  if (content.kind === 'unreadable') {
    throw new CodedError('configuration.model', `model ${text} cannot be read`);
  }
  const perRowMs = content.kind === 'slow' ? draw(5, 40) : draw(1, 10) / 10;
  const fake = createFakeModel({
    time: { clock, runMs: (rowCount) => 0.2 + rowCount * perRowMs },
    digest: digestOf(text),
    fails: (level) => saidOf(content, level) === 'inference.run',
    score: (level) => {
      const said = saidOf(content, Number.isNaN(level) ? null : level);
      return typeof said === 'number' ? said : Number.NaN;
    },
    ...(draw(0, 5) === 0 ? { batchRowsFixed: draw(2, 6) } : {}),
    workerCount: 2,
  });
  let lossEvery = content.kind === 'losing' ? draw(2, 5) : 0;
  let runCount = 0;
  const fate: ModelFate = { text, closeCount: 0, lateRuns: 0 };
  return {
    fate,
    description: fake.description,
    get placement() {
      return fake.placement;
    },
    isInlineable: true,
    get batchesInFlightMax() {
      return fake.batchesInFlightMax;
    },
    async place(placement) {
      await clock.sleep(draw(0, 80));
      if (fate.closeCount > 0) throw new CodedError('inference.run', 'the model was closed');
      await fake.place(placement);
    },
    async run(batch, options) {
      if (fate.closeCount > 0) fate.lateRuns += 1;
      runCount += 1;
      // The golden run is not disturbed: a version that loses its thread there is never served.
      if (lossEvery > 0 && runCount > 1 && runCount % lossEvery === 0) {
        lossEvery = draw(2, 5);
        await clock.sleep(1);
        throw new CodedError('inference.worker', 'the thread ended');
      }
      return fake.run(batch, options);
    },
    async close() {
      fate.closeCount += 1;
      await clock.sleep(draw(0, 3));
      await fake.close();
    },
  };
}
