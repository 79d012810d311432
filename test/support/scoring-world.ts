/**
 * The whole of scoring in one seeded world of virtual time: models of plain arithmetic in a folder that
 * changes, and a record of every row, answer, plan and file, in the order things happened.
 */
import { CodedError } from '../../services/core/errors.ts';
import type {
  Fallback,
  Monitor,
  MonitorModel,
  Policy,
} from '../../services/core/monitor/monitor.ts';
import type { RolloutPlan } from '../../services/core/rollout/rollout-plan.ts';
import type { RowAnswer, ScoreRow } from '../../services/inference-worker/score-row.ts';
import { createScoring, type Scoring } from '../../services/inference-worker/scoring.ts';
import {
  type Content,
  type ContentModel,
  contentText,
  createContentModel,
  goldenOf,
  type ModelFate,
} from './content-model.ts';
import { type CountingClock, createCountingClock } from './counting-clock.ts';
import { createDraw, type Draw } from './draw.ts';
import { stationMonitor } from './embedded-run.ts';
import { FAKE_MODEL } from './fake-model.ts';
import { createMemoryModelFolder, type MemoryModelFolder } from './memory-model-folder.ts';

export const VERSIONS = ['1', '2', '3', '4'] as const;
/** Named by no plan. */
export const SPARE_VERSION = '5';
export const POLICIES: readonly Policy[] = [
  {
    ...{ name: 'low', when: 'event.level < 4.0' },
    action: { kind: 'set', outputs: new Map([['risk', 'output.risk * 10.0']]) },
  },
  {
    ...{ name: 'cap', when: null },
    action: { kind: 'bounds', bounds: new Map([['risk', [null, 100]]]) },
  },
];

export interface WorldOptions {
  readonly seed: number;
  /** Nothing goes by the clock, and no version changes. */
  readonly isCalm: boolean;
  readonly hasCache?: boolean;
  readonly hasShadow?: boolean;
}

/** Something that held from one moment to another; moments count everything that happens. */
export interface Span<T> {
  readonly value: T;
  readonly from: number;
  to: number;
}

export interface AskedRow {
  readonly id: string;
  readonly cell: number | string | null;
  readonly from: number;
  readonly askedMs: number;
  to: number;
  answeredMs: number;
  answers: RowAnswer[];
}

/** The version that answered and its numbers, or the code or the text of an error. */
export type CallOutcome =
  | { readonly version: string; readonly scores: readonly number[] }
  | { readonly error: string };

export interface Call {
  readonly version: string | null;
  readonly levels: readonly number[];
  readonly deadlineMs: number | null;
  readonly from: number;
  to: number;
  outcomes: CallOutcome[];
}

export interface Shadowed {
  readonly cell: number | string | null;
  readonly version: string;
  readonly digest: string;
  readonly output: number;
  /** The shadow had been heard about the row before. */
  readonly isRepeated: boolean;
  readonly at: number;
}

export interface World {
  readonly clock: CountingClock;
  readonly folder: MemoryModelFolder;
  readonly scoring: Scoring;
  readonly spec: MonitorModel;
  readonly isLive: boolean;
  readonly rows: readonly AskedRow[];
  readonly calls: readonly Call[];
  readonly shadows: readonly Shadowed[];
  readonly plans: readonly Span<RolloutPlan>[];
  /** What each version's file said while it was served. */
  readonly files: ReadonlyMap<string, readonly Span<Content>[]>;
  readonly fates: readonly ModelFate[];
  /** Rows and models, unless nobody holds them any more. */
  readonly watched: readonly { readonly fate: ModelFate | null; readonly ref: WeakRef<object> }[];
  readonly openedCircuits: ReadonlySet<string>;
  readonly isClosed: boolean;
  put(version: string, content: Content): void;
  score(cells: readonly { readonly id: string; readonly cell: number | string | null }[]): void;
  call(version: string | null, levels: readonly number[], deadlineMs: number | null): void;
  close(): Promise<void>;
}

function drawSpec(draw: Draw, options: WorldOptions): { spec: MonitorModel; isLive: boolean } {
  const { isCalm } = options;
  const fallbacks: readonly (Fallback | null)[] = [
    null,
    { kind: 'constant', outputs: [-1] },
    { kind: 'rule', expressions: ['event.level + 0.5'] },
    { kind: 'version', version: '4' },
    { kind: 'version', version: SPARE_VERSION },
  ];
  const hasCache = draw(0, 1) === 1;
  const isShadowed = draw(0, 1) === 1;
  const rollout: RolloutPlan = {
    primary: '1',
    canary: draw(0, 1) === 1 ? { version: '2', share: 0.4 } : null,
    ab: [],
    shadow: (options.hasShadow ?? isShadowed) ? '3' : null,
  };
  const spec: MonitorModel = {
    ...FAKE_MODEL,
    ...{ file: null, version: '1', rollout },
    batch: {
      rowsMax: draw(1, 16),
      bytesMax: draw(0, 3) === 0 ? 12 : 1_000,
      runMsMax: draw(5, 100),
    },
    runtime: {
      placement: (['auto', 'inline', 'workers'] as const)[draw(0, 2)]!,
      ...{ workerCount: 2, threadCount: 1 },
    },
    deadlineMs: draw(0, 1) === 0 ? 0 : draw(5, 150),
    fallback: fallbacks[draw(0, 4)]!,
    circuit: { failureShare: draw(1, 9) / 10, rowCount: draw(5, 60), openMs: draw(20, 300) },
    policies: draw(0, 1) === 0 ? [] : POLICIES,
    cache:
      (options.hasCache ?? hasCache)
        ? { entriesMax: draw(2, 40), ttlMs: draw(0, 1) * draw(20, 300) }
        : null,
  };
  return { spec, isLive: !isCalm && draw(0, 5) > 0 };
}

export function createWorld(options: WorldOptions): World {
  const draw = createDraw(options.seed);
  const { spec, isLive } = drawSpec(draw, options);
  const monitor: Monitor = stationMonitor({ model: spec });
  const clock = createCountingClock();
  const folder = createMemoryModelFolder();
  const rows: AskedRow[] = [];
  const calls: Call[] = [];
  const shadows: Shadowed[] = [];
  const shadowed = new WeakSet<ScoreRow>();
  const plans: Span<RolloutPlan>[] = [];
  const files = new Map<string, Span<Content>[]>();
  const fates: ModelFate[] = [];
  const watched: { fate: ModelFate | null; ref: WeakRef<object> }[] = [];
  const openedCircuits = new Set<string>();
  let moment = 0;
  let isClosed = false;
  const now = (): number => {
    moment += 1;
    return moment;
  };

  function begin<T>(spans: Span<T>[], value: T): void {
    const from = now();
    const last = spans.at(-1);
    if (last !== undefined) last.to = from;
    spans.push({ value, from, to: Number.POSITIVE_INFINITY });
  }

  const contents = new Map<string, Content>();
  function put(version: string, content: Content): void {
    const text = contentText(content);
    contents.set(text, content);
    folder.put(version, text, { golden: goldenOf(content) });
  }
  const ignore = (): void => undefined;
  const scoring = createScoring({
    ...{ monitor, spec, clock, isLive, modelFolder: folder },
    modelRuntime: {
      coreCount: 2,
      async load({ file }) {
        const own = createDraw(options.seed * 1_009 + fates.length);
        await clock.sleep(own(0, 100));
        const model = createContentModel(folder.contentOf(file), clock, own);
        fates.push(model.fate);
        watched.push({ fate: model.fate, ref: new WeakRef(model) });
        return model;
      },
    },
    events: {
      ...{ folderFailed: ignore, versionRefused: ignore, versionRetired: ignore },
      versionsLooked: ignore,
      ...{ placed: ignore, placeFailed: ignore, batchRun: ignore, versionFailed: ignore },
      ...{ shadowShed: ignore, policyFailed: ignore, cacheLooked: ignore, circuitClosed: ignore },
      ...{ eventPredicted: ignore, eventRepeated: ignore, eventQuarantined: ignore },
      answersSent: ignore,
      circuitOpened: (version) => openedCircuits.add(version),
      planChanged: (plan) => begin(plans, plan),
      versionServed(version, model) {
        let spans = files.get(version);
        if (spans === undefined) {
          spans = [];
          files.set(version, spans);
        }
        begin(spans, contents.get((model as ContentModel).fate.text)!);
      },
    },
    onShadow({ row, version, digest, outputs }) {
      const isRepeated = shadowed.has(row);
      shadowed.add(row);
      const cell = row.cells[0] ?? null;
      shadows.push({ cell, version, digest, output: outputs[0]!, isRepeated, at: now() });
    },
  });

  return {
    ...{ clock, folder, scoring, spec, isLive, rows, calls, shadows, plans, files, fates },
    ...{ openedCircuits, put, watched },
    get isClosed() {
      return isClosed;
    },
    close() {
      isClosed = true;
      return scoring.close();
    },
    score(cells) {
      let isWithin = true;
      const asked = cells.map(({ id, cell }): AskedRow => {
        const never = { to: Number.POSITIVE_INFINITY, answeredMs: Number.NaN };
        return { id, cell, from: now(), askedMs: clock.monotonicMs(), ...never, answers: [] };
      });
      rows.push(...asked);
      scoring.score(
        cells.map(({ id, cell }): ScoreRow => {
          const root = cell === null ? { id } : { id, level: cell };
          const row = { id, cells: [cell, 'Brest'], root };
          watched.push({ fate: null, ref: new WeakRef(row) });
          return row;
        }),
        (index, answer) => {
          if (isWithin) throw new Error('answered within the call');
          const row = asked[index]!;
          row.to = now();
          row.answeredMs = clock.monotonicMs();
          row.answers.push(answer);
        },
      );
      isWithin = false;
    },
    call(version, levels, deadlineMs) {
      const call: Call = {
        ...{ version, levels, deadlineMs, from: now() },
        ...{ to: Number.POSITIVE_INFINITY, outcomes: [] },
      };
      calls.push(call);
      const tensor = { type: 'float32', data: Float32Array.from(levels), width: 1 } as const;
      const batch = { rowCount: levels.length, inputs: new Map([['features', tensor]]) };
      const { signal } = new AbortController();
      const end = (outcome: CallOutcome): void => {
        call.to = now();
        call.outcomes.push(outcome);
      };
      scoring.backend
        .infer({ version, batch, deadlineMs, signal, id: `call ${calls.length}` })
        .then(
          ({ version: answered, outputs }) => {
            end({
              version: answered,
              scores: Array.from(outputs.get('score')!.data as Float32Array),
            });
          },
          (error: unknown) =>
            end({ error: error instanceof CodedError ? error.code : String(error) }),
        );
    },
  };
}
