/**
 * What the evaluator keeps in the state store, for the one partition of the panes topic.
 *
 * | entry | content | lifetime |
 * |---|---|---|
 * | `head` | JSON: progress per source partition, how far windows are judged, next report sequence | as long as the shard |
 * | `pane:<startMs>:<source>:<partition>:<slice>` | a sealed pane, or an open one of an idle partition, as it came | until all its windows are judged, and may be revised no more |
 * | `late:<startMs>:<source>:<partition>:<sequence>:<slice>` | a late pane, as it came | until the last window that it may revise |
 * | `kept:<lengthMs>:<startMs>:<slice>` | content of an earlier stretch, merged over partitions | while a trailing or calendar baseline needs it |
 * | `course:<plan>:<baseline>:<slice>` | JSON: how far each column was from its baseline in the last windows | while the series goes on |
 */
import { createMessageCodec } from '../core/message/message-codec.ts';
import { PANE_SCHEMA, type Pane, type PaneColumn, paneCodec } from '../core/message/pane.ts';
import type { WindowBookSnapshot } from '../core/window/window-book.ts';
import type { StoredCourse } from './course.ts';
import type { PublishedReport } from './published.ts';

const HEAD_KEY = 'head';
const KEPT_PREFIX = 'kept:';
const COURSE_PREFIX = 'course:';

/** One slice of one stretch of the stream's past. */
export interface KeptContent {
  readonly lengthMs: number;
  readonly startMs: number;
  readonly slice: string;
  readonly count: number;
  readonly columns: readonly PaneColumn[];
}

const keptCodec = createMessageCodec<KeptContent>({
  type: 'record',
  name: 'KeptContent',
  namespace: 'tidegauge.v1',
  fields: [
    { name: 'lengthMs', type: 'long' },
    { name: 'startMs', type: 'long' },
    { name: 'slice', type: 'string' },
    { name: 'count', type: 'long' },
    PANE_SCHEMA.fields.find(({ name }) => name === 'columns'),
  ],
});

export interface EvaluatorHead {
  readonly book: WindowBookSnapshot | null;
  /** Of the next report. */
  readonly reportSequence: number;
  /** While lost state is made anew: the last report that was out by then; else `null`. */
  readonly lastPublished: PublishedReport | null;
}

export interface RestoredEvaluator extends EvaluatorHead {
  readonly panes: readonly Pane[];
  readonly kept: readonly KeptContent[];
  readonly courses: ReadonlyMap<string, StoredCourse>;
}

export const EMPTY_EVALUATOR: RestoredEvaluator = {
  book: null,
  reportSequence: 0,
  lastPublished: null,
  panes: [],
  kept: [],
  courses: new Map(),
};

export function encodeHead(head: EvaluatorHead): [string, Uint8Array] {
  return [HEAD_KEY, encodeJson(head)];
}

export function keptKey({ lengthMs, startMs, slice }: KeptContent): string {
  return `${KEPT_PREFIX}${lengthMs}:${String(startMs).padStart(15, '0')}:${slice}`;
}

export function encodeKept(content: KeptContent): [string, Uint8Array] {
  return [keptKey(content), keptCodec.encode(content)];
}

export function courseKey(series: string): string {
  return COURSE_PREFIX + series;
}

export function encodeCourse(series: string, course: StoredCourse): [string, Uint8Array] {
  return [courseKey(series), encodeJson(course)];
}

export function restoreEvaluator(entries: ReadonlyMap<string, Uint8Array>): RestoredEvaluator {
  const panes: Pane[] = [];
  const kept: KeptContent[] = [];
  const courses = new Map<string, StoredCourse>();
  let head: EvaluatorHead = EMPTY_EVALUATOR;
  for (const [key, bytes] of entries) {
    if (key === HEAD_KEY) head = decodeJson<EvaluatorHead>(bytes);
    else if (key.startsWith(KEPT_PREFIX)) kept.push(keptCodec.decode(bytes));
    else if (key.startsWith(COURSE_PREFIX)) {
      courses.set(key.slice(COURSE_PREFIX.length), decodeJson<StoredCourse>(bytes));
    } else panes.push(paneCodec.decode(bytes));
  }
  return { ...head, panes, kept, courses };
}

function encodeJson(value: unknown): Uint8Array {
  return Buffer.from(JSON.stringify(value));
}

function decodeJson<T>(bytes: Uint8Array): T {
  return JSON.parse(Buffer.from(bytes).toString('utf8')) as T;
}
