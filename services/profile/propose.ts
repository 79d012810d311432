/**
 * What the profile proposes from the numbers it saw: a range, a window length, an allowed lateness.
 *
 * A rule quarantines and a threshold measures. What is quarantined is no longer measured, so ranges
 * are wide: drift must get through, and only what cannot be true is refused.
 */

/** Inclusive; `null` for no bound, and never both. */
export interface Range {
  readonly minimum: number | null;
  readonly maximum: number | null;
}

/** What a column of numbers looked like; a `NumericSketch` is one. */
export interface SeenValues {
  readonly minimum: number;
  readonly maximum: number;
  quantile(q: number): number;
}

/**
 * The values seen, with their whole spread as a margin on either side, but no further than 0 where
 * none lies beyond it. `null` where all are alike: a constant that starts to move is drift.
 *
 * A tail is long where the last value lies further from the last percentile than that from the
 * median (prices, incomes, household sizes): the largest value seen says little about the largest to
 * come, and that end gets no bound.
 */
export function proposeRange(seen: SeenValues): Range | null {
  const spread = seen.maximum - seen.minimum;
  if (!(spread > 0) || !Number.isFinite(spread * 3)) return null;
  const step = 10 ** (Math.floor(Math.log10(spread)) - 1);
  if (step === 0) return null;
  const [low, middle, high] = [seen.quantile(0.01), seen.quantile(0.5), seen.quantile(0.99)];
  const isLongBelow = low - seen.minimum > middle - low;
  const isLongAbove = seen.maximum - high > high - middle;
  const minimum = isLongBelow ? null : finite(roundDown(seen.minimum - spread, step));
  const maximum = isLongAbove ? null : finite(roundUp(seen.maximum + spread, step));
  const range = {
    minimum: seen.minimum >= 0 ? Math.max(0, minimum ?? 0) : minimum,
    maximum: seen.maximum <= 0 ? Math.min(0, maximum ?? 0) : maximum,
  };
  return range.minimum === null && range.maximum === null ? null : range;
}

/** Beyond the largest number there is no bound. */
function finite(bound: number): number | null {
  return Number.isFinite(bound) ? bound : null;
}

// Rounding must not come to lie inside of what it rounds.
function roundDown(value: number, step: number): number {
  return Math.min(value, tidy(Math.floor(value / step) * step));
}

function roundUp(value: number, step: number): number {
  return Math.max(value, tidy(Math.ceil(value / step) * step));
}

/** Without the dust of binary fractions, and never minus zero. */
function tidy(value: number): number {
  return Number(value.toPrecision(12)) + 0;
}

export interface RoundDuration {
  readonly text: string;
  readonly ms: number;
}

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

const WINDOWS: readonly RoundDuration[] = [
  { text: '1m', ms: MINUTE_MS },
  { text: '5m', ms: 5 * MINUTE_MS },
  { text: '15m', ms: 15 * MINUTE_MS },
  { text: '1h', ms: HOUR_MS },
  { text: '6h', ms: 6 * HOUR_MS },
  { text: '1d', ms: DAY_MS },
  { text: '7d', ms: 7 * DAY_MS },
  { text: '30d', ms: 30 * DAY_MS },
  { text: '60d', ms: 60 * DAY_MS },
  { text: '180d', ms: 180 * DAY_MS },
  { text: '365d', ms: 365 * DAY_MS },
];

/** "About a thousand": a KS distance of 0.1 is then four times the noise. */
export const ROWS_PER_WINDOW_MIN = 900;

/** The shortest round length that holds about a thousand rows at the file's own rate. */
export function proposeWindow(rowCount: number, spanMs: number): RoundDuration {
  const rowsPerMs = rowCount / Math.max(spanMs, 1);
  const enough = WINDOWS.find(({ ms }) => ms * rowsPerMs >= ROWS_PER_WINDOW_MIN);
  return enough ?? WINDOWS.at(-1)!;
}

/** Rows of the data in one of the windows. */
export function rowsPerWindow(data: {
  readonly rowCount: number;
  readonly span: { readonly startMs: number; readonly endMs: number };
  readonly window: RoundDuration;
}): number {
  const { rowCount, span, window } = data;
  const perWindow = (rowCount * window.ms) / Math.max(span.endMs - span.startMs, 1);
  return Math.round(Math.min(rowCount, perWindow));
}

/** Beyond this share of the span the rows are not in the order of time at all. */
const DISORDER_SHARE_MAX = 0.1;
const PANES_LATE_MAX = 100;

/** The disorder seen, rounded up; `null` where the file is not in the order of time. */
export function proposeLateness(
  disorderMs: number,
  spanMs: number,
  window: RoundDuration,
): RoundDuration | null {
  if (disorderMs > DISORDER_SHARE_MAX * spanMs) return null;
  const within = WINDOWS.find(({ ms }) => ms >= disorderMs);
  return within !== undefined && within.ms <= PANES_LATE_MAX * window.ms ? within : null;
}
