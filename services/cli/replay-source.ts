/** What `tidegauge replay` can read: a file, or a range of a topic. */
import { CodedError } from '../core/errors.ts';
import type { Bus } from '../platform/bus/bus.ts';
import type { Bundle } from '../platform/config/load-bundle.ts';
import type { RowRange } from '../platform/dataset/dataset.ts';
import { openDataset } from '../platform/dataset/open-dataset.ts';
import { createDatasetSource } from '../replay/dataset-source.ts';
import type { ReplaySource, SourceSpan } from '../replay/source.ts';
import {
  createTopicSource,
  resolveTopicRange,
  spannedCount,
  type TopicRange,
  type TopicSpan,
} from '../replay/topic-source.ts';
import { fileDigest } from './bundle-digest.ts';
import type { LabelCoverage } from './labels.ts';
import type { ProgressState } from './progress.ts';

export interface OpenSource {
  /** Where its topic is; `null` for a file. */
  readonly bus: Bus | null;
  /** Of a run that has a name: what tells this source from another one. */
  parts(): Promise<Readonly<Record<string, string>>>;
  /** Fixes where it begins and ends, as of now. */
  fix(): Promise<readonly SourceSpan[]>;
  /** What the records were written with, where the file says so. */
  readonly writerSchema: unknown;
  /** May be asked for again: a second bundle reads the same records. */
  read(bundle: Bundle, spans: readonly SourceSpan[], labels: LabelCoverage | null): ReplaySource;
  progress(spans: readonly SourceSpan[], done: RunProgress): ProgressState;
  close(): Promise<void>;
}

export interface RunProgress {
  /** Places of the source that lie behind. */
  readonly published: number;
  /** Events that a verdict is there for: the pipeline may lag behind what is published. */
  readonly decided: number;
}

export async function openFileSource(file: string, rows: RowRange): Promise<OpenSource> {
  const dataset = await openDataset(file);
  return {
    bus: null,
    parts: async () => ({
      file: await fileDigest(file),
      rows: `${rows.from}:${Number.isFinite(rows.to) ? rows.to : ''}`,
    }),
    fix: async () => [{ from: 0, to: null }],
    writerSchema: dataset.kind === 'events' ? dataset.writerSchema : null,
    read: ({ eventSchema, monitor }, _spans, labels) =>
      createDatasetSource({
        ...{ dataset, eventSchema, eventTime: monitor.eventTime, rows },
        onEvent: labels === null ? null : (event) => labels.see(event),
      }),
    progress(_spans, { published, decided }) {
      const { done, total, unit } = dataset.progress();
      return { done: done * (published === 0 ? 0 : Math.min(1, decided / published)), total, unit };
    },
    close: () => dataset.close(),
  };
}

export function openTopicSource(bus: Bus, range: TopicRange): OpenSource {
  return {
    bus,
    parts: async () => ({
      topic: range.topic,
      from: edgeText(range.from),
      to: edgeText(range.to),
    }),
    fix: () => resolveTopicRange(bus, range),
    writerSchema: null,
    read: (_bundle, spans) => createTopicSource(bus, range.topic, asTopicSpans(spans)),
    progress: (spans, { decided }) => ({
      done: decided,
      total: spannedCount(asTopicSpans(spans)),
      unit: 'record',
    }),
    close: () => bus.close(),
  };
}

/** A topic's range is fixed at both ends. */
export function asTopicSpans(spans: readonly SourceSpan[]): readonly TopicSpan[] {
  return spans.map(({ from, to }) => {
    if (to === null) throw new CodedError('state.corrupt', 'a range of a topic has no end');
    return { from, to };
  });
}

function edgeText(edge: TopicRange['from']): string {
  if (typeof edge === 'string') return edge;
  return 'offset' in edge ? `offset ${edge.offset}` : new Date(edge.timestampMs).toISOString();
}
