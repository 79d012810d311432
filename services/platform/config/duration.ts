/** Durations as people write them in monitor.yaml and on the command line: `500ms`, `15m`, `1d`. */

const UNIT_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

export const DURATION_EXPECTED = 'a duration such as 500ms, 30s, 15m, 2h or 1d';

/** Milliseconds; `null` where the text is no duration. `0` needs no unit. Days have 24 hours. */
export function parseDuration(text: string): number | null {
  const match = /^(\d{1,9})(ms|s|m|h|d)$/.exec(text);
  if (match === null) return text === '0' ? 0 : null;
  return Number(match[1]) * UNIT_MS[match[2]!]!;
}
