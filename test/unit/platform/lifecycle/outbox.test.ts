/** What waits in the outbox comes out as it went in, in the order it went in. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { OutgoingRecord } from '../../../../services/platform/bus/bus.ts';
import {
  encodeOutgoing,
  outboxKey,
  splitOutbox,
} from '../../../../services/platform/lifecycle/outbox.ts';

const bytes = fc.uint8Array({ maxLength: 40 });
const headerValue = fc.oneof(bytes, fc.array(bytes, { minLength: 2, maxLength: 3 }));
const outgoing: fc.Arbitrary<OutgoingRecord> = fc.record({
  topic: fc.constantFrom('panes', 'reports'),
  partition: fc.option(fc.nat(100)),
  key: fc.option(bytes),
  value: fc.option(bytes),
  headers: fc.dictionary(fc.stringMatching(/^[a-z-]{1,12}$/), headerValue, {
    noNullPrototype: true,
  }),
  timestampMs: fc.option(fc.nat(4_000_000_000_000)),
});

function plain(record: OutgoingRecord) {
  const hex = (value: Uint8Array) => Buffer.from(value).toString('hex');
  const headers = Object.entries(record.headers).map(([name, value]) => [
    name,
    value instanceof Uint8Array ? hex(value) : value.map(hex),
  ]);
  const { topic, partition, timestampMs } = record;
  const key = record.key && hex(record.key);
  return { topic, partition, timestampMs, key, value: record.value && hex(record.value), headers };
}

describe('the outbox', () => {
  it('gives back what was put in, in the order of commits and places', () => {
    fc.assert(
      fc.property(fc.array(fc.array(outgoing, { maxLength: 12 }), { maxLength: 12 }), (commits) => {
        const put = commits.flatMap((records, commit) =>
          records.map((record, index) => [outboxKey(commit + 5, index), record] as const),
        );
        const entries = new Map<string, Uint8Array>([['head', Buffer.from('h')]]);
        for (const [key, record] of put.toReversed()) entries.set(key, encodeOutgoing(record));
        const { outbox, state } = splitOutbox(entries);
        expect(outbox.map(({ key }) => key)).toEqual(put.map(([key]) => key));
        expect(outbox.map(({ record }) => plain(record))).toEqual(
          put.map(([, record]) => plain(record)),
        );
        expect([...state.keys()]).toEqual(['head']);
      }),
    );
  });
});
