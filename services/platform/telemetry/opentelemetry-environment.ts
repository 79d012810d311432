/**
 * The OTEL_* environment variables, read once and strictly: what OpenTelemetry would warn about and
 * ignore is refused here, for a bad configuration never starts a service.
 *
 * Without an endpoint nothing is exported and no span recorded, unlike the SDK's own default of
 * http://localhost:4318. TLS files and compression are read by the exporters themselves.
 * https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/
 */
import { core } from '@opentelemetry/sdk-node';
import { CodedError } from '../../core/errors.ts';

/** As `process.env`; an empty value counts as absent. */
export type Environment = Readonly<Record<string, string | undefined>>;

export type OtlpProtocol = 'http/protobuf' | 'http/json';

export interface OtlpSettings {
  readonly url: string;
  readonly protocol: OtlpProtocol;
  readonly headers: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
}

export const SAMPLERS = [
  'always_on',
  'always_off',
  'traceidratio',
  'parentbased_always_on',
  'parentbased_always_off',
  'parentbased_traceidratio',
] as const;

export interface OpenTelemetrySettings {
  readonly serviceName: string | null;
  readonly resourceAttributes: Readonly<Record<string, string>>;
  /** `null`: not exported. */
  readonly traces: OtlpSettings | null;
  readonly metrics: OtlpSettings | null;
  readonly sampler: { readonly name: (typeof SAMPLERS)[number]; readonly ratio: number };
  readonly spanQueue: {
    readonly spansMax: number;
    readonly batchSpansMax: number;
    readonly delayMs: number;
  };
  readonly metricIntervalMs: number;
}

/**
 * The default of one export with its retries. Shorter than OpenTelemetry's 10 s, so that a shutdown
 * with an unreachable collector ends by itself within its own bound.
 */
const EXPORT_TIMEOUT_MS = 4_000;
const PROTOCOLS = ['http/protobuf', 'http/json'] as const;

export function parseOpenTelemetryEnvironment(environment: Environment): OpenTelemetrySettings {
  const read = (name: string) => {
    const value = environment[name]?.trim();
    return value === undefined || value === '' ? null : value;
  };
  const readNumber = (name: string, otherwise: number, minimum: number, maximum: number) => {
    const text = read(name);
    if (text === null) return otherwise;
    const value = Number(text);
    if (value >= minimum && value <= maximum) return value;
    throw refuse(name, `a number from ${minimum} to ${maximum}`, text);
  };
  const disabled = read('OTEL_SDK_DISABLED')?.toLowerCase() === 'true';

  function signal(name: 'TRACES' | 'METRICS', path: string): OtlpSettings | null {
    const exporter = read(`OTEL_${name}_EXPORTER`) ?? 'otlp';
    if (disabled || exporter === 'none') return null;
    if (exporter !== 'otlp') throw refuse(`OTEL_${name}_EXPORTER`, 'otlp or none', exporter);
    const own = read(`OTEL_EXPORTER_OTLP_${name}_ENDPOINT`);
    const common = read('OTEL_EXPORTER_OTLP_ENDPOINT');
    const url =
      own !== null
        ? parseEndpoint(`OTEL_EXPORTER_OTLP_${name}_ENDPOINT`, own)
        : common !== null
          ? parseEndpoint('OTEL_EXPORTER_OTLP_ENDPOINT', common, path)
          : null;
    if (url === null) return null;

    const named = (suffix: string) =>
      read(`OTEL_EXPORTER_OTLP_${name}_${suffix}`) === null
        ? `OTEL_EXPORTER_OTLP_${suffix}`
        : `OTEL_EXPORTER_OTLP_${name}_${suffix}`;
    return {
      url,
      protocol: choose(named('PROTOCOL'), read(named('PROTOCOL')) ?? 'http/protobuf', PROTOCOLS),
      headers: {
        ...core.parseKeyPairsIntoRecord(read('OTEL_EXPORTER_OTLP_HEADERS') ?? ''),
        ...core.parseKeyPairsIntoRecord(read(`OTEL_EXPORTER_OTLP_${name}_HEADERS`) ?? ''),
      },
      timeoutMs: readNumber(named('TIMEOUT'), EXPORT_TIMEOUT_MS, 1, 600_000),
    };
  }

  const spansMax = readNumber('OTEL_BSP_MAX_QUEUE_SIZE', 2_048, 1, 1_000_000);
  return {
    serviceName: read('OTEL_SERVICE_NAME'),
    resourceAttributes: core.parseKeyPairsIntoRecord(read('OTEL_RESOURCE_ATTRIBUTES') ?? ''),
    traces: signal('TRACES', 'v1/traces'),
    metrics: signal('METRICS', 'v1/metrics'),
    sampler: {
      name: choose(
        'OTEL_TRACES_SAMPLER',
        read('OTEL_TRACES_SAMPLER') ?? 'parentbased_always_on',
        SAMPLERS,
      ),
      ratio: readNumber('OTEL_TRACES_SAMPLER_ARG', 1, 0, 1),
    },
    spanQueue: {
      spansMax,
      batchSpansMax: readNumber(
        'OTEL_BSP_MAX_EXPORT_BATCH_SIZE',
        Math.min(512, spansMax),
        1,
        spansMax,
      ),
      delayMs: readNumber('OTEL_BSP_SCHEDULE_DELAY', 5_000, 1, 3_600_000),
    },
    metricIntervalMs: readNumber('OTEL_METRIC_EXPORT_INTERVAL', 60_000, 1, 3_600_000),
  };
}

/** A signal's own endpoint is used as it is; the common one gets the signal's path. */
function parseEndpoint(name: string, text: string, path?: string): string {
  if (!URL.canParse(text) || !/^https?:$/.test(new URL(text).protocol)) {
    throw refuse(name, 'an http or https URL', text);
  }
  if (path === undefined) return text;
  return text.endsWith('/') ? text + path : `${text}/${path}`;
}

function choose<Known extends string>(name: string, text: string, known: readonly Known[]): Known {
  const found = known.find((candidate) => candidate === text);
  if (found === undefined) throw refuse(name, known.join(', '), text);
  return found;
}

function refuse(name: string, expected: string, found: string): CodedError {
  return new CodedError(
    'configuration.invalid',
    `environment variable ${name}: expected ${expected}, found ${JSON.stringify(found)}`,
  );
}
