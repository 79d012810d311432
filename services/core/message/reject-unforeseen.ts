/**
 * The answer for a record that a service failed on in a way nobody foresaw.
 *
 * The same record would fail the same way again, so it goes to quarantine as `internal.failure`: an
 * exception that got out instead would end the service, or come back for ever with the record. Only
 * a `CodedError` is deliberate: a permanent one is the answer itself, any other says that the service
 * must wait or stop, and is thrown on.
 */
import { reject } from '../codec/read-failure.ts';
import { CodedError, ERRORS, type Rejection } from '../errors.ts';

export function rejectUnforeseen(error: unknown): Rejection {
  if (!(error instanceof CodedError)) return reject('internal.failure', describe(error));
  if (ERRORS[error.code].kind !== 'permanent') throw error;
  return reject(error.code, printable(error.message));
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return `something thrown that is no error, but ${typeof error}`;
  return printable(`${error.name}: ${error.message}`);
}

/** The text may quote the record: nothing in it may break a log line or a terminal. */
function printable(text: string): string {
  return text.replace(/\p{Cc}+/gu, ' ');
}
