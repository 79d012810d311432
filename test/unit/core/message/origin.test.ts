/** `tg-origin` and the filter that drops repeats by it. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeOrigin, originOf, parseOrigin } from '../../../../services/core/message/origin.ts';
import { OriginFilter } from '../../../../services/core/message/origin-filter.ts';

describe('origin', () => {
  it('reads what it wrote', () => {
    const topic = fc.stringMatching(/^[a-zA-Z0-9._-]{1,60}$/);
    fc.assert(
      fc.property(topic, fc.nat(), fc.nat(Number.MAX_SAFE_INTEGER), (name, partition, offset) => {
        const origin = { topic: name, partition, offset };
        expect(parseOrigin(Buffer.from(encodeOrigin(origin)).toString())).toEqual(origin);
      }),
    );
  });

  it.each(['', 'a:b:c', 'topic:1', 'to pic:1:2', 'topic:1:-2', 'topic:1:99999999999999999'])(
    'takes %j for no origin',
    (text) => expect(parseOrigin(text)).toBeNull(),
  );

  it('is the record itself where the header is no origin', () => {
    const record = {
      topic: 't',
      partition: 3,
      offset: 7,
      key: null,
      value: null,
      timestampMs: 0,
      headers: { 'tg-origin': Buffer.from('nonsense') },
    };
    expect(originOf(record)).toEqual({ topic: 't', partition: 3, offset: 7 });
  });
});

describe('OriginFilter', () => {
  it('lets every origin through once, whatever contiguous runs are repeated', () => {
    const runs = fc.array(fc.record({ back: fc.nat(5), forward: fc.nat(5) }));
    fc.assert(
      fc.property(runs, (steps) => {
        const filter = new OriginFilter();
        const passed: number[] = [];
        let next = 0;
        for (const { back, forward } of steps) {
          const from = Math.max(0, next - back);
          for (let offset = from; offset < next + forward; offset += 1) {
            if (filter.advance({ topic: 't', partition: 0, offset })) passed.push(offset);
          }
          next += forward;
        }
        expect(passed).toEqual(Array.from({ length: next }, (_, offset) => offset));
      }),
    );
  });

  it('continues from its snapshot, each partition by itself', () => {
    const filter = new OriginFilter();
    filter.advance({ topic: 't', partition: 0, offset: 5 });
    const again = new OriginFilter(filter.snapshot());
    expect(again.advance({ topic: 't', partition: 0, offset: 5 })).toBe(false);
    expect(again.advance({ topic: 't', partition: 1, offset: 5 })).toBe(true);
    expect(again.advance({ topic: 't', partition: 0, offset: 6 })).toBe(true);
  });
});
