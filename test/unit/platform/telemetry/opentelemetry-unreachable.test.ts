/** A collector that is not there: bounded shutdown, few lines, no error for the service. */
import { type AddressInfo, createServer } from 'node:net';
import { describe, expect, it } from 'vitest';
import { createCapturedTelemetry as create } from '../../../support/captured-telemetry.ts';

const BATCH = { service: 's', topic: 't', group: 'g', recordCount: 1, headers: [{}] };
const EVENTS = { name: 'tidegauge.test.events', description: 'events', unit: '{event}' };

describe('OpenTelemetry telemetry without a collector', () => {
  it('ends quietly where the collector refuses connections, with one line per signal', async () => {
    const { telemetry, lines } = create({
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${await unusedPort()}`,
      OTEL_EXPORTER_OTLP_TIMEOUT: '300',
      OTEL_BSP_SCHEDULE_DELAY: '10',
    });
    telemetry.counter(EVENTS).cell({}).add();
    for (let batch = 0; batch < 5; batch += 1) {
      telemetry.startProcessSpan(BATCH).end();
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    await telemetry.shutdown();
    expect(lines.length).toBeGreaterThanOrEqual(1);
    expect(lines.length).toBeLessThanOrEqual(2);
    for (const line of lines) {
      expect(line).toMatchObject({ level: 'warn', service: 'telemetry' });
      expect(line.msg).toMatch(/^OpenTelemetry: .*ECONNREFUSED/);
    }
  });

  it('tells that the last spans were not exported', async () => {
    const { telemetry, lines } = create({
      OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `http://127.0.0.1:${await unusedPort()}/v1/traces`,
      OTEL_EXPORTER_OTLP_TIMEOUT: '100',
    });
    telemetry.startProcessSpan(BATCH).end();
    await telemetry.shutdown();
    expect(lines.map(({ msg }) => msg)).toEqual([
      expect.stringMatching(/^OpenTelemetry: .*ECONNREFUSED/),
    ]);
  });

  it('gives up on a collector that never answers within 5 s', async () => {
    const server = createServer(() => {}).listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const { port } = server.address() as AddressInfo;
    const { telemetry, lines } = create({
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}`,
      OTEL_EXPORTER_OTLP_TIMEOUT: '6000',
    });
    telemetry.startProcessSpan(BATCH).end();
    const startMs = performance.now();
    await telemetry.shutdown();
    const tookMs = performance.now() - startMs;
    expect(tookMs).toBeGreaterThan(4_500);
    expect(tookMs).toBeLessThan(5_900);
    expect(lines.map(({ msg }) => msg)).toEqual(['the last telemetry is given up']);
    server.close();
  }, 10_000);
});

async function unusedPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
