/** Loads a bundle for a command, or ends it with every problem named by file and line. */
import { randomUUID } from 'node:crypto';
import { CodedError } from '../core/errors.ts';
import { type Bundle, type LoadOptions, loadBundle } from '../platform/config/load-bundle.ts';
import { formatProblem } from '../platform/config/problem.ts';
import type { ServiceScope } from '../platform/lifecycle/service-scope.ts';

export async function openBundle(directory: string, options?: LoadOptions): Promise<Bundle> {
  const result = await loadBundle(directory, options);
  if (result.ok) return result.bundle;
  const lines = result.problems.map((problem) => `  ${formatProblem(problem)}`);
  throw new CodedError(
    'configuration.invalid',
    `bundle ${directory} cannot be used\n${lines.join('\n')}`,
  );
}

/** Replay runs get an id of their own, which nobody outside can guess. */
export function newRunId(): string {
  return randomUUID();
}

export function scopeOf(bundle: Bundle, run: string): ServiceScope {
  const { monitor, eventSchema, writerSchemas, reference } = bundle;
  return { monitor, run, eventSchema, writerSchemas, reference };
}
