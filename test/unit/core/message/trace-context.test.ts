/** `traceparent`: what is accepted is exactly the grammar, and the sample is even and bounded. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HEADER, headerBytes } from '../../../../services/core/message/header.ts';
import {
  formatTraceparent,
  parseTraceparent,
  sampleTraceContexts,
  type TraceContext,
} from '../../../../services/core/message/trace-context.ts';

const TRACE_ID = '4bf92f3577b34da6a3ce929d0e0e4736';
const SPAN_ID = '00f067aa0ba902b7';

const hex = (length: number) =>
  fc
    .uint8Array({ minLength: length / 2, maxLength: length / 2 })
    .map((bytes) => Buffer.from(bytes).toString('hex'))
    .filter((text) => /[^0]/.test(text));
const contexts: fc.Arbitrary<TraceContext> = fc.record({
  traceId: hex(32),
  spanId: hex(16),
  flags: fc.nat(255),
});

function carrying(context: TraceContext) {
  return { [HEADER.traceparent]: headerBytes(formatTraceparent(context)) };
}

describe('parseTraceparent', () => {
  it('reads back what is formatted', () => {
    fc.assert(
      fc.property(contexts, (context) => {
        expect(parseTraceparent(formatTraceparent(context))).toEqual(context);
      }),
    );
  });

  it('reads the example of the recommendation', () => {
    expect(parseTraceparent(`00-${TRACE_ID}-${SPAN_ID}-01`)).toEqual({
      traceId: TRACE_ID,
      spanId: SPAN_ID,
      flags: 1,
    });
  });

  it('reads a later version by its known part', () => {
    const read = { traceId: TRACE_ID, spanId: SPAN_ID, flags: 9 };
    expect(parseTraceparent(`cc-${TRACE_ID}-${SPAN_ID}-09`)).toEqual(read);
    expect(parseTraceparent(`cc-${TRACE_ID}-${SPAN_ID}-09-what-comes`)).toEqual(read);
  });

  it.each([
    ['nothing', ''],
    ['version ff', `ff-${TRACE_ID}-${SPAN_ID}-01`],
    ['more after version 00', `00-${TRACE_ID}-${SPAN_ID}-01-more`],
    ['more after a later version without a dash', `cc-${TRACE_ID}-${SPAN_ID}-01more`],
    ['an all-zero trace id', `00-${'0'.repeat(32)}-${SPAN_ID}-01`],
    ['an all-zero span id', `00-${TRACE_ID}-${'0'.repeat(16)}-01`],
    ['upper case', `00-${TRACE_ID.toUpperCase()}-${SPAN_ID}-01`],
    ['a short trace id', `00-${TRACE_ID.slice(1)}-${SPAN_ID}-01`],
    ['a long span id', `00-${TRACE_ID}-${SPAN_ID}0-01`],
    ['no flags', `00-${TRACE_ID}-${SPAN_ID}`],
    ['flags that are not hex', `00-${TRACE_ID}-${SPAN_ID}-0x`],
    ['a leading blank', ` 00-${TRACE_ID}-${SPAN_ID}-01`],
    ['a trailing line break', `00-${TRACE_ID}-${SPAN_ID}-01\n`],
  ])('refuses %s', (_what, text) => {
    expect(parseTraceparent(text)).toBeNull();
  });
});

describe('sampleTraceContexts', () => {
  it('is distinct, bounded, taken from the batch, in its order, and starts with the first', () => {
    fc.assert(
      fc.property(
        fc.array(fc.option(contexts), { maxLength: 60 }),
        fc.integer({ min: 1, max: 70 }),
        (batch, countMax) => {
          const { first, sample } = sampleTraceContexts(
            batch.map((context) => (context === null ? {} : carrying(context))),
            countMax,
          );
          const present = batch.filter((context) => context !== null);
          const texts = present.map(formatTraceparent);
          const sampled = sample.map(formatTraceparent);
          expect(first).toEqual(present[0] ?? null);
          expect(sample[0] ?? null).toEqual(first);
          expect(new Set(sampled).size).toBe(sampled.length);
          expect(sampled.length).toBe(Math.min(countMax, new Set(texts).size));
          const positions = sampled.map((text) => texts.indexOf(text));
          expect(positions).toEqual(positions.toSorted((a, b) => a - b));
        },
      ),
    );
  });

  it('finds the one context of a batch, wherever it is, and passes over broken ones', () => {
    fc.assert(
      fc.property(contexts, fc.nat(500), fc.nat(500), (context, before, after) => {
        const broken = { [HEADER.traceparent]: headerBytes('00-broken') };
        const batch = [
          ...new Array(before).fill({}),
          ...new Array(before).fill(broken),
          carrying(context),
          ...new Array(after).fill({}),
        ];
        expect(sampleTraceContexts(batch, 8)).toEqual({ first: context, sample: [context] });
      }),
      { numRuns: 30 },
    );
  });

  it('reads the first value of a repeated header', () => {
    const context = { traceId: TRACE_ID, spanId: SPAN_ID, flags: 0 };
    const headers = {
      [HEADER.traceparent]: [headerBytes(formatTraceparent(context)), headerBytes('x')],
    };
    expect(sampleTraceContexts([headers], 8).first).toEqual(context);
  });
});
