/**
 * How a command ends: what it says when something is wrong, and with which code.
 *
 * 0: done. 1: it could not do it (a dependency, a file, a service that died). 2: it was asked wrongly
 * (options, configuration).
 */
import { CommanderError } from 'commander';
import { CodedError, ERRORS } from '../core/errors.ts';

export const EXIT_FAILED = 1;
export const EXIT_USAGE = 2;

export function exitCodeOf(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : EXIT_USAGE;
  if (error instanceof CodedError && ERRORS[error.code].class === 'configuration')
    return EXIT_USAGE;
  return EXIT_FAILED;
}

/** One line for a person, `null` where the command line library has said it already. */
export function describeError(error: unknown): string | null {
  if (error instanceof CommanderError) return null;
  if (error instanceof CodedError) return `tidegauge: ${error.message}`;
  if (error instanceof Error) {
    return process.env.LOG_LEVEL === 'debug' ? String(error.stack) : `tidegauge: ${error.message}`;
  }
  return `tidegauge: ${String(error)}`;
}
