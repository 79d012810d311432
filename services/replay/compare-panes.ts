/** Pane by pane: is what a replay measured what the live run measured? Pure. */
import { createHash } from 'node:crypto';
import type { PaneSource } from '../core/message/pane.ts';
import {
  type CoveredTime,
  coverageOf,
  coveredTime,
  isCovered,
  type SeriesCoverage,
} from './coverage.ts';
import type { PaneEntry, PaneLedger } from './pane-ledger.ts';
import { addDifference, EMPTY_TALLY, type Tally } from './tally.ts';
import type { TopicSpan } from './topic-source.ts';

export interface PaneComparison {
  readonly tally: Tally;
  /** Hex, over the digests of the compared panes in the order of their places. */
  readonly sha256: { readonly live: string; readonly run: string };
  readonly covered: CoveredTime;
}

export function comparePanes(options: {
  readonly live: PaneLedger;
  readonly run: PaneLedger;
  /** Of the event topic, by partition. */
  readonly spans: readonly TopicSpan[];
  readonly sources: readonly PaneSource[];
}): PaneComparison {
  const { live, run, spans, sources } = options;
  const hashes = { live: createHash('sha256'), run: createHash('sha256') };
  const coverages: SeriesCoverage[] = [];
  let tally = [
    ...live.conflicts.map(said('live')),
    ...run.conflicts.map(said('the replay')),
  ].reduce((sum, text) => addDifference(sum, 'different', text), EMPTY_TALLY);
  for (const source of sources) {
    for (const [partition, span] of spans.entries()) {
      const entries = {
        live: live.entriesOf({ source, partition }),
        run: run.entriesOf({ source, partition }),
      };
      const coverage = coverageOf(entries.live, entries.run, span);
      coverages.push(coverage);
      const covered = (side: readonly PaneEntry[]) =>
        byPlace(side.filter((entry) => isCovered(entry, coverage, span)));
      const sides = { live: covered(entries.live), run: covered(entries.run) };
      for (const place of placesOf(sides.live, sides.run)) {
        const left = sides.live.get(place);
        const right = sides.run.get(place);
        if (left !== undefined) hashes.live.update(left.digest);
        if (right !== undefined) hashes.run.update(right.digest);
        tally = addPane(tally, left, right);
      }
    }
  }
  const sha256 = { live: hashes.live.digest('hex'), run: hashes.run.digest('hex') };
  return { tally, sha256, covered: coveredTime(coverages) };
}

const said = (side: string) => (conflict: string) => `${side}: ${conflict}`;

/** Late events of a pane leave at several sealings: the n-th of one side is the n-th of the other. */
function byPlace(entries: readonly PaneEntry[]): ReadonlyMap<string, PaneEntry> {
  const places = new Map<string, PaneEntry>();
  const counts = new Map<string, number>();
  for (const entry of entries) {
    const { kind, startMs, slice } = entry;
    const key = `${kind === 'sealed' ? 0 : 1}:${String(startMs).padStart(14, '0')}:${slice}`;
    const count = counts.get(key) ?? 0;
    counts.set(key, count + 1);
    places.set(`${key}:${String(count).padStart(9, '0')}`, entry);
  }
  return places;
}

function placesOf(
  live: ReadonlyMap<string, PaneEntry>,
  run: ReadonlyMap<string, PaneEntry>,
): readonly string[] {
  return [...new Set([...live.keys(), ...run.keys()])].sort();
}

function addPane(tally: Tally, live: PaneEntry | undefined, run: PaneEntry | undefined): Tally {
  if (live === undefined) {
    return addDifference(tally, 'onlyRun', `live has no ${describe(run!)}`);
  }
  if (run === undefined) {
    return addDifference(tally, 'onlyLive', `the replay has no ${describe(live)}`);
  }
  if (live.digest === run.digest) return { ...tally, equal: tally.equal + 1 };
  return addDifference(tally, 'different', `${describe(live)}: ${whatDiffers(live, run)}`);
}

function describe({ source, partition, kind, startMs, endMs, slice }: PaneEntry): string {
  const where = slice === '' ? '' : ` of ${slice}`;
  return `${kind} pane ${new Date(startMs).toISOString()} to ${new Date(endMs).toISOString()}${where} of ${source}, partition ${partition}`;
}

function whatDiffers(live: PaneEntry, run: PaneEntry): string {
  if (live.endMs !== run.endMs) {
    return `live ends at ${new Date(live.endMs).toISOString()}, the replay at ${new Date(run.endMs).toISOString()}`;
  }
  if (live.count !== run.count) return `live has ${live.count} events, the replay ${run.count}`;
  for (const [index, column] of live.columns.entries()) {
    const other = run.columns[index];
    if (other?.name !== column.name) {
      return `live has column ${column.name}, the replay ${other?.name ?? 'none'} in its place`;
    }
    if (other.digest !== column.digest) {
      return `column ${column.name} differs, live ${column.byteCount} bytes ${column.digest}…, the replay ${other.byteCount} bytes ${other.digest}…`;
    }
  }
  return `live has ${live.columns.length} columns, the replay ${run.columns.length}`;
}
