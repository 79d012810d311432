/**
 * The names on a `process` span. OpenTelemetry's messaging conventions are still "development", so
 * they are pinned here, all of them, and move only together with the version.
 * https://github.com/open-telemetry/semantic-conventions/blob/v1.45.0/docs/messaging/messaging-spans.md
 */
export const CONVENTIONS_SCHEMA_URL = 'https://opentelemetry.io/schemas/1.45.0';

export const ATTRIBUTE = {
  system: 'messaging.system',
  operationType: 'messaging.operation.type',
  operationName: 'messaging.operation.name',
  destinationName: 'messaging.destination.name',
  consumerGroupName: 'messaging.consumer.group.name',
  batchMessageCount: 'messaging.batch.message_count',
  errorType: 'error.type',
  /** Ours: which service processed the batch, several may share a process. */
  service: 'tidegauge.service',
} as const;

export const SYSTEM_KAFKA = 'kafka';
export const OPERATION_PROCESS = 'process';

/** The attributes of one `process` span at its start. */
export function processSpanAttributes(options: {
  readonly service: string;
  readonly topic: string;
  readonly group: string;
  readonly recordCount: number;
}): Record<string, string | number> {
  return {
    [ATTRIBUTE.system]: SYSTEM_KAFKA,
    [ATTRIBUTE.operationType]: OPERATION_PROCESS,
    [ATTRIBUTE.operationName]: OPERATION_PROCESS,
    [ATTRIBUTE.destinationName]: options.topic,
    [ATTRIBUTE.consumerGroupName]: options.group,
    [ATTRIBUTE.batchMessageCount]: options.recordCount,
    [ATTRIBUTE.service]: options.service,
  };
}

/** Low cardinality, as the convention asks: an error's code, else its class. */
export function errorType(error: Error): string {
  return 'code' in error && typeof error.code === 'string' ? error.code : error.name;
}
