/** The memory adapter: the contract, and what it offers beyond it. */
import { describe, expect, it } from 'vitest';
import { createMemoryTelemetry } from '../../../../services/platform/telemetry/memory-telemetry.ts';
import { telemetryContract } from '../../../contract/telemetry.contract.ts';

telemetryContract('memory', async () => {
  const telemetry = createMemoryTelemetry();
  return {
    telemetry,
    spans: async () =>
      telemetry.spans
        .filter(({ ended }) => ended)
        .map((span) => ({ ...span, failed: span.error !== null })),
    logs: () => telemetry.logs,
    close: () => telemetry.shutdown(),
  };
});

const EVENTS = { name: 'events', description: 'events', unit: '{event}' };
const BATCH = { service: 's', topic: 't', group: 'g', recordCount: 1, headers: [{}] };

describe('memory telemetry', () => {
  it('sums a counter over the label sets that contain the wanted ones', () => {
    const telemetry = createMemoryTelemetry();
    const counter = telemetry.counter(EVENTS);
    counter.cell({ service: 'a', outcome: 'valid' }).add(2);
    counter.cell({ service: 'b', outcome: 'valid' }).add(3);
    counter.cell({ service: 'b', outcome: 'late' }).add(10);
    expect(telemetry.count('events')).toBe(15);
    expect(telemetry.count('events', { outcome: 'valid' })).toBe(5);
    expect(telemetry.count('events', { service: 'b', outcome: 'valid' })).toBe(3);
    expect(telemetry.count('events', { service: 'c' })).toBe(0);
    expect(telemetry.count('other')).toBe(0);
  });

  it('traces nothing when told so', () => {
    const telemetry = createMemoryTelemetry({ tracing: false });
    const span = telemetry.startProcessSpan(BATCH);
    expect(span.traceparent).toBeNull();
    expect(span.run(() => 5)).toBe(5);
    span.end();
    expect(telemetry.spans).toEqual([]);
  });

  it('gives the same ids in every run', () => {
    const traceparents = [1, 2].map(() => {
      const telemetry = createMemoryTelemetry();
      return [1, 2].map(() => telemetry.startProcessSpan(BATCH).traceparent);
    });
    expect(traceparents[0]).toEqual(traceparents[1]);
    expect(traceparents[0]?.[0]).toBe(`00-${'1'.padStart(32, '0')}-${'1'.padStart(16, '0')}-01`);
  });

  it('keeps the newest spans and logs only', () => {
    const telemetry = createMemoryTelemetry({ keptMax: 3 });
    const logger = telemetry.logger('s');
    for (let number = 0; number < 10; number += 1) {
      logger.info({}, String(number));
      telemetry.startProcessSpan(BATCH).end();
    }
    expect(telemetry.logs.map(({ message }) => message)).toEqual(['7', '8', '9']);
    expect(telemetry.spans).toHaveLength(3);
  });
});
