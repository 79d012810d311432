/** Mutated events of every format: nothing but outcomes comes out, and never the reader's own failure. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createAvroCodec } from '../../services/core/codec/avro-encoder.ts';
import { createEventReader, type ReadOutcome } from '../../services/core/codec/event-reader.ts';
import { ERRORS } from '../../services/core/errors.ts';
import { EVENT_TIME_MS_MAX, REJECTION_MESSAGE_LENGTH_MAX } from '../../services/core/limits.ts';
import { RICH_EVENT, RICH_EVENT_JSON, RICH_MAPPING, RICH_SCHEMA } from './rich-event.ts';
import { createRandom, mutateBytes } from './seeded-mutations.ts';

const SCHEMA_ID = 7;
const codec = createAvroCodec(RICH_SCHEMA);
const ORIGINALS: readonly Uint8Array[] = [
  Buffer.concat([Buffer.from([0, 0, 0, 0, SCHEMA_ID]), codec.encode(RICH_EVENT)]),
  codec.encodeSingleObject(RICH_EVENT),
  Buffer.from(JSON.stringify(RICH_EVENT_JSON)),
];

const READERS = [false, true].map((needsRoot) => {
  const reader = createEventReader({ schema: RICH_SCHEMA, mapping: RICH_MAPPING, needsRoot });
  expect(reader.addWriterSchema(SCHEMA_ID, RICH_SCHEMA)).toBeNull();
  return reader;
});

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
        const bytes = mutateBytes(ORIGINALS[i % ORIGINALS.length]!, random);
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
        const bytes = mutateBytes(ORIGINALS[i % ORIGINALS.length]!, random);
        const outcome = whole!.read(bytes);
        if (outcome.kind !== 'event') continue;
        const { root: _, ...event } = outcome.event;
        expect(mapped!.read(bytes)).toMatchObject({ kind: 'event', event });
      }
    }),
    { numRuns: 50 },
  );
});
