/**
 * Logs by pino: one JSON object per line on standard error (standard output belongs to the result
 * of a command), with ISO time, the service's name and the ids of the active span.
 *
 * Lines are written synchronously, so that the last one before a crash is not lost.
 */
import { type DestinationStream, destination, pino, stdTimeFunctions } from 'pino';
import { CodedError } from '../../core/errors.ts';
import type { TraceContext } from '../../core/message/trace-context.ts';
import { redactFields, redactText } from './log-redaction.ts';
import type { Logger } from './telemetry.ts';

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** Receives each line, newline included. */
export type LogDestination = DestinationStream;

const STANDARD_ERROR = 2;

export function parseLogLevel(text: string): LogLevel {
  const level = LOG_LEVELS.find((known) => known === text);
  if (level !== undefined) return level;
  throw new CodedError(
    'configuration.invalid',
    `log level: expected one of ${LOG_LEVELS.join(', ')}, found ${JSON.stringify(text)}`,
  );
}

export interface PinoLoggersOptions {
  readonly level: LogLevel;
  /** `null` is standard error. */
  readonly destination: LogDestination | null;
  activeContext(): TraceContext | null;
}

/** Returns what makes the logger of one service. */
export function createPinoLoggers(options: PinoLoggersOptions): (service: string) => Logger {
  const root = pino(
    {
      level: options.level,
      base: null,
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      mixin() {
        const active = options.activeContext();
        if (active === null) return {};
        return {
          trace_id: active.traceId,
          span_id: active.spanId,
          trace_flags: active.flags.toString(16).padStart(2, '0'),
        };
      },
    },
    options.destination ?? destination({ fd: STANDARD_ERROR, sync: true }),
  );

  return (service) => {
    const log = root.child({ service });
    function write(level: 'debug' | 'info' | 'warn' | 'error') {
      return (fields: Readonly<Record<string, unknown>>, message: string) => {
        if (log.isLevelEnabled(level)) log[level](redactFields(fields), redactText(message));
      };
    }
    return {
      debug: write('debug'),
      info: write('info'),
      warn: write('warn'),
      error: write('error'),
    };
  };
}
