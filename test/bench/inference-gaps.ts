/**
 * What full load does to the event loop: its delay as Node measures it, and the longest gap between
 * two turns of it, with the model placed inline, and where the batcher wants it.
 *
 * A gap has three parts. Node says when it collected garbage; the kernel says how long this thread
 * stood in the queue for a core (`/proc/self/schedstat`, where there is one); what is left is
 * inference and the batcher. As a collection may have stood in that queue too, only the longer of the
 * two is taken off, so `value`, the longest of what is left over all rounds, is an upper bound; with
 * both taken off it is `atLeast`, and the whole gaps stand beside it. The delay is as it is, with all parts.
 */
import { closeSync, existsSync, openSync, readSync } from 'node:fs';
import { monitorEventLoopDelay, PerformanceObserver, performance } from 'node:perf_hooks';
import { atMost, median, type Pace, type Report, rowOf } from './bench-row.ts';
import { createFeed, type Feed } from './inference-feed.ts';
import type { Subject, Subjects } from './inference-subjects.ts';

const DELAY_SECTION = 'event-loop delay at full load, p99';
const GAP_SECTION = 'longest gap of inference at full load';
const DELAY_MS_MAX = 20;
const GAP_MS_MAX = 5;
const WARM_MS = 2_000;
const ROUND_MS = 450;
/** Shorter ones cannot be the longest. */
const GAP_MS_MIN = 1;
const SCHEDULING = '/proc/self/schedstat';

interface Gap {
  readonly startMs: number;
  readonly endMs: number;
  /** In the queue for a core. */
  readonly queuedMs: number;
}

interface Span {
  readonly startMs: number;
  readonly endMs: number;
}

interface Round {
  readonly delayP99Ms: number;
  readonly gaps: readonly Gap[];
  readonly collections: readonly Span[];
}

export async function measureGaps(
  { tiny, larger, trees, heavy }: Subjects,
  pace: Pace,
  report: Report,
): Promise<void> {
  const delays: Parameters<Report>[0][] = [];
  for (const subject of [tiny, larger, trees, heavy]) {
    for (const placement of ['auto', 'inline'] as const) {
      const { rounds, placed } = await measureSubject(subject, placement, pace);
      const name = `${subject.name}, ${placed}${placement === 'auto' ? ' by itself' : ''}`;
      delays.push(
        rowOf(
          { section: DELAY_SECTION, name, unit: 'ms', target: atMost(DELAY_MS_MAX) },
          rounds.map(({ delayP99Ms }) => delayP99Ms),
        ),
      );
      report(gapRow(name, rounds));
    }
  }
  for (const row of delays) report(row);
}

function gapRow(name: string, rounds: readonly Round[]) {
  const longest = (of: (gap: Gap, round: Round) => number): number[] =>
    rounds.map((round) => round.gaps.reduce((most, gap) => Math.max(most, of(gap, round)), 0));
  const own = longest((gap, { collections }) => {
    const othersMs = Math.max(gap.queuedMs, collectedMs(gap, collections));
    return Math.max(0, gap.endMs - gap.startMs - othersMs);
  });
  const row = rowOf({ section: GAP_SECTION, name, unit: 'ms', target: atMost(GAP_MS_MAX) }, own, {
    medianOfRounds: median(own),
    atLeast: Math.max(
      ...longest((gap, { collections }) => {
        return gap.endMs - gap.startMs - gap.queuedMs - collectedMs(gap, collections);
      }),
    ),
    wholeGap: Math.max(...longest(({ startMs, endMs }) => endMs - startMs)),
    inQueueForCore: Math.max(...longest(({ queuedMs }) => queuedMs)),
    collectingGarbage: Math.max(...longest((gap, round) => collectedMs(gap, round.collections))),
  });
  return { ...row, value: Math.max(...own) };
}

function collectedMs(gap: Gap, collections: readonly Span[]): number {
  let durationMs = 0;
  for (const { startMs, endMs } of collections) {
    durationMs += Math.max(0, Math.min(gap.endMs, endMs) - Math.max(gap.startMs, startMs));
  }
  return durationMs;
}

async function measureSubject(subject: Subject, placement: 'auto' | 'inline', pace: Pace) {
  const model = await subject.load();
  const feed = createFeed({
    ...{ subject, model, placement, rowsMax: 1_024, rowsPerRequest: 256 },
  });
  feed.start();
  await sleep(placement === 'auto' ? WARM_MS : WARM_MS / 5);
  const rounds: Round[] = [];
  for (let round = 0; round < pace.rounds; round++) {
    rounds.push(await measureRound(feed, ROUND_MS * pace.share));
  }
  const placed = model.placement;
  await feed.stop();
  await feed.close();
  await model.close();
  return { rounds, placed };
}

async function measureRound(feed: Feed, durationMs: number): Promise<Round> {
  const collections: Span[] = [];
  const observer = new PerformanceObserver((list) => {
    for (const { startTime, duration } of list.getEntries()) {
      collections.push({ startMs: startTime, endMs: startTime + duration });
    }
  });
  observer.observe({ entryTypes: ['gc'] });
  // One after the other: reading the kernel's figures each turn must not count as delay.
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  await sleep(durationMs / 2);
  delay.disable();
  const gaps = await watchTurns(durationMs / 2);
  // Entries come some turns later.
  await sleep(20);
  observer.disconnect();
  feed.batchRows.length = 0;
  return { delayP99Ms: delay.percentile(99) / 1e6, gaps, collections };
}

/** The gaps between turns of the event loop, for so long. */
function watchTurns(durationMs: number): Promise<readonly Gap[]> {
  const queue = openQueue();
  const gaps: Gap[] = [];
  const endMs = performance.now() + durationMs;
  return new Promise((resolve) => {
    let lastQueuedMs = queue.waitedMs();
    let lastMs = performance.now();
    setImmediate(function turn() {
      const nowMs = performance.now();
      const queuedMs = queue.waitedMs();
      if (nowMs - lastMs >= GAP_MS_MIN) {
        gaps.push({ startMs: lastMs, endMs: nowMs, queuedMs: queuedMs - lastQueuedMs });
      }
      lastQueuedMs = queuedMs;
      lastMs = performance.now();
      if (nowMs < endMs) return void setImmediate(turn);
      queue.close();
      resolve(gaps);
    });
  });
}

/** How long this thread has waited for a core since it began; 0 where the kernel does not say. */
function openQueue() {
  if (!existsSync(SCHEDULING)) return { waitedMs: () => 0, close: () => undefined };
  const file = openSync(SCHEDULING, 'r');
  const bytes = Buffer.alloc(64);
  return {
    waitedMs(): number {
      const length = readSync(file, bytes, 0, bytes.length, 0);
      return Number(bytes.toString('latin1', 0, length).split(' ')[1]) / 1e6;
    },
    close: () => closeSync(file),
  };
}

function sleep(durationMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, durationMs));
}
