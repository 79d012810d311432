/** Mutated events of every format: nothing but outcomes comes out, and never the reader's own failure. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createAvroCodec } from '../../services/core/codec/avro-encoder.ts';
import { createEventReader, type ReadOutcome } from '../../services/core/codec/event-reader.ts';
import { ERRORS } from '../../services/core/errors.ts';
import { EVENT_TIME_MS_MAX, REJECTION_MESSAGE_LENGTH_MAX } from '../../services/core/limits.ts';
import type { Column } from '../../services/core/monitor/monitor.ts';

const SCHEMA = {
  type: 'record',
  name: 'Event',
  fields: [
    { name: 'id', type: ['null', 'string'] },
    { name: 'at', type: 'long' },
    { name: 'amount', type: ['null', 'double'] },
    { name: 'count', type: 'int', default: 3 },
    { name: 'grade', type: { type: 'enum', name: 'Grade', symbols: ['A', 'B', 'C'] } },
    { name: 'flags', type: { type: 'array', items: ['null', 'boolean', 'string'] } },
    { name: 'features', type: { type: 'map', values: ['null', 'double'] } },
    { name: 'digest', type: { type: 'fixed', name: 'Digest', size: 4 } },
    { name: 'nothing', type: { type: 'array', items: 'null' } },
    {
      name: 'tree',
      type: {
        type: 'record',
        name: 'Node',
        fields: [
          { name: 'label', type: 'string' },
          { name: 'children', type: { type: 'array', items: 'Node' } },
          { name: 'next', type: ['null', 'Node'], default: null },
        ],
      },
    },
  ],
};

const leaf = { label: 'grüße', children: [], next: null };
const EVENT = {
  id: 'application-17',
  at: 1_700_000_000_000,
  amount: 12.5,
  count: 7,
  grade: 'B',
  flags: [null, true, 'x'],
  features: { age: 41, debt: null },
  digest: Buffer.from([1, 2, 3, 4]),
  nothing: [null, null],
  tree: { label: 'root', children: [leaf, leaf], next: leaf },
};

const column = (name: string, path: readonly string[], type: Column['type']): Column => ({
  ...{ name, path, type, role: 'feature', required: false, minimum: null, maximum: null },
  ...{ allowed: null, pattern: null, drift: null },
});

const MAPPING = {
  id: ['id'],
  eventTime: { path: ['at'], unit: 'ms' },
  columns: [
    column('amount', ['amount'], 'numeric'),
    column('count', ['count'], 'numeric'),
    column('grade', ['grade'], 'categorical'),
    column('age', ['features', 'age'], 'numeric'),
    column('label', ['tree', 'next', 'label'], 'categorical'),
  ],
} as const;

const SCHEMA_ID = 7;
const codec = createAvroCodec(SCHEMA);
const PLAIN = { ...EVENT, digest: '\u0001\u0002\u0003\u0004' };
const ORIGINALS: readonly Uint8Array[] = [
  Buffer.concat([Buffer.from([0, 0, 0, 0, SCHEMA_ID]), codec.encode(EVENT)]),
  codec.encodeSingleObject(EVENT),
  Buffer.from(JSON.stringify(PLAIN)),
];

const READERS = [false, true].map((needsRoot) => {
  const reader = createEventReader({ schema: SCHEMA, mapping: MAPPING, needsRoot });
  expect(reader.addWriterSchema(SCHEMA_ID, SCHEMA)).toBeNull();
  return reader;
});

/** Bytes that mean something in Avro: sign changes, long varints, large counts, empty blocks. */
const TELLING: readonly (readonly number[])[] = [
  [0xff],
  [0x80],
  [0x00],
  [0x01],
  [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01],
  [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80],
  [0x80, 0x89, 0x7a],
  [0xc3, 0x28],
  [0x22, 0x5b, 0x7b, 0x7d],
];

/** xorshift32: cheap enough for a hundred thousand mutations, and a seed says it all. */
function createRandom(seed: number): (below: number) => number {
  let state = seed | 1;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

function mutate(original: Uint8Array, random: (below: number) => number): Uint8Array {
  let bytes = Array.from(original);
  for (let round = 1 + random(3); round > 0; round--) {
    const at = random(bytes.length + 1);
    const count = random(8);
    switch (random(6)) {
      case 0:
        if (at < bytes.length) bytes[at]! ^= 1 << random(8);
        break;
      case 1:
        if (at < bytes.length) bytes[at] = random(256);
        break;
      case 2:
        bytes.splice(at, count);
        break;
      case 3:
        bytes.splice(at, random(4), ...TELLING[random(TELLING.length)]!);
        break;
      case 4:
        bytes = [...bytes.slice(0, at), ...bytes.slice(random(bytes.length + 1))];
        break;
      default:
        bytes.length = at;
    }
  }
  return Uint8Array.from(bytes);
}

function expectSound(outcome: ReadOutcome): void {
  if (outcome.kind === 'schema-needed') {
    expect(outcome.schemaId).not.toBe(SCHEMA_ID);
  } else if (outcome.kind === 'rejected') {
    const { code, message } = outcome.rejection;
    if (!(code in ERRORS) || message.length > REJECTION_MESSAGE_LENGTH_MAX) {
      expect(outcome.rejection).toBe('a rejection of the table within the length limit');
    }
    if (message.startsWith('the reader failed')) expect(message).toBe('a deliberate rejection');
  } else {
    const { id, eventTimeMs, cells } = outcome.event;
    const [amount, count, grade, age, label] = cells;
    const sound =
      id.length > 0 &&
      Number.isInteger(eventTimeMs) &&
      eventTimeMs >= 0 &&
      eventTimeMs < EVENT_TIME_MS_MAX &&
      [amount, count, age].every((cell) => cell === null || typeof cell === 'number') &&
      ['A', 'B', 'C'].includes(grade as string) &&
      (label === null || typeof label === 'string');
    if (!sound) expect(outcome.event).toBe('a sound event');
  }
}

test('100 000 mutated events give outcomes, never an escape', () => {
  const kinds = { event: 0, rejected: 0, 'schema-needed': 0 };
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 2 ** 31 - 1 }), (seed) => {
      const random = createRandom(seed);
      for (let i = 0; i < 500; i++) {
        const bytes = mutate(ORIGINALS[i % ORIGINALS.length]!, random);
        for (const reader of READERS) {
          const outcome = reader.read(bytes);
          kinds[outcome.kind]++;
          expectSound(outcome);
        }
      }
    }),
    { numRuns: 100 },
  );
  expect(Math.min(kinds.event, kinds.rejected)).toBeGreaterThan(5_000);
});

test('reading the mapped fields alone never refuses what reading the whole event takes', () => {
  const [mapped, whole] = READERS;
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 2 ** 31 - 1 }), (seed) => {
      const random = createRandom(seed);
      for (let i = 0; i < 300; i++) {
        const bytes = mutate(ORIGINALS[i % ORIGINALS.length]!, random);
        const outcome = whole!.read(bytes);
        if (outcome.kind !== 'event') continue;
        const { root: _, ...event } = outcome.event;
        expect(mapped!.read(bytes)).toMatchObject({ kind: 'event', event });
      }
    }),
    { numRuns: 50 },
  );
});
