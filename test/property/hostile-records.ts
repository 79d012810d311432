/**
 * Records as an event topic may hold them: good events in every format, and everything that a broken
 * or hostile producer makes of them. Drawn from a seed, so that a failure can be made again.
 */
import { createAvroCodec } from '../../services/core/codec/avro-encoder.ts';
import { endOfRunHeaders } from '../../services/core/message/control.ts';
import { HEADER } from '../../services/core/message/header.ts';
import type { BusRecord, Headers } from '../../services/core/message/record.ts';
import { mutateBytes, type Random } from './seeded-mutations.ts';

export interface EventSource {
  readonly schema: unknown;
  /** As Avro has it, and the same as JSON. */
  readonly events: readonly { readonly avro: object; readonly json: object }[];
}

/** The writer schema of the event source; every other id is invented. */
export const KNOWN_SCHEMA_ID = 7;
const PARTITIONS = 64;
/** Values that a reader of JSON or what comes after it may trip over. */
const TELLING_JSON: readonly string[] = [
  ...['null', 'true', '0', '-0', '-1', '0.5', '1e999', '-1e999', '5e-324', '1e-400', 'NaN'],
  ...['9007199254740993', '-9223372036854775808', '4102444800000', '253402300800000', '1e15'],
  ...[
    '""',
    '"NaN"',
    '"\\ud800"',
    '"\\u0000\\u001b[31m"',
    '"constructor"',
    '"2026-03-01T00:00:00Z"',
  ],
  ...[
    '[]',
    '{}',
    '[null]',
    '{"__proto__":{"x":1}}',
    '{"toString":1,"length":-1}',
    '{"a":1,"a":[]}',
  ],
  `"${'x'.repeat(2_000)}"`,
  `"${'😀'.repeat(300)}"`,
  `${'['.repeat(80)}${']'.repeat(80)}`,
  '['.repeat(20_000),
  '{"a":'.repeat(5_000),
  `[${'0,'.repeat(3_000)}0]`,
];
const TELLING_TEXT: readonly string[] = [
  ...['', '0', '1', '-1', '9007199254740991', '1e400', 'many', '\u0000\r\n', '\ud800'],
  ...['other:0:9007199254740991', 'events:0:0', ':::', 'x'.repeat(5_000)],
  '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
  '00-00000000000000000000000000000000-0000000000000000-ff',
];
const HEADER_NAMES: readonly string[] = [
  ...Object.values(HEADER),
  ...['__proto__', 'constructor', 'toString', 'length', '', 'mine', 'grüße', 'tg-', 'TG-ORIGIN'],
];

/** Gives one record after the other; `random` decides all of it. */
export function createHostileRecords(source: EventSource): (random: Random) => BusRecord {
  const codec = createAvroCodec<object>(source.schema);
  const singleObjects = source.events.map(({ avro }) => codec.encodeSingleObject(avro));
  const data = source.events.map(({ avro }) => codec.encode(avro).slice());
  const texts = source.events.map(({ json }) => JSON.stringify(json));
  const pick = <T>(values: readonly T[], random: Random): T => values[random(values.length)]!;

  function drawValue(random: Random): Uint8Array | null {
    switch (random(10)) {
      case 0:
        return null;
      case 1:
        return randomBytes(random);
      case 2:
      case 3:
        return mostlyMutated(pick(singleObjects, random), random);
      case 4:
      case 5:
        return mostlyMutated(confluent(pick(data, random), random), random);
      case 6:
        return mostlyMutated(Buffer.from(pick(texts, random)), random);
      default:
        return Buffer.from(hostileJson(pick(texts, random), random));
    }
  }

  return (random) => ({
    topic: 'events',
    partition: random(PARTITIONS),
    offset: random(2 ** 31),
    key: random(3) === 0 ? null : randomBytes(random),
    value: drawValue(random),
    headers: random(3) === 0 ? hostileHeaders(random) : {},
    timestampMs: 1_700_000_000_000 + random(1_000_000),
  });
}

/** One in four is left as it is: a stream has good events too. */
function mostlyMutated(bytes: Uint8Array, random: Random): Uint8Array {
  return random(4) === 0 ? bytes.slice() : mutateBytes(bytes, random);
}

function randomBytes(random: Random): Uint8Array {
  // A magic byte in front leads further into the readers than noise would get.
  const heads = [[], [0x00], [0xc3, 0x01], [0x7b], [0xef, 0xbb, 0xbf, 0x7b]];
  const noise = Array.from({ length: random(64) }, () => random(256));
  return Uint8Array.from([...heads[random(heads.length)]!, ...noise]);
}

function confluent(datum: Uint8Array, random: Random): Uint8Array {
  const framed = Buffer.alloc(5 + datum.length);
  framed.writeUInt32BE(random(4) === 0 ? random(2 ** 31) : KNOWN_SCHEMA_ID, 1);
  framed.set(datum, 5);
  return framed;
}

/** One or two values, or a name, replaced by something telling; now and then cut short as well. */
function hostileJson(text: string, random: Random): string {
  let hostile = text;
  for (let round = random(3); round > 0; round--) {
    const tokens = [
      ...hostile.slice(0, 4_000).matchAll(/"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*|true|null/g),
    ];
    if (tokens.length === 0) return hostile;
    const token = tokens[random(tokens.length)]!;
    const isName = hostile[token.index + token[0].length] === ':';
    const names = ['"__proto__"', '"constructor"', '"id"', '""'];
    const replacement = isName
      ? names[random(names.length)]!
      : TELLING_JSON[random(TELLING_JSON.length)]!;
    hostile =
      hostile.slice(0, token.index) + replacement + hostile.slice(token.index + token[0].length);
  }
  return random(16) === 0 ? hostile.slice(0, random(hostile.length)) : hostile;
}

function hostileHeaders(random: Random): Headers {
  const text = () => Buffer.from(TELLING_TEXT[random(TELLING_TEXT.length)]!);
  const headers: [string, Uint8Array | readonly Uint8Array[]][] = [];
  for (let count = random(5); count > 0; count--) {
    const name = HEADER_NAMES[random(HEADER_NAMES.length)]!;
    const values = [text(), [text(), text()], [], new Uint8Array(), randomBytes(random)];
    headers.push([name, values[random(values.length)]!]);
  }
  if (random(8) === 0) headers.push(...Object.entries(endOfRunHeaders('live')));
  // Entries, because a plain assignment to `__proto__` would set the prototype.
  return Object.fromEntries(headers);
}
