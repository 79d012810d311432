/**
 * The environment table of deploy/README.md against the names the code asks for, which are found by
 * handing it an environment that writes down what is read.
 */
import { describe, expect, it } from 'vitest';
import { type ConnectOptions, connect, inferenceToken } from '../../services/cli/connect.ts';
import { SESSION_TIMEOUT_MS } from '../../services/core/limits.ts';
import { KAFKA_COMPRESSIONS } from '../../services/platform/bus/kafka-bus.ts';
import type { Bundle } from '../../services/platform/config/load-bundle.ts';
import { parseOpenTelemetryEnvironment } from '../../services/platform/telemetry/opentelemetry-environment.ts';
import { codeWords, readPage, tableUnder } from '../support/markdown-page.ts';
import { readSources } from '../support/source-tree.ts';

type Environment = ConnectOptions['environment'];

/** Everything an environment is asked for while `use` runs, given what it holds. */
async function asked(
  held: Environment,
  use: (environment: Environment) => unknown,
): Promise<readonly string[]> {
  const names = new Set<string>();
  const environment = new Proxy(held, {
    get(target, name) {
      if (typeof name === 'string') names.add(name);
      return target[name as string];
    },
  });
  await use(environment);
  return [...names];
}

/** No broker, Redis or registry is needed: each is connected to at first use. */
async function connectAll(environment: Environment): Promise<void> {
  const connections = connect({
    environment,
    logLevel: 'silent',
    serviceName: 'test',
    brokers: '127.0.0.1:1',
    redisUrl: 'redis://127.0.0.1:1',
    schemaRegistryUrl: 'http://127.0.0.1:1',
    bundle: { schemaDirectory: null } as Bundle,
  });
  await connections.close();
}

async function namesInCode(): Promise<ReadonlySet<string>> {
  const endpoint = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1' };
  const ownSettings = Object.fromEntries(
    ['TRACES', 'METRICS'].flatMap((signal) => [
      [`OTEL_EXPORTER_OTLP_${signal}_PROTOCOL`, 'http/json'],
      [`OTEL_EXPORTER_OTLP_${signal}_TIMEOUT`, '1000'],
    ]),
  );
  const sasl = {
    KAFKA_SASL_MECHANISM: 'plain',
    KAFKA_SASL_USERNAME: 'user',
    KAFKA_SASL_PASSWORD: 'secret',
  };
  const dynamic = await Promise.all([
    asked({}, connectAll),
    asked(sasl, connectAll),
    asked({}, inferenceToken),
    asked(endpoint, parseOpenTelemetryEnvironment),
    asked({ ...endpoint, ...ownSettings }, parseOpenTelemetryEnvironment),
  ]);
  const written = readSources('services').flatMap(({ text }) =>
    [...text.matchAll(/\b(?:process\.)?env\.([A-Z_]+)/g)].map((match) => match[1]!),
  );
  return new Set([...dynamic.flat(), ...written]);
}

describe('deploy/README.md', () => {
  it('has every environment variable the code reads, and no other', async () => {
    const rows = tableUnder(readPage('deploy/README.md'), 'Environment').rows;
    const documented = rows.flatMap(([names]) => codeWords(names!));
    const read = [...(await namesInCode())];
    expect(read.length).toBeGreaterThan(30);
    expect(documented.toSorted()).toEqual(read.toSorted());
  });

  it('gives the defaults the code has', () => {
    const { sampler, spanQueue, metricIntervalMs } = parseOpenTelemetryEnvironment({});
    const { traces } = parseOpenTelemetryEnvironment({
      OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1',
    });
    const rows = tableUnder(readPage('deploy/README.md'), 'Environment').rows;
    const default_ = (name: string) =>
      rows.find(([names]) => codeWords(names!).includes(name))?.[1]?.replaceAll('`', '');
    expect(default_('KAFKA_SESSION_TIMEOUT_MS')).toBe(String(SESSION_TIMEOUT_MS));
    expect(default_('KAFKA_COMPRESSION')).toBe(KAFKA_COMPRESSIONS[0]);
    const { spansMax, batchSpansMax, delayMs } = spanQueue;
    expect(default_('OTEL_TRACES_SAMPLER')).toBe(`${sampler.name}, ${sampler.ratio}`);
    expect(default_('OTEL_BSP_MAX_QUEUE_SIZE')).toBe(`${spansMax}, ${batchSpansMax}, ${delayMs}`);
    expect(default_('OTEL_METRIC_EXPORT_INTERVAL')).toBe(String(metricIntervalMs));
    expect(default_('OTEL_EXPORTER_OTLP_TIMEOUT')).toBe(String(traces?.timeoutMs));
    expect(default_('OTEL_EXPORTER_OTLP_PROTOCOL')).toBe(traces?.protocol);
  });
});
