/**
 * What stands in for a version that gave no usable answer, pure: another version, a constant or a
 * rule; or nothing, and the row is refused with the reason.
 */
import type { Rejection } from '../core/errors.ts';
import type { MonitorModel } from '../core/monitor/monitor.ts';
import { compileFallbackRule } from '../core/policy/fallback-rule.ts';

export type StandIn =
  | { readonly kind: 'version'; readonly version: string }
  | { readonly kind: 'outputs'; readonly outputs: readonly number[] }
  | { readonly kind: 'none'; readonly rejection: Rejection };

/** `failedVersion` is the one that gave no answer, `reason` why. */
export type ChooseStandIn = (
  failedVersion: string,
  reason: Rejection,
  root: Readonly<Record<string, unknown>> | null,
) => StandIn;

export function createStandIn({ fallback }: MonitorModel): ChooseStandIn {
  if (fallback === null) return (_version, rejection) => ({ kind: 'none', rejection });
  if (fallback.kind === 'constant') {
    return () => ({ kind: 'outputs', outputs: fallback.outputs });
  }
  if (fallback.kind === 'version') {
    return (failedVersion, rejection) =>
      failedVersion === fallback.version
        ? { kind: 'none', rejection }
        : { kind: 'version', version: fallback.version };
  }
  const rule = compileFallbackRule(fallback.expressions);
  return (_version, rejection, root) => {
    const outputs = rule((root ?? {}) as Record<string, unknown>);
    if (typeof outputs !== 'string') return { kind: 'outputs', outputs };
    const message = `${rejection.message}; the fallback rule: ${outputs}`;
    return { kind: 'none', rejection: { code: rejection.code, message } };
  };
}
