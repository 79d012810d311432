/**
 * One `process` span per micro-batch by the OpenTelemetry SDK, and which span is active.
 *
 * The active span lives in an AsyncLocalStorage of our own, so nothing global is registered and
 * several pipelines share a process. Where the host has registered a context manager (automatic
 * instrumentation by `--import`), the span is made active there as well.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import {
  context,
  type Link,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  type Tracer,
  trace,
} from '@opentelemetry/api';
import { SPAN_LINKS_MAX } from '../../core/limits.ts';
import {
  formatTraceparent,
  sampleTraceContexts,
  type TraceContext,
} from '../../core/message/trace-context.ts';
import { redactText } from './log-redaction.ts';
import {
  ATTRIBUTE,
  errorType,
  OPERATION_PROCESS,
  processSpanAttributes,
} from './messaging-attributes.ts';
import type { ProcessSpan, ProcessSpanOptions } from './telemetry.ts';
import { UNTRACED_SPAN } from './untraced-span.ts';

export interface ProcessSpans {
  start(options: ProcessSpanOptions): ProcessSpan;
  active(): TraceContext | null;
}

export function createUntracedSpans(): ProcessSpans {
  return { start: () => UNTRACED_SPAN, active: () => null };
}

export function createOpenTelemetrySpans(tracer: Tracer): ProcessSpans {
  const activeContext = new AsyncLocalStorage<TraceContext>();
  return {
    active: () => activeContext.getStore() ?? null,
    start(options) {
      const { first, sample } = sampleTraceContexts(options.headers, SPAN_LINKS_MAX);
      const parent =
        first === null ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, remoteContext(first));
      const span = tracer.startSpan(
        `${OPERATION_PROCESS} ${options.topic}`,
        {
          kind: SpanKind.CONSUMER,
          attributes: processSpanAttributes(options),
          links: sample.map((linked): Link => ({ context: remoteContext(linked) })),
        },
        parent,
      );
      return createProcessSpan(span, activeContext);
    },
  };
}

function createProcessSpan(
  span: Span,
  activeContext: AsyncLocalStorage<TraceContext>,
): ProcessSpan {
  const { traceId, spanId, traceFlags: flags } = span.spanContext();
  const own: TraceContext = { traceId, spanId, flags };
  let ended = false;
  return {
    traceparent: formatTraceparent(own),
    setAttribute(name, value) {
      if (!ended) span.setAttribute(name, value);
    },
    end(error) {
      if (ended) return;
      ended = true;
      if (error !== undefined) {
        span.setAttribute(ATTRIBUTE.errorType, errorType(error));
        span.setStatus({ code: SpanStatusCode.ERROR, message: redactText(error.message) });
      }
      span.end();
    },
    run: (fn) =>
      activeContext.run(own, () => context.with(trace.setSpan(context.active(), span), fn)),
  };
}

function remoteContext({ traceId, spanId, flags }: TraceContext) {
  return { traceId, spanId, traceFlags: flags, isRemote: true };
}
