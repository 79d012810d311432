/** Paths through an event schema: nested, optional, named, recursive, absent. */
import { describe, expect, test } from 'vitest';
import { parseAvroSchema } from '../../../../services/core/codec/avro-schema.ts';
import {
  logicalTypeAt,
  relationFields,
  resolvePath,
} from '../../../../services/platform/config/event-schema.ts';
import { EVENT_AVSC } from './bundle-files.ts';

const schema: unknown = JSON.parse(EVENT_AVSC);
const root = parseAvroSchema(schema);

describe('a path', () => {
  test.each([
    ['applicationId', 'string'],
    ['submittedAt', 'long'],
    ['channel', 'string'],
    ['applicant', 'record'],
    ['applicant.age', 'int'],
    ['applicant.income', 'double'],
    ['applicant.employment', 'enum'],
    ['loan.amount', 'double'],
    ['partner.income', 'double'],
    ['tags', 'map'],
    ['tags.anything', 'double'],
  ])('%s is of kind %s', (path, kind) => {
    expect(resolvePath(root, path.split('.'))).toMatchObject({ found: true, kinds: [kind] });
  });

  test.each([
    ['aplicationId', 'the event has no field aplicationId; did you mean applicationId?'],
    ['applicant.sex', 'applicant has no field sex; known are age, income, employment'],
    ['channel.x', 'channel is null or string, expected a record or a map'],
    ['tags.x.y', 'tags.x is double, expected a record or a map'],
  ])('%s is not there', (path, message) => {
    expect(resolvePath(root, path.split('.'))).toEqual({ found: false, message });
  });
});

test('a union is of all its kinds but null', () => {
  const union = parseAvroSchema({
    type: 'record',
    name: 'R',
    fields: [
      { name: 'x', type: ['null', 'int', 'string'] },
      { name: 'y', type: 'null' },
    ],
  });
  expect(resolvePath(union, ['x'])).toMatchObject({ kinds: ['int', 'string'] });
  expect(resolvePath(union, ['y'])).toMatchObject({ kinds: ['null'] });
  expect(relationFields(union)).toEqual({ x: 'any', y: 'any' });
});

test('the logical type is found through records and null, or not at all', () => {
  expect(logicalTypeAt(schema, ['submittedAt'])).toBe('timestamp-millis');
  expect(logicalTypeAt(schema, ['applicationId'])).toBeNull();
  expect(logicalTypeAt(schema, ['no', 'such', 'path'])).toBeNull();
  const time = { type: 'long', logicalType: 'timestamp-micros' };
  const inner = { type: 'record', name: 'I', fields: [{ name: 'at', type: ['null', time] }] };
  const outer = { type: 'record', name: 'O', fields: [{ name: 'meta', type: ['null', inner] }] };
  expect(logicalTypeAt(outer, ['meta', 'at'])).toBe('timestamp-micros');
});

test('the shape for relations covers nested records and ends in a record that contains itself', () => {
  expect(relationFields(root)).toEqual({
    applicationId: 'string',
    submittedAt: 'number',
    channel: 'string',
    applicant: { age: 'number', income: 'number', employment: 'string' },
    loan: { amount: 'number' },
    partner: { age: 'number', income: 'number', employment: 'string' },
    tags: 'any',
  });
  const tree = parseAvroSchema({
    type: 'record',
    name: 'Tree',
    fields: [{ name: 'left', type: ['null', 'Tree'] }],
  });
  expect(resolvePath(tree, ['left', 'left', 'left'])).toMatchObject({ kinds: ['record'] });
  expect(JSON.stringify(relationFields(tree)).length).toBeLessThan(1_000);
});
