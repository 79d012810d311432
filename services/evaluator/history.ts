/**
 * What the stream itself was like: the content of earlier stretches, for trailing and calendar
 * baselines.
 *
 * A stretch is kept once it is sealed, with the sketches of every slice merged over partitions, and
 * forgotten when no window to come can need it.
 */
import { asBuffer } from '../core/message/message-codec.ts';
import type { SetSpecifications } from '../core/monitor/measured-sets.ts';
import { encodeColumnSketch } from '../core/sketch/column-sketch.ts';
import { encodeSetSketch } from '../core/sketch/set-sketch-codec.ts';
import {
  type Baseline,
  baselineStartsMs,
  keptFromMs,
  keptLengthMs,
} from '../core/window/baseline.ts';
import type { Stretch } from '../core/window/tumbling.ts';
import type { WindowPlan } from '../core/window/window-plan.ts';
import { type KeptContent, keptKey } from './state.ts';
import { mergeColumns, type WindowContent } from './window-content.ts';

export interface HistoryOptions {
  readonly windows: readonly WindowPlan[];
  readonly baselines: readonly Baseline[];
  readonly specifications: SetSpecifications;
}

type StreamBaseline = Exclude<Baseline, { kind: 'reference' }>;
/** By slice. */
type KeptStretch = Map<string, KeptContent>;

export class History {
  readonly #options: HistoryOptions;
  /** By length, then by start; starts ascend. */
  readonly #kept = new Map<number, Map<number, KeptStretch>>();

  constructor(options: HistoryOptions, contents: readonly KeptContent[]) {
    this.#options = options;
    const byStart = [...contents].sort((a, b) => a.startMs - b.startMs);
    for (const content of byStart) this.#put(content);
  }

  /** Returns what is new, to be stored. Stretches of one length come in the order of time. */
  keep(
    { startMs, endMs }: Stretch,
    contents: ReadonlyMap<string, WindowContent>,
  ): readonly KeptContent[] {
    const kept = [...contents].map(([slice, { count, sketches, sets }]) => ({
      lengthMs: endMs - startMs,
      startMs,
      slice,
      count,
      columns: [
        ...[...sketches].map(([name, sketch]) => ({
          name,
          sketch: asBuffer(encodeColumnSketch(sketch).slice()),
        })),
        ...[...sets].map(([name, set]) => ({
          name,
          sketch: asBuffer(encodeSetSketch(set).slice()),
        })),
      ],
    }));
    for (const content of kept) this.#put(content);
    return kept;
  }

  /** `null` where none of the stretches holds this slice. */
  baselineOf(
    window: Stretch & { readonly plan: WindowPlan },
    slice: string,
    baseline: StreamBaseline,
  ): WindowContent | null {
    const lengthMs = keptLengthMs(baseline, window.plan)!;
    const stretches = this.#stretches(lengthMs);
    const startsMs = baselineStartsMs(window, baseline, {
      lengthMs,
      startsMs: [...stretches.keys()],
    });
    const contents = startsMs.flatMap((startMs) => stretches.get(startMs)?.get(slice) ?? []);
    return contents.length === 0 ? null : mergeContents(contents, this.#options.specifications);
  }

  /** Forgets what no window that ends later can need; returns the keys. */
  forget(judgedThroughMs: ReadonlyMap<WindowPlan, number>): readonly string[] {
    const fromMs = new Map<number, number>();
    for (const [plan, throughMs] of judgedThroughMs) {
      for (const baseline of this.#options.baselines) {
        if (baseline.kind === 'reference') continue;
        const lengthMs = keptLengthMs(baseline, plan)!;
        const needed = keptFromMs(baseline, plan, {
          lengthMs,
          startsMs: [...this.#stretches(lengthMs).keys()],
          judgedThroughMs: throughMs,
        });
        fromMs.set(lengthMs, Math.min(needed, fromMs.get(lengthMs) ?? Number.POSITIVE_INFINITY));
      }
    }
    const forgotten: string[] = [];
    for (const [lengthMs, stretches] of this.#kept) {
      for (const [startMs, stretch] of stretches) {
        if (startMs >= (fromMs.get(lengthMs) ?? Number.POSITIVE_INFINITY)) break;
        forgotten.push(...[...stretch.values()].map(keptKey));
        stretches.delete(startMs);
      }
    }
    return forgotten;
  }

  #put(content: KeptContent): void {
    const stretches = this.#stretches(content.lengthMs);
    const stretch = stretches.get(content.startMs) ?? new Map();
    stretch.set(content.slice, content);
    stretches.set(content.startMs, stretch);
  }

  #stretches(lengthMs: number): Map<number, KeptStretch> {
    const stretches = this.#kept.get(lengthMs) ?? new Map<number, KeptStretch>();
    this.#kept.set(lengthMs, stretches);
    return stretches;
  }
}

function mergeContents(
  contents: readonly KeptContent[],
  specifications: SetSpecifications,
): WindowContent {
  const count = contents.reduce((sum, content) => sum + content.count, 0);
  return { count, ...mergeColumns(contents, specifications) };
}
