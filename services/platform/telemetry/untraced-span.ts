/** Stands in for a span where nothing is traced; a context from upstream passes through untouched. */
import type { ProcessSpan } from './telemetry.ts';

export const UNTRACED_SPAN: ProcessSpan = {
  traceparent: null,
  setAttribute() {},
  end() {},
  run: (fn) => fn(),
};
