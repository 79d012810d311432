/** What a run is summed up to: everything it wrote, each thing once, when it is really over. */
import { describe, expect, it } from 'vitest';
import { type Alert, encodeAlert } from '../../../services/core/message/alert.ts';
import { endOfRunHeaders } from '../../../services/core/message/control.ts';
import { HEADER } from '../../../services/core/message/header.ts';
import { encodeOrigin } from '../../../services/core/message/origin.ts';
import { type Pane, paneCodec } from '../../../services/core/message/pane.ts';
import { quarantine } from '../../../services/core/message/quarantine.ts';
import { type Report, reportCodec } from '../../../services/core/message/report.ts';
import { encodeServiceAlert } from '../../../services/core/message/service-alert.ts';
import { replayTopicSpecs, runTopics } from '../../../services/core/message/topics.ts';
import type { OutgoingRecord } from '../../../services/platform/bus/bus.ts';
import { createMemoryBus } from '../../../services/platform/bus/memory-bus.ts';
import { createVirtualClock } from '../../../services/platform/clock/virtual-clock.ts';
import { RunObserver, type RunSummary } from '../../../services/replay/run-observer.ts';
import { EVENT_SCHEMA, memoryPorts, stationMonitor } from '../../support/embedded-run.ts';

const RUN = 'r1';
const monitor = stationMonitor();
const topics = runTopics(monitor, RUN);

function derived(topic: string, partition: number, offset: number): OutgoingRecord {
  const origin = encodeOrigin({ topic: topics.events, partition, offset });
  const headers = { [HEADER.origin]: origin };
  return { topic, partition, key: null, value: Buffer.from('v'), headers, timestampMs: null };
}

function refused(
  stage: 'validator' | 'inference-worker',
  offset: number,
  code: 'decode.empty' | 'invariant.range' | 'inference.run',
): OutgoingRecord {
  const record = { topic: topics.events, partition: 0, offset, key: null, value: null };
  return quarantine(
    { ...record, headers: {}, timestampMs: 0 },
    { stage, topic: topics.quarantine, rejection: { code, message: '' }, origin: record },
  );
}

function pane(fields: Partial<Pane>): OutgoingRecord {
  const value = paneCodec.encode({
    ...{ monitor: 'stations', source: 'events', partition: 0, sequence: 0, kind: 'late' },
    ...{ startMs: 0, endMs: 1_000, slice: '', count: 1, sealedThroughMs: 0, columns: [] },
    ...fields,
  } as Pane);
  return { topic: topics.panes, partition: 0, key: null, value, headers: {}, timestampMs: null };
}

function report(id: string, sequence: number): Report {
  return {
    ...{ id, monitor: 'stations', sequence, kind: 'window', windowStartMs: 0, windowEndMs: 1_000 },
    ...{ slice: '', revision: 0, count: 1, verdict: 'ok', budget: '', columns: [], versions: [] },
    ...{ windowSlideMs: 1_000, baseline: 'reference', revision: 0 },
  } as Report;
}

function alert(state: Alert['state'], windowEnd: string): Alert {
  const times = { windowStart: '2026-05-01T10:00:00.000Z', windowEnd, driftStart: windowEnd };
  return {
    ...{ rule: 'drift', monitor: 'stations', column: 'level', slice: '', state, ...times },
    ...{ severity: 'warning', distance: 'ks', value: 1, threshold: 0.3, count: 9 },
    ...{ fingerprint: 'f'.repeat(32), summary: '', baseline: 'reference', shape: null },
  };
}

function message(topic: string, value: Uint8Array): OutgoingRecord {
  return { topic, partition: 0, key: null, value, headers: {}, timestampMs: null };
}

const END: OutgoingRecord = {
  ...{ topic: topics.alerts, partition: 0, key: null, value: null, timestampMs: null },
  headers: endOfRunHeaders(RUN),
};

async function observing(partitionCount = 2) {
  const clock = createVirtualClock();
  const bus = createMemoryBus({ clock });
  await bus.ensureTopics(replayTopicSpecs(topics, partitionCount));
  const abort = new AbortController();
  const ports = { ...memoryPorts(), clock, bus };
  const scope = {
    ...{ monitor, run: RUN, eventSchema: EVENT_SCHEMA, writerSchemas: [], reference: null },
  };
  const state: { summary: RunSummary | null } = { summary: null };
  const observed = new RunObserver(ports, scope).observe(abort.signal).then((summary) => {
    state.summary = summary;
  });
  return {
    send: async (...records: OutgoingRecord[]) => {
      await bus.produce(records);
      await clock.advance(1_000);
    },
    summary: () => state.summary,
    abort: async () => {
      abort.abort();
      await clock.advance(1_000);
      await observed;
    },
  };
}

describe('a run', () => {
  it('is counted without what came twice', async () => {
    const { send, summary } = await observing();
    const { valid, predictions } = topics;
    await send(
      ...[0, 1, 2, 1, 2, 3, 0, 1].map((offset) => derived(valid, 0, offset)),
      ...[0, 1, 0, 1].map((offset) => derived(valid, 1, offset)),
      ...[1, 3, 1, 3].map((offset) => derived(predictions, 0, offset)),
      END,
    );
    expect(summary()).toMatchObject({ valid: 6, predictions: 2, quarantined: 0 });
  });

  it('counts refusals by code, each of its two writers in its own order', async () => {
    const { send, summary } = await observing();
    await send(
      refused('validator', 3, 'invariant.range'),
      refused('validator', 7, 'decode.empty'),
      refused('inference-worker', 5, 'inference.run'),
      refused('validator', 7, 'decode.empty'),
      refused('inference-worker', 6, 'inference.run'),
      refused('inference-worker', 6, 'inference.run'),
      END,
    );
    expect(summary()).toMatchObject({ quarantined: 4 });
    expect(Object.entries(summary()!.quarantinedByCode)).toEqual([
      ['decode.empty', 1],
      ['inference.run', 2],
      ['invariant.range', 1],
    ]);
  });

  it('counts late events once: not per slice, not again as predictions', async () => {
    const { send, summary } = await observing();
    const late = pane({ sequence: 4, count: 3 });
    await send(
      late,
      pane({ sequence: 5, slice: 'station=Brest', count: 3 }),
      pane({ sequence: 4, source: 'predictions', count: 3 }),
      pane({ sequence: 4, partition: 1, count: 2 }),
      pane({ sequence: 6, kind: 'sealed', count: 100 }),
      late,
      END,
    );
    expect(summary()?.late).toBe(5);
  });

  it('has every report and every transition once, in their order', async () => {
    const { send, summary } = await observing();
    const first = message(topics.reports, reportCodec.encode(report('a', 0)));
    const second = message(topics.reports, reportCodec.encode(report('b', 1)));
    const fired = alert('firing', '2026-05-01T11:00:00.000Z');
    const resolved = alert('resolved', '2026-05-01T12:00:00.000Z');
    await send(
      ...[first, second, first, second],
      ...[fired, fired, resolved].map((said) => message(topics.alerts, encodeAlert(said))),
      END,
    );
    expect(summary()?.reports.map(({ id }) => id)).toEqual(['a', 'b']);
    expect(summary()?.alerts).toEqual([fired, resolved]);
  });
});

describe('an alert of a service', () => {
  it('is no alert of the run', async () => {
    const { send, summary } = await observing();
    const value = encodeServiceAlert({
      ...{ rule: 'inference.circuit', monitor: 'stations', service: 'inference-worker' },
      ...{ subject: '4', state: 'firing', severity: 'critical', summary: '', fingerprint: 'f' },
      since: '2026-05-01T11:00:00.000Z',
    });
    await send(message(topics.alerts, value), END);
    expect(summary()?.alerts).toEqual([]);
  });
});

describe('the end of a run', () => {
  it('is what comes out at the alerts, when everything else has been read too', async () => {
    const { send, summary } = await observing();
    await send(derived(topics.valid, 0, 0));
    expect(summary()).toBeNull();
    await send({ ...END, topic: topics.reports });
    expect(summary()).toBeNull();
    await send(...Array.from({ length: 9_000 }, (_, i) => derived(topics.valid, 0, i + 1)), END);
    expect(summary()).toMatchObject({ valid: 9_001 });
  });

  it('of another run is none', async () => {
    const { send, summary } = await observing();
    await send({ ...END, headers: endOfRunHeaders('r2') });
    expect(summary()).toBeNull();
    await send(END);
    expect(summary()).not.toBeNull();
  });

  it('comes early for who does not want to wait, with what was seen so far', async () => {
    const { send, summary, abort } = await observing();
    await send(derived(topics.valid, 0, 0));
    await abort();
    expect(summary()).toMatchObject({ valid: 1, alerts: [] });
  });
});
