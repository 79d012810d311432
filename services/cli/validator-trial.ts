/**
 * The validator's decision for events that are not on the event topic yet, as its service would make
 * it now; nothing is written.
 */
import { createEventReader } from '../core/codec/event-reader.ts';
import { runTopics } from '../core/message/topics.ts';
import type { ServicePorts, ServiceScope } from '../platform/lifecycle/service-scope.ts';
import { WriterSchemas } from '../platform/registry/writer-schemas.ts';
import type { Try } from '../redrive/trial.ts';
import { createRoute } from '../validator/route.ts';
import { createValidate } from '../validator/validate.ts';

export function createValidatorTrial(
  ports: Pick<ServicePorts, 'clock' | 'schemaSource'>,
  scope: ServiceScope,
): Try {
  const { monitor, run, eventSchema, writerSchemas } = scope;
  const reader = createEventReader({
    schema: eventSchema,
    writerSchemas,
    mapping: monitor,
    needsRoot: monitor.relations.length > 0,
  });
  const schemas = new WriterSchemas(ports.schemaSource, reader);
  const topics = runTopics(monitor, run);
  const route = createRoute({ topics, run, reader, validate: createValidate(monitor) });

  return async (events) => {
    await schemas.fetchFor(events);
    return events.map((event) => {
      // It would be recorded at the time of sending; the offset it would get decides nothing.
      const place = {
        partition: event.partition ?? 0,
        offset: 0,
        timestampMs: ports.clock.nowMs(),
      };
      const routed = route({ ...event, ...place });
      return routed.kind === 'quarantined' ? routed.rejection.code : null;
    });
  };
}
