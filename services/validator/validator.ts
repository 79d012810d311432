/**
 * The validator's shell: reads the event topic, decides per record, writes `valid` and `quarantine`,
 * and only then commits the broker's offset.
 *
 * **Every event ends in exactly one of `valid` and `quarantine`; a crash repeats a contiguous run,
 * which consumers drop by `tg-origin`.**
 */
import { createEventReader } from '../core/codec/event-reader.ts';
import { POLL_RECORDS_MAX, POLL_WAIT_MS } from '../core/limits.ts';
import { type OutgoingRecord, withTraceparent } from '../core/message/record.ts';
import { runTopics } from '../core/message/topics.ts';
import type { RecordBatch, Subscription } from '../platform/bus/bus.ts';
import type { Component } from '../platform/lifecycle/component.ts';
import {
  createConsumingService,
  type TurnContext,
} from '../platform/lifecycle/consuming-service.ts';
import { ensureRunTopics } from '../platform/lifecycle/run-topics.ts';
import type { ServicePorts, ServiceScope } from '../platform/lifecycle/service-scope.ts';
import { groupName } from '../platform/lifecycle/stateful-service.ts';
import { WriterSchemas } from '../platform/registry/writer-schemas.ts';
import { createValidatorEvents } from './events.ts';
import { createRoute } from './route.ts';
import { createValidate } from './validate.ts';

const NAME = 'validator';

export function createValidator(ports: ServicePorts, scope: ServiceScope): Component {
  const { bus, clock, telemetry } = ports;
  const { monitor, run } = scope;
  const topics = runTopics(monitor, run);
  const group = groupName(monitor.name, NAME, run);
  const events = createValidatorEvents(telemetry);
  const reader = createEventReader({
    schema: scope.eventSchema,
    writerSchemas: scope.writerSchemas,
    mapping: monitor,
    needsRoot: monitor.relations.length > 0,
  });
  const writerSchemas = new WriterSchemas(ports.schemaSource, reader);
  const route = createRoute({ topics, run, reader, validate: createValidate(monitor) });

  /** The derived topics have as many partitions as the event topic had when it was last looked at. */
  let partitionCount = 0;

  async function ensureTopics(): Promise<void> {
    partitionCount = await ensureRunTopics(bus, topics);
  }

  return createConsumingService({
    name: NAME,
    clock,
    logger: telemetry.logger(NAME),
    prepare: ensureTopics,
    subscribe: (context) =>
      bus.subscribe({
        group,
        topics: [topics.events],
        async onAssigned({ partition }) {
          if (partition >= partitionCount) await context.retry('widen topics', ensureTopics);
          return 'committed';
        },
        onRevoked: () => undefined,
        // Origins are offsets of this topic: read a second time they would be dropped as repeats.
        onTruncated: 'stop',
      }),
    turn: async (subscription, context) => {
      const batches = await subscription.poll({
        recordsMax: POLL_RECORDS_MAX,
        waitMs: POLL_WAIT_MS,
      });
      for (const batch of batches) await processBatch(batch, subscription, context);
    },
    drain: async () => undefined,
    dispose: async () => undefined,
  });

  async function processBatch(
    batch: RecordBatch,
    subscription: Subscription,
    context: TurnContext,
  ): Promise<void> {
    const { records } = batch;
    const startedMs = clock.monotonicMs();
    const span = telemetry.startProcessSpan({
      service: NAME,
      topic: topics.events,
      group,
      recordCount: records.length,
      headers: records.map((record) => record.headers),
    });
    try {
      await context.retry('fetch writer schemas', () => writerSchemas.fetchFor(records));
      const outgoing: OutgoingRecord[] = [];
      for (const record of records) {
        const routed = route(record);
        if (routed.kind === 'valid') events.eventValid();
        else if (routed.kind === 'quarantined') events.eventQuarantined(routed.rejection);
        outgoing.push(withTraceparent(routed.record, span.traceparent));
      }
      events.batchDecided();
      if (!subscription.owns(batch.assignment)) return span.end();
      await context.retry('send', () => bus.produce(outgoing));
      const nextOffset = records[records.length - 1]!.offset + 1;
      await context.retry('commit offset', () => subscription.commit(batch.assignment, nextOffset));
      events.batchAcknowledged(clock.monotonicMs() - startedMs);
      span.end();
    } catch (error) {
      span.end(error as Error);
      throw error;
    }
  }
}
