/**
 * What the OpenTelemetry SDK has to say about itself, as log lines at `warn`: an unreachable
 * collector says so once a minute, not once per export.
 *
 * The SDK knows one diagnostics logger per process. It is registered once here and hands over to
 * the telemetry created last and still alive.
 */
import { type DiagLogFunction, DiagLogLevel, diag } from '@opentelemetry/api';
import type { Logger } from './telemetry.ts';

const INTERVAL_MS = 60_000;
/** Kinds of message told apart; beyond it the oldest is forgotten and may be repeated early. */
const KINDS_MAX = 100;
/** Leading characters, digits aside, in which two messages of one kind agree. */
const KIND_LENGTH = 80;
const TEXT_LENGTH_MAX = 500;

interface Sink {
  report(text: string): void;
}

const sinks: Sink[] = [];

/** Returns what ends the routing to this logger. */
export function routeDiagnostics(logger: Logger): () => void {
  const sink = createSink(logger);
  sinks.push(sink);
  const report: DiagLogFunction = (message, ...details) =>
    sinks.at(-1)?.report([message, ...details.map(String)].map(readable).join(' '));
  const silent = () => {};
  diag.setLogger(
    { error: report, warn: report, info: silent, debug: silent, verbose: silent },
    { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true },
  );
  return () => {
    const position = sinks.indexOf(sink);
    if (position >= 0) sinks.splice(position, 1);
    if (sinks.length === 0) diag.disable();
  };
}

function createSink(logger: Logger): Sink {
  const kinds = new Map<string, { loggedAtMs: number; suppressedCount: number }>();
  return {
    report(text) {
      const kind = text.replace(/\d+/g, '').slice(0, KIND_LENGTH);
      const nowMs = performance.now();
      const known = kinds.get(kind);
      if (known !== undefined && nowMs - known.loggedAtMs < INTERVAL_MS) {
        known.suppressedCount += 1;
        return;
      }
      kinds.delete(kind);
      if (kinds.size >= KINDS_MAX) kinds.delete(kinds.keys().next().value!);
      kinds.set(kind, { loggedAtMs: nowMs, suppressedCount: 0 });
      logger.warn(
        { suppressedCount: known?.suppressedCount ?? 0 },
        `OpenTelemetry: ${text.slice(0, TEXT_LENGTH_MAX)}`,
      );
    },
  };
}

/** The SDK reports an error as the JSON of all its properties, stack first. */
function readable(text: string): string {
  if (!text.startsWith('{')) return text;
  try {
    const { name, message, code } = JSON.parse(text) as Record<string, unknown>;
    return [name, message, code].filter((part) => typeof part === 'string').join(' ') || text;
  } catch {
    return text;
  }
}
