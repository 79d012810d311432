/**
 * Any range of a live stream, replayed, gives the panes and reports the live run gave, as far as the
 * range covers them, wherever it begins and ends.
 */
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { LIVE_RUN } from '../../services/core/message/topics.ts';
import { tumblingPlan } from '../../services/core/window/window-plan.ts';
import { executeRun } from '../../services/embedded/execute-run.ts';
import { createPipeline } from '../../services/embedded/pipeline.ts';
import type { ServiceScope } from '../../services/platform/lifecycle/service-scope.ts';
import { startAll, stopAll } from '../../services/platform/lifecycle/supervise.ts';
import { compareLive, type LiveComparison } from '../../services/replay/compare-live.ts';
import { type LiveResults, readLiveResults } from '../../services/replay/live-results.ts';
import { PaneLedger } from '../../services/replay/pane-ledger.ts';
import { ReportLedger } from '../../services/replay/report-ledger.ts';
import { createTopicSource, type TopicSpan } from '../../services/replay/topic-source.ts';
import {
  EVENT_SCHEMA,
  jsonRecord,
  memoryPorts,
  referenceOf,
  type StationEvent,
  stationMonitor,
} from '../support/embedded-run.ts';

const PARTITION_COUNT = 2;
const EVENT_COUNT = 1_200;
const RUNS = 25;
const STATIONS = ['Brest', 'Cuxhaven', 'Newlyn'];

const monitor = stationMonitor({
  slices: ['station'],
  windows: [tumblingPlan(5_000), { lengthMs: 10_000, slideMs: 5_000 }],
  baselines: [{ kind: 'reference' }, { kind: 'trailing', windows: 2 }],
  allowedLatenessMs: 1_000,
  countMin: 10,
});

/** A tenth of the events jumps back so far that most of those come late. */
function eventAt(index: number): StationEvent {
  const jitter = (index * 7_919) % 10 === 0 ? -4_000 : ((index * 104_729) % 1_500) - 750;
  const shift = index > 500 && index < 800 ? 60 : 0;
  return {
    id: String(index),
    at: Math.max(0, index * 100 + jitter),
    level: ((index * 37) % 100) + shift,
    station: STATIONS[(index * 31) % 3]!,
  };
}

const stream = Array.from({ length: EVENT_COUNT }, (_, index) => eventAt(index));
const scope: ServiceScope = {
  monitor,
  run: LIVE_RUN,
  eventSchema: EVENT_SCHEMA,
  writerSchemas: [],
  reference: referenceOf(monitor, stream.slice(0, 400)),
};
const live = memoryPorts();
const services = createPipeline(live, scope);
let results: LiveResults;

beforeAll(async () => {
  const topic = monitor.topics.events;
  await live.bus.ensureTopics([{ topic, partitionCount: PARTITION_COUNT }]);
  await startAll(services);
  await live.bus.produce(
    stream.map((event, index) => ({ ...jsonRecord(event, index % PARTITION_COUNT), topic })),
  );
  // Silence of the last topic says that everything before it has come through.
  for (let before = -1, now = 0; now !== before || now === 0; ) {
    before = now;
    await live.clock.sleep(1_500);
    now = (await live.bus.offsets({ topic: monitor.topics.reports, partition: 0 })).next;
  }
  await stopAll(services, 5_000);
  results = await readLiveResults(live.bus, monitor);
});
afterAll(() => live.bus.close());

async function replayed(spans: readonly TopicSpan[]): Promise<LiveComparison> {
  const panes = new PaneLedger();
  const reports = new ReportLedger();
  const { alerts } = await executeRun(
    memoryPorts(),
    { ...scope, run: 'range' },
    {
      source: createTopicSource(live.bus, monitor.topics.events, spans),
      signal: new AbortController().signal,
      onProgress: () => undefined,
      listener: {
        pane: (pane, { headers }) => panes.take(pane, headers),
        report: (report) => reports.take(report),
        progress: () => undefined,
      },
    },
  );
  return compareLive({ monitor, live: results, run: { panes, reports, alerts }, spans });
}

const offsets = fc.integer({ min: 0, max: EVENT_COUNT / PARTITION_COUNT });
const span = fc.tuple(offsets, offsets).map(([a, b]) => ({
  from: Math.min(a, b),
  to: Math.max(a, b),
}));
const spans = fc.array(span, { minLength: PARTITION_COUNT, maxLength: PARTITION_COUNT });

it('the whole stream is compared whole, drift, late events and alerts included', async () => {
  const whole = { from: 0, to: EVENT_COUNT / PARTITION_COUNT };
  const comparison = await replayed([whole, whole]);
  expect(comparison.firstDifference).toBeNull();
  expect(comparison.panes.equal).toBeGreaterThan(150);
  expect(comparison.reports.equal).toBeGreaterThan(100);
  expect(comparison.sha256.live).toBe(comparison.sha256.run);
  expect(comparison.alerts.length).toBeGreaterThan(2);
  const entries = results.panes.entriesOf({ source: 'events', partition: 0 });
  expect(entries.filter(({ kind }) => kind === 'late').length).toBeGreaterThan(20);
});

it('a range is equal as far as it is covered', async () => {
  let comparedPanes = 0;
  let comparedReports = 0;
  await fc.assert(
    fc.asyncProperty(spans, async (range) => {
      const { panes, reports } = await replayed(range);
      expect([panes.firstDifference, reports.firstDifference]).toEqual([null, null]);
      comparedPanes += panes.equal;
      comparedReports += reports.equal;
    }),
    { numRuns: RUNS },
  );
  expect(comparedPanes).toBeGreaterThan(10 * RUNS);
  expect(comparedReports).toBeGreaterThan(RUNS);
}, 120_000);
