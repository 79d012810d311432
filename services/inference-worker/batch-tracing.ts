/**
 * One `process` span per batch, from the moment it is cut until its run has ended, with links to a
 * sample of its events, the version that ran and why it was chosen, in the names of OpenTelemetry's
 * feature flags.
 * https://github.com/open-telemetry/semantic-conventions/blob/v1.45.0/docs/feature-flags/feature-flags-events.md
 */
import type { Headers } from '../core/message/record.ts';
import type { ProcessSpan, Telemetry } from '../platform/telemetry/telemetry.ts';
import type { BatchFacts } from './batcher.ts';
import type { ScoreRequest } from './score-row.ts';

export interface BatchTracing {
  start(batch: BatchFacts, choice: BatchChoice, requests: readonly ScoreRequest[]): void;
  end(batch: BatchFacts, error?: unknown): void;
  /** Of the batch's span, for records that came without one; `null` where there is none. */
  traceparentOf(batch: BatchFacts | null): string | null;
}

export function createBatchTracing(
  telemetry: Telemetry,
  names: {
    readonly service: string;
    readonly monitor: string;
    readonly topic: string;
    readonly group: string;
  },
): BatchTracing {
  const spans = new WeakMap<BatchFacts, ProcessSpan>();
  const { service, topic, group } = names;
  return {
    start(batch, { version, variant }, requests) {
      const headers = headersOf(requests);
      const span = telemetry.startProcessSpan({
        service,
        topic,
        group,
        recordCount: headers.length,
        headers,
      });
      span.setAttribute('tidegauge.batch.trigger', batch.trigger);
      span.setAttribute('tidegauge.batch.placement', batch.placement);
      span.setAttribute('tidegauge.model.version', version);
      span.setAttribute('feature_flag.key', `${names.monitor}.model`);
      span.setAttribute('feature_flag.provider.name', 'tidegauge');
      span.setAttribute('feature_flag.result.variant', variant);
      span.setAttribute('feature_flag.result.value', version);
      spans.set(batch, span);
    },
    end(batch, error) {
      const failure =
        error === undefined || error instanceof Error ? error : new Error(String(error));
      spans.get(batch)?.end(failure);
    },
    traceparentOf(batch) {
      return batch === null ? null : (spans.get(batch)?.traceparent ?? null);
    },
  };
}

export interface BatchChoice {
  readonly version: string;
  readonly variant: string;
}

/** Of the events whose rows are in these requests; rows that came from elsewhere have none. */
function headersOf(requests: readonly Partial<ScoreRequest>[]): readonly Headers[] {
  const headers: Headers[] = [];
  for (const { pending } of requests) {
    for (const { row } of pending ?? []) {
      if (row.source !== undefined) headers.push(row.source.record.headers);
    }
  }
  return headers;
}
