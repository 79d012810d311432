/** How this adapter words its refusals: the file first, then what is wrong with it. */
import { CodedError } from '../../core/errors.ts';

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

export function refuseModel(file: string, reason: string, cause?: unknown): CodedError {
  return new CodedError(
    'configuration.model',
    `model ${file}: ${reason}`,
    cause === undefined ? undefined : { cause },
  );
}

/** Keeps a coded error as it is; anything else is the model's own failure on this batch. */
export function runError(error: unknown): CodedError {
  if (error instanceof CodedError) return error;
  return new CodedError('inference.run', messageOf(error), { cause: error });
}
