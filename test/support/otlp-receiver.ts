/**
 * A real OTLP/HTTP receiver on a free local port, JSON encoding only (set
 * OTEL_EXPORTER_OTLP_PROTOCOL=http/json): keeps what it was sent, flattened, to be read back.
 */
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { gunzipSync } from 'node:zlib';

type AttributeValue = string | number | boolean | readonly unknown[] | null;
export type Attributes = Readonly<Record<string, AttributeValue>>;

export interface ReceivedSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string | null;
  readonly name: string;
  /** OTLP's numbers: 1 internal, 4 producer, 5 consumer. */
  readonly kind: number;
  readonly attributes: Attributes;
  readonly links: readonly { readonly traceId: string; readonly spanId: string }[];
  /** OTLP's numbers: 0 unset, 1 ok, 2 error. */
  readonly status: { readonly code: number; readonly message: string };
  readonly startTimeNs: bigint;
  readonly endTimeNs: bigint;
  readonly resource: Attributes;
  readonly schemaUrl: string;
}

export interface ReceivedPoint {
  readonly attributes: Attributes;
  /** Of a counter or gauge; the sum of a histogram. */
  readonly value: number;
  /** Of a histogram. */
  readonly count: number | null;
  readonly bounds: readonly number[];
  readonly bucketCounts: readonly number[];
}

export interface ReceivedMetric {
  readonly name: string;
  readonly unit: string;
  readonly kind: 'sum' | 'gauge' | 'histogram';
  readonly points: readonly ReceivedPoint[];
  readonly resource: Attributes;
}

export interface OtlpReceiver {
  /** For OTEL_EXPORTER_OTLP_ENDPOINT. */
  readonly endpoint: string;
  spans(): readonly ReceivedSpan[];
  /** Every export in order: a periodic exporter sends the same metric again and again. */
  metrics(): readonly ReceivedMetric[];
  /** Headers of each request, with its path. */
  requests(): readonly { readonly path: string; readonly headers: IncomingMessage['headers'] }[];
  /** Resolves with all spans once the predicate holds for them; rejects after `timeoutMs`. */
  waitForSpans(
    holds: (spans: readonly ReceivedSpan[]) => boolean,
    timeoutMs?: number,
  ): Promise<readonly ReceivedSpan[]>;
  close(): Promise<void>;
}

/** The JSON of OTLP, as far as it is read here; which fields there are depends on the level. */
interface Wire {
  readonly [list: string]: readonly Wire[] | unknown;
  readonly name?: string;
  readonly unit?: string;
  readonly kind?: number;
  readonly traceId?: string;
  readonly spanId?: string;
  readonly parentSpanId?: string;
  readonly startTimeUnixNano?: string;
  readonly endTimeUnixNano?: string;
  readonly schemaUrl?: string;
  readonly status?: { readonly code?: number; readonly message?: string };
  readonly resource?: Wire;
  readonly key?: string;
  readonly value?: Wire;
  readonly stringValue?: string;
  readonly boolValue?: boolean;
  readonly intValue?: string | number;
  readonly doubleValue?: number;
  readonly arrayValue?: Wire;
}

export async function startOtlpReceiver(): Promise<OtlpReceiver> {
  const spans: ReceivedSpan[] = [];
  const metrics: ReceivedMetric[] = [];
  const requests: { path: string; headers: IncomingMessage['headers'] }[] = [];

  const server = createServer(async (request, response) => {
    const path = request.url ?? '';
    const body = await readBody(request);
    requests.push({ path, headers: request.headers });
    let status = 200;
    if (request.headers['content-type'] !== 'application/json') status = 415;
    else if (request.method !== 'POST') status = 405;
    else if (path === '/v1/traces') spans.push(...readSpans(JSON.parse(body)));
    else if (path === '/v1/metrics') metrics.push(...readMetrics(JSON.parse(body)));
    else status = 404;
    response.writeHead(status, { 'Content-Type': 'application/json' }).end('{}');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;

  return {
    endpoint: `http://127.0.0.1:${port}`,
    spans: () => spans,
    metrics: () => metrics,
    requests: () => requests,
    async waitForSpans(holds, timeoutMs = 5_000) {
      const endMs = performance.now() + timeoutMs;
      while (!holds(spans)) {
        if (performance.now() > endMs) {
          const names = spans.map(({ name }) => name).join(', ');
          throw new Error(`not the awaited spans within ${timeoutMs} ms, but: ${names || 'none'}`);
        }
        await sleep(10);
      }
      return spans;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const bytes = Buffer.concat(chunks);
  return (request.headers['content-encoding'] === 'gzip' ? gunzipSync(bytes) : bytes).toString();
}

function readSpans(document: Wire): ReceivedSpan[] {
  return listOf(document, 'resourceSpans').flatMap((group) =>
    listOf(group, 'scopeSpans').flatMap((scope) =>
      listOf(scope, 'spans').map((span) => ({
        traceId: span.traceId!,
        spanId: span.spanId!,
        parentSpanId: span.parentSpanId || null,
        name: span.name!,
        kind: Number(span.kind),
        attributes: readAttributes(span),
        links: listOf(span, 'links').map((link) => ({
          traceId: link.traceId!,
          spanId: link.spanId!,
        })),
        status: { code: Number(span.status?.code ?? 0), message: span.status?.message ?? '' },
        startTimeNs: BigInt(span.startTimeUnixNano!),
        endTimeNs: BigInt(span.endTimeUnixNano!),
        resource: readAttributes(group.resource!),
        schemaUrl: scope.schemaUrl ?? '',
      })),
    ),
  );
}

function readMetrics(document: Wire): ReceivedMetric[] {
  return listOf(document, 'resourceMetrics').flatMap((group) =>
    listOf(group, 'scopeMetrics').flatMap((scope) =>
      listOf(scope, 'metrics').map((metric) => {
        const kind = (['sum', 'gauge', 'histogram'] as const).find((name) => name in metric);
        if (kind === undefined) throw new Error(`metric ${metric.name} is of no known kind`);
        return {
          name: metric.name!,
          unit: metric.unit ?? '',
          kind,
          points: listOf(metric[kind] as Wire, 'dataPoints').map((point) => ({
            attributes: readAttributes(point),
            value: Number(point.asDouble ?? point.asInt ?? point.sum),
            count: point.count === undefined ? null : Number(point.count),
            bounds: listOf(point, 'explicitBounds').map(Number),
            bucketCounts: listOf(point, 'bucketCounts').map(Number),
          })),
          resource: readAttributes(group.resource!),
        };
      }),
    ),
  );
}

function listOf(parent: Wire, field: string): readonly Wire[] {
  return (parent[field] as readonly Wire[] | undefined) ?? [];
}

function readAttributes(holder: Wire): Attributes {
  return Object.fromEntries(
    listOf(holder, 'attributes').map(({ key, value }) => [key, readValue(value!)]),
  );
}

function readValue(value: Wire): AttributeValue {
  if (value.intValue !== undefined) return Number(value.intValue);
  if (value.arrayValue !== undefined) return listOf(value.arrayValue, 'values').map(readValue);
  return value.stringValue ?? value.boolValue ?? value.doubleValue ?? null;
}
