/** The metrics part of the telemetry contract, read back from the Prometheus text. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { Telemetry } from '../../services/platform/telemetry/telemetry.ts';

const EVENTS = { name: 'tidegauge.contract.events', description: 'events seen', unit: '{event}' };
const LAG = { name: 'tidegauge.contract.lag', description: 'how far behind', unit: 'ms' };
const DURATION = {
  name: 'tidegauge.contract.batch.duration',
  description: 'how long a batch took',
  unit: 'ms',
  boundaries: [1, 10, 100],
};

/** The sample lines of one metric, by their label part, in the order of the text. */
export function promSamples(text: string, name: string): Record<string, number> {
  const samples: Record<string, number> = {};
  for (const line of text.split('\n')) {
    const match = /^([a-zA-Z0-9_]+)(\{.*\})? (\S+)$/.exec(line);
    if (match?.[1] === name) samples[match[2] ?? ''] = Number(match[3]);
  }
  return samples;
}

export function telemetryMetricsContract(start: () => Promise<Telemetry>): void {
  it('counts what the cells of a counter add up to, per label set', async () => {
    const telemetry = await start();
    const counter = telemetry.counter(EVENTS);
    const outcomes = ['valid', 'quarantined', 'late'];
    const totals = new Map<string, number>();
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.constantFrom(...outcomes), fc.nat(1_000)), { maxLength: 20 }),
        async (additions) => {
          for (const [outcome, count] of additions) {
            counter.cell({ outcome }).add(count);
            totals.set(outcome, (totals.get(outcome) ?? 0) + count);
          }
          const samples = promSamples(
            await telemetry.prometheusText(),
            'tidegauge_contract_events_total',
          );
          for (const [outcome, total] of totals) {
            expect(samples[`{outcome="${outcome}"}`]).toBe(total);
          }
          expect(Object.keys(samples)).toHaveLength(totals.size);
        },
      ),
      { numRuns: 20 },
    );
  });

  it('adds one by default and shows a cell that was never added to as 0', async () => {
    const telemetry = await start();
    const counter = telemetry.counter(EVENTS);
    counter.cell({ outcome: 'valid' }).add();
    counter.cell({ outcome: 'late' });
    expect(
      promSamples(await telemetry.prometheusText(), 'tidegauge_contract_events_total'),
    ).toEqual({ '{outcome="valid"}': 1, '{outcome="late"}': 0 });
  });

  it('takes equal label sets for one series, whatever their order and instrument', async () => {
    const telemetry = await start();
    telemetry.counter(EVENTS).cell({ a: '1', b: '2' }).add(3);
    telemetry
      .counter({ ...EVENTS })
      .cell({ b: '2', a: '1' })
      .add(4);
    const samples = promSamples(
      await telemetry.prometheusText(),
      'tidegauge_contract_events_total',
    );
    expect(samples).toEqual({ '{a="1",b="2"}': 7 });
  });

  it('refuses one metric name with two meanings', async () => {
    const telemetry = await start();
    telemetry.counter(EVENTS);
    expect(() => telemetry.counter({ ...EVENTS, unit: 'ms' })).toThrow(/already defined/);
    expect(() => telemetry.gauge(EVENTS)).toThrow(/already defined/);
  });

  it('keeps the last value of a gauge per label set', async () => {
    const telemetry = await start();
    const lag = telemetry.gauge(LAG);
    lag.set(5, { partition: '0' });
    lag.set(7, { partition: '1' });
    lag.set(-2, { partition: '0' });
    expect(
      promSamples(await telemetry.prometheusText(), 'tidegauge_contract_lag_milliseconds'),
    ).toEqual({ '{partition="0"}': -2, '{partition="1"}': 7 });
  });

  it('puts a recorded value into the bucket whose bound is not below it', async () => {
    const telemetry = await start();
    const duration = telemetry.histogram(DURATION);
    for (const value of [0.5, 1, 1.5, 100, 1_000]) duration.record(value, { service: 's' });
    const text = await telemetry.prometheusText();
    const name = 'tidegauge_contract_batch_duration_milliseconds';
    expect(promSamples(text, `${name}_bucket`)).toEqual({
      '{service="s",le="1"}': 2,
      '{service="s",le="10"}': 3,
      '{service="s",le="100"}': 4,
      '{service="s",le="+Inf"}': 5,
    });
    expect(promSamples(text, `${name}_count`)).toEqual({ '{service="s"}': 5 });
    expect(promSamples(text, `${name}_sum`)).toEqual({ '{service="s"}': 1_103 });
  });

  it('declares type and meaning of every metric, and no unit line', async () => {
    const telemetry = await start();
    telemetry.counter(EVENTS).cell({}).add(2);
    telemetry.gauge(LAG).set(1, {});
    telemetry.histogram(DURATION).record(1, {});
    const lines = (await telemetry.prometheusText()).split('\n');
    expect(lines).toContain('# TYPE tidegauge_contract_events_total counter');
    expect(lines).toContain('# HELP tidegauge_contract_events_total events seen');
    expect(lines).toContain('tidegauge_contract_events_total 2');
    expect(lines).toContain('# TYPE tidegauge_contract_lag_milliseconds gauge');
    expect(lines).toContain('# TYPE tidegauge_contract_batch_duration_milliseconds histogram');
    expect(lines.filter((line) => line.startsWith('# UNIT'))).toEqual([]);
  });

  it('escapes label values', async () => {
    const telemetry = await start();
    telemetry.counter(EVENTS).cell({ reason: 'a "quoted"\\\nline' }).add();
    expect(await telemetry.prometheusText()).toContain(
      'tidegauge_contract_events_total{reason="a \\"quoted\\"\\\\\\nline"} 1',
    );
  });
}
