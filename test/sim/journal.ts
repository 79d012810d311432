/**
 * What happened in a run, line by line with its virtual time: disruptions, and what each process said
 * that is worth a warning or took over a shard. For whoever looks into a run that failed.
 */
import type { Clock } from '../../services/platform/clock/clock.ts';
import { createMemoryTelemetry } from '../../services/platform/telemetry/memory-telemetry.ts';
import type { Logger, Telemetry } from '../../services/platform/telemetry/telemetry.ts';

/** Newest lines that are kept. */
const LINES_MAX = 2_000;

export class Journal {
  readonly #clock: Clock;
  readonly #lines: string[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get lines(): readonly string[] {
    return this.#lines;
  }

  note(text: string): void {
    this.#lines.push(`${String(this.#clock.monotonicMs()).padStart(8)} ${text}`);
    if (this.#lines.length > LINES_MAX) this.#lines.shift();
  }

  /** Of one process. Its metrics go nowhere. */
  telemetryOf(process: string): Telemetry {
    const telemetry = createMemoryTelemetry({ tracing: false, keptMax: 0 });
    const write =
      (level: keyof Logger) => (fields: Readonly<Record<string, unknown>>, message: string) =>
        this.note(`${process} ${level}: ${message} ${JSON.stringify(fields)}`);
    const logger: Logger = {
      debug: () => undefined,
      info: (fields, message) => {
        if (message === 'claimed') write('info')(fields, message);
      },
      warn: write('warn'),
      error: write('error'),
    };
    return { ...telemetry, logger: () => logger };
  }
}
