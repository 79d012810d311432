/**
 * Where an evaluator begins whose state was lost: it judges the panes topic again from the earliest
 * record still held, and is silent up to the last report that it had published.
 *
 * With the whole log that gives the reports there would have been. Where retention has cut the log, the
 * sequence that a contributor is first seen with is its beginning, and windows that start before every
 * contributor is complete are not judged: a window without some of its panes would be wrong.
 *
 * A zombie may repeat reports of its last commit at any time, so the last record of the topic need not
 * have the highest sequence. Going on too early repeats some reports with the same sequences, which
 * whoever reads them drops.
 */
import { type Pane, paneCodec } from '../core/message/pane.ts';
import { reportCodec } from '../core/message/report.ts';
import type { Contributor, ContributorProgress } from '../core/window/contributors.ts';
import type { WindowBookSnapshot } from '../core/window/window-book.ts';
import type { Bus } from '../platform/bus/bus.ts';
import { readBackwards } from '../platform/lifecycle/read-backwards.ts';
import type { EvaluatorEvents } from './events.ts';
import { type PublishedReport, placeOf } from './published.ts';
import { EMPTY_EVALUATOR, type RestoredEvaluator } from './state.ts';

export interface RebuildOptions {
  readonly bus: Bus;
  readonly topics: { readonly panes: string; readonly reports: string };
  readonly contributors: readonly Contributor[];
  readonly events: EvaluatorEvents;
}

export async function rebuildFromPanes(options: RebuildOptions): Promise<RestoredEvaluator> {
  const { bus, topics, events } = options;
  const lastPublished = await lastReport(bus, topics.reports);
  events.rebuilding(lastPublished);
  const { earliest } = await bus.offsets({ topic: topics.panes, partition: 0 });
  if (earliest === 0) return { ...EMPTY_EVALUATOR, ...continuing(lastPublished, 0) };

  const book = await surveyPanes(options);
  if (lastPublished?.kind !== 'end') events.windowsLost(lastPublished, book.completeFromMs);
  // No sequence exceeds its record's offset, so this is beyond all that have been used.
  const { next } = await bus.offsets({ topic: topics.reports, partition: 0 });
  return { ...EMPTY_EVALUATOR, ...continuing(lastPublished, next), book };
}

function continuing(lastPublished: PublishedReport | null, otherwise: number) {
  const reportSequence = lastPublished === null ? otherwise : lastPublished.sequence + 1;
  return { lastPublished, reportSequence };
}

async function lastReport(bus: Bus, topic: string): Promise<PublishedReport | null> {
  for await (const stretch of readBackwards(bus, { topic, partition: 0 })) {
    let last: PublishedReport | null = null;
    for (const { value } of stretch) {
      const report = value === null ? null : reportCodec.tryDecode(value);
      if (report !== null && report.sequence > (last?.sequence ?? -1)) last = placeOf(report);
    }
    if (last !== null) return last;
  }
  return null;
}

interface Sighting extends Contributor {
  readonly firstSequence: number;
  /** Nothing is missing of it from here on, once `isSettled`; `null`: nothing at all. */
  completeFromMs: number | null;
  isSettled: boolean;
}

/**
 * Reads as far as it takes to know of everybody. Who is not in the log at all has written nothing for as
 * long as it reaches back: it is idle, or at its end, and its panes belong to windows of long ago.
 */
async function surveyPanes(options: RebuildOptions): Promise<WindowBookSnapshot> {
  const { bus, contributors } = options;
  const at = { topic: options.topics.panes, partition: 0 };
  const { earliest, next } = await bus.offsets(at);
  const seen = new Map<string, Sighting>();
  const isKnown = (by: Contributor) => seen.get(keyOf(by))?.isSettled ?? false;
  for await (const { value } of bus.read(at, earliest, next)) {
    const pane = value === null ? null : paneCodec.tryDecode(value);
    if (pane === null) continue;
    sight(seen, pane);
    if (contributors.every(isKnown)) break;
  }
  const edgesMs = [...seen.values()].flatMap(({ completeFromMs }) => completeFromMs ?? []);
  const silent = contributors.filter((by) => !seen.has(keyOf(by)));
  return {
    progress: [...[...seen.values()].map(startOf), ...silent.map(silentStart)],
    readyThroughMs: 0,
    completeFromMs: edgesMs.length === 0 ? null : Math.max(...edgesMs),
    judgedOpen: {},
    belated: {},
  };
}

/**
 * The panes of a sealing come before the record that closes it, so the first may be in part. What was
 * written before the first sighting and is repeated after it says nothing.
 */
function sight(seen: Map<string, Sighting>, pane: Pane): void {
  const { source, partition, sequence, sealedThroughMs } = pane;
  const closes = pane.kind === 'progress' || pane.kind === 'end';
  const known = seen.get(keyOf(pane));
  if (known === undefined) {
    const isWhole = sequence === 0;
    seen.set(keyOf(pane), {
      ...{ source, partition, firstSequence: sequence, isSettled: isWhole || closes },
      completeFromMs: isWhole ? null : sealedThroughMs,
    });
  } else if (!known.isSettled && sequence > known.firstSequence) {
    known.completeFromMs = sealedThroughMs;
    known.isSettled = closes;
  }
}

function startOf({ source, partition, firstSequence }: Sighting): ContributorProgress {
  const sequence = firstSequence;
  return { source, partition, sequence, sealedThroughMs: 0, idle: false, ended: false };
}

function silentStart({ source, partition }: Contributor): ContributorProgress {
  return { source, partition, sequence: null, sealedThroughMs: 0, idle: true, ended: true };
}

function keyOf({ source, partition }: Contributor): string {
  return `${source}:${partition}`;
}
