/**
 * Records a stateful service must send, kept in its state until the bus has acknowledged them.
 *
 * Effects come after commits: an output is committed together with the state it
 * follows from, then sent, then forgotten by the next commit. A crash in between sends it again with
 * the same bytes, and the consumer drops the repeat by its sequence.
 */
import { asBuffer, createMessageCodec } from '../../core/message/message-codec.ts';
import type { OutgoingRecord } from '../bus/bus.ts';

const OUTBOX_PREFIX = 'out:';

interface StoredHeader {
  readonly name: string;
  readonly value: Uint8Array;
}

interface StoredRecord extends Omit<OutgoingRecord, 'headers'> {
  readonly headers: readonly StoredHeader[];
}

const codec = createMessageCodec<StoredRecord>({
  type: 'record',
  name: 'OutboxRecord',
  namespace: 'tidegauge.v1',
  fields: [
    { name: 'topic', type: 'string' },
    { name: 'partition', type: ['null', 'int'] },
    { name: 'key', type: ['null', 'bytes'] },
    { name: 'value', type: ['null', 'bytes'] },
    {
      name: 'headers',
      type: {
        type: 'array',
        items: {
          type: 'record',
          name: 'OutboxHeader',
          fields: [
            { name: 'name', type: 'string' },
            { name: 'value', type: 'bytes' },
          ],
        },
      },
    },
    { name: 'timestampMs', type: ['null', 'long'] },
  ],
});

/** Keys sort in sending order: by commit, then by place within it. */
export function outboxKey(commitNumber: number, index: number): string {
  return `${OUTBOX_PREFIX}${String(commitNumber).padStart(12, '0')}:${String(index).padStart(6, '0')}`;
}

export function encodeOutgoing(record: OutgoingRecord): Uint8Array {
  const headers = Object.entries(record.headers).flatMap(([name, value]) =>
    (value instanceof Uint8Array ? [value] : value).map((bytes) => ({
      name,
      value: asBuffer(bytes),
    })),
  );
  return codec.encode({
    ...record,
    key: record.key === null ? null : asBuffer(record.key),
    value: record.value === null ? null : asBuffer(record.value),
    headers,
  });
}

/** The unsent records of a shard in sending order, and the remaining entries. */
export function splitOutbox(entries: ReadonlyMap<string, Uint8Array>): {
  readonly outbox: readonly { readonly key: string; readonly record: OutgoingRecord }[];
  readonly state: ReadonlyMap<string, Uint8Array>;
} {
  const keys = [...entries.keys()].filter((key) => key.startsWith(OUTBOX_PREFIX)).sort();
  const state = new Map([...entries].filter(([key]) => !key.startsWith(OUTBOX_PREFIX)));
  return { outbox: keys.map((key) => ({ key, record: decodeOutgoing(entries.get(key)!) })), state };
}

function decodeOutgoing(bytes: Uint8Array): OutgoingRecord {
  const stored = codec.decode(bytes);
  // A map, because a header may be called what every object has, such as "constructor".
  const headers = new Map<string, Uint8Array | Uint8Array[]>();
  for (const { name, value } of stored.headers) {
    const earlier = headers.get(name);
    if (earlier === undefined) headers.set(name, value);
    else headers.set(name, earlier instanceof Uint8Array ? [earlier, value] : [...earlier, value]);
  }
  return { ...stored, headers: Object.fromEntries(headers) };
}
