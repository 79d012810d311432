/** What every adapter of the telemetry port must do. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { SPAN_LINKS_MAX } from '../../services/core/limits.ts';
import { HEADER, headerBytes } from '../../services/core/message/header.ts';
import {
  formatTraceparent,
  parseTraceparent,
  type TraceContext,
} from '../../services/core/message/trace-context.ts';
import type { Headers } from '../../services/platform/bus/bus.ts';
import type { Telemetry } from '../../services/platform/telemetry/telemetry.ts';
import { promSamples, telemetryMetricsContract } from './telemetry-metrics.contract.ts';

export interface ObservedSpan {
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string | null;
  readonly links: readonly { readonly traceId: string; readonly spanId: string }[];
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly failed: boolean;
}

export interface ObservedLog {
  readonly service: string;
  readonly level: string;
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>>;
  readonly traceId: string | null;
  readonly spanId: string | null;
}

/** One adapter under test, tracing on, and a look at what it did. */
export interface TelemetryUnderTest {
  readonly telemetry: Telemetry;
  /** Ended spans in the order of their start; may shut the telemetry down to see them. */
  spans(): Promise<readonly ObservedSpan[]>;
  logs(): readonly ObservedLog[];
  close(): Promise<void>;
}

const EVENTS = { name: 'tidegauge.contract.events', description: 'events seen', unit: '{event}' };
function contextNumber(number: number): TraceContext {
  const digits = (number + 1).toString(16);
  return { traceId: `a${digits.padStart(31, '0')}`, spanId: digits.padStart(16, '0'), flags: 1 };
}

function carrying(traceparent: string): Headers {
  return { [HEADER.traceparent]: headerBytes(traceparent) };
}

function batchOf(headers: readonly Headers[]) {
  return {
    service: 'validator',
    topic: 'events',
    group: 'g',
    recordCount: headers.length,
    headers,
  };
}

export function telemetryContract(
  adapter: string,
  create: () => Promise<TelemetryUnderTest>,
): void {
  describe(`telemetry contract: ${adapter}`, () => {
    const open: TelemetryUnderTest[] = [];
    async function start(): Promise<TelemetryUnderTest> {
      const created = await create();
      open.push(created);
      return created;
    }
    afterEach(async () => {
      await Promise.all(open.splice(0).map((created) => created.close()));
    });

    telemetryMetricsContract(async () => (await start()).telemetry);

    it('continues the first valid trace context found and links to it', async () => {
      const tested = await start();
      const upstream = contextNumber(1);
      const span = tested.telemetry.startProcessSpan(
        batchOf([{}, carrying('garbage'), carrying(formatTraceparent(upstream))]),
      );
      const own = parseTraceparent(span.traceparent!);
      span.end();
      expect(own?.traceId).toBe(upstream.traceId);
      expect(own?.spanId).not.toBe(upstream.spanId);
      const [observed] = await tested.spans();
      expect(observed).toMatchObject({
        name: 'process events',
        traceId: upstream.traceId,
        spanId: own?.spanId,
        parentSpanId: upstream.spanId,
        links: [{ traceId: upstream.traceId, spanId: upstream.spanId }],
        failed: false,
      });
      expect(observed?.attributes).toMatchObject({
        'messaging.system': 'kafka',
        'messaging.operation.type': 'process',
        'messaging.operation.name': 'process',
        'messaging.destination.name': 'events',
        'messaging.consumer.group.name': 'g',
        'messaging.batch.message_count': 3,
        'tidegauge.service': 'validator',
      });
    });

    it('carries one trace through a chain of hops', async () => {
      const tested = await start();
      let headers: Headers = {};
      const hops: TraceContext[] = [];
      for (let hop = 0; hop < 4; hop += 1) {
        const span = tested.telemetry.startProcessSpan(batchOf([headers]));
        hops.push(parseTraceparent(span.traceparent!)!);
        headers = carrying(span.traceparent!);
        span.end();
      }
      expect(new Set(hops.map(({ traceId }) => traceId)).size).toBe(1);
      const observed = await tested.spans();
      expect(observed.map(({ spanId }) => spanId)).toEqual(hops.map(({ spanId }) => spanId));
      expect(observed.map(({ parentSpanId }) => parentSpanId)).toEqual([
        null,
        ...hops.slice(0, -1).map(({ spanId }) => spanId),
      ]);
    });

    it('links to a bounded, even sample of the distinct contexts', async () => {
      const tested = await start();
      const batch = Array.from({ length: 1_000 }, (_, index) =>
        carrying(formatTraceparent(contextNumber(Math.floor(index / 2)))),
      );
      tested.telemetry.startProcessSpan(batchOf(batch)).end();
      const [observed] = await tested.spans();
      const linked = observed!.links.map(({ spanId }) => Number.parseInt(spanId, 16));
      expect(linked).toHaveLength(SPAN_LINKS_MAX);
      expect(new Set(linked).size).toBe(SPAN_LINKS_MAX);
      const gaps = linked.slice(1).map((spanId, index) => spanId - linked[index]!);
      expect(Math.max(...gaps) - Math.min(...gaps)).toBeLessThanOrEqual(1);
      expect(500 - linked.at(-1)!).toBeLessThanOrEqual(Math.max(...gaps));
    });

    it('starts a trace of its own where no record carries one', async () => {
      const tested = await start();
      const one = tested.telemetry.startProcessSpan(batchOf([{}]));
      const other = tested.telemetry.startProcessSpan(batchOf([{}]));
      one.end();
      other.end();
      const [first, second] = await tested.spans();
      expect(first).toMatchObject({ parentSpanId: null, links: [] });
      expect(first?.traceId).not.toBe(second?.traceId);
    });

    it('marks a failed span with the type of the error, and ends once', async () => {
      const tested = await start();
      const span = tested.telemetry.startProcessSpan(batchOf([{}]));
      span.setAttribute('tidegauge.rows', 7);
      span.end(new TypeError('no'));
      span.setAttribute('tidegauge.rows', 8);
      span.end();
      const observed = await tested.spans();
      expect(observed).toHaveLength(1);
      expect(observed[0]).toMatchObject({ failed: true });
      expect(observed[0]?.attributes).toMatchObject({
        'error.type': 'TypeError',
        'tidegauge.rows': 7,
      });
    });

    it('gives logs the ids of the span they are written in, also after waiting', async () => {
      const { telemetry, logs } = await start();
      const logger = telemetry.logger('validator');
      const spans = [1, 2].map((number) =>
        telemetry.startProcessSpan(batchOf([carrying(formatTraceparent(contextNumber(number)))])),
      );
      logger.info({}, 'outside');
      const results = await Promise.all(
        spans.map((span, index) =>
          span.run(async () => {
            await sleep(2 - index);
            logger.warn({ batch: index }, 'inside');
            return index;
          }),
        ),
      );
      expect(results).toEqual([0, 1]);
      const [outside, ...inside] = logs();
      expect(outside).toMatchObject({ service: 'validator', level: 'info', traceId: null });
      expect(inside).toHaveLength(2);
      for (const log of inside) {
        const own = parseTraceparent(spans[Number(log.fields.batch)]!.traceparent!);
        expect(log).toMatchObject({ level: 'warn', traceId: own?.traceId, spanId: own?.spanId });
      }
    });

    it('keeps secrets out of the logs', async () => {
      const { telemetry, logs } = await start();
      const secret = 'hunter2';
      telemetry.logger('validator').error(
        {
          password: secret,
          redis: { url: `redis://user:${secret}@host:6379/0` },
          headers: [{ Authorization: `Bearer ${secret}` }],
          error: new Error(`cannot reach https://:${secret}@host/`),
        },
        `retrying kafka://user:${secret}@host`,
      );
      const [log] = logs();
      expect(JSON.stringify(log)).not.toContain(secret);
      expect(log?.message).toBe('retrying kafka://[redacted]@host');
      expect(log?.fields).toMatchObject({ redis: { url: 'redis://[redacted]@host:6379/0' } });
    });

    it('shuts down more than once, and still tells the last counts', async () => {
      const { telemetry } = await start();
      const cell = telemetry.counter(EVENTS).cell({});
      cell.add(3);
      await Promise.all([telemetry.shutdown(), telemetry.shutdown()]);
      await telemetry.shutdown();
      expect(
        promSamples(await telemetry.prometheusText(), 'tidegauge_contract_events_total'),
      ).toEqual({ '': 3 });
      telemetry.startProcessSpan(batchOf([{}])).end();
      telemetry.logger('validator').info({}, 'after the end');
    });
  });
}
