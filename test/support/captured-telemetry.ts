/** OpenTelemetry telemetry whose log lines are kept, parsed, instead of written. */
import type { Environment } from '../../services/platform/telemetry/opentelemetry-environment.ts';
import { createOpenTelemetry } from '../../services/platform/telemetry/opentelemetry-telemetry.ts';

export function createCapturedTelemetry(environment: Environment, logLevel = 'debug') {
  const lines: Record<string, unknown>[] = [];
  const telemetry = createOpenTelemetry({
    serviceName: 'tidegauge-test',
    serviceVersion: '1.2.3',
    environment,
    logLevel,
    logDestination: { write: (line: string) => void lines.push(JSON.parse(line)) },
  });
  return { telemetry, lines };
}
