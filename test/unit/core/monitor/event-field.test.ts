/** The fields of an event schema: records walked, names resolved, containers left out. */
import { describe, expect, it } from 'vitest';
import { eventFields } from '../../../../services/core/monitor/event-field.ts';

describe('eventFields', () => {
  it('walks records, nullable ones too, and names what each field holds', () => {
    const schema = {
      type: 'record',
      name: 'Event',
      namespace: 'a.b',
      fields: [
        { name: 'id', type: 'string' },
        { name: 'time', type: { type: 'long', logicalType: 'timestamp-millis' } },
        { name: 'amount', type: ['null', 'int', 'double'] },
        { name: 'either', type: ['string', 'long'] },
        { name: 'wrapped', type: { type: { type: 'float' } } },
        {
          name: 'home',
          type: [
            'null',
            { type: 'record', name: 'Place', fields: [{ name: 'zip', type: 'string' }] },
          ],
        },
        { name: 'work', type: 'Place' },
        { name: 'away', type: 'a.b.Place' },
        { name: 'kind', type: { type: 'enum', name: 'Kind', namespace: 'c', symbols: ['X'] } },
        { name: 'other', type: ['null', 'c.Kind'] },
        { name: 'raw', type: { type: 'fixed', name: 'Hash', size: 4 } },
        { name: 'list', type: { type: 'array', items: 'int' } },
        { name: 'map', type: { type: 'map', values: 'int' } },
        { name: 'either record', type: ['Place', 'string'] },
        { name: 'nothing', type: 'null' },
      ],
    };
    const fields = eventFields(schema).map(
      ({ path, types, nullable }) => `${path.join('.')} ${types.join('|')}${nullable ? '?' : ''}`,
    );
    expect(fields).toEqual([
      'id string',
      'time integer',
      'amount integer|number?',
      'either string|integer',
      'wrapped number',
      'home.zip string',
      'work.zip string',
      'away.zip string',
      'kind string',
      'other string?',
      'raw bytes',
    ]);
  });

  it('ends at records that contain themselves', () => {
    const schema = {
      type: 'record',
      name: 'Node',
      fields: [
        { name: 'value', type: 'int' },
        { name: 'next', type: ['null', 'Node'] },
      ],
    };
    expect(eventFields(schema).map(({ path }) => path)).toEqual([['value']]);
  });

  it('finds nothing in what is no record', () => {
    expect(eventFields('string')).toEqual([]);
    expect(eventFields({ type: 'array', items: 'int' })).toEqual([]);
    expect(eventFields(null)).toEqual([]);
  });
});
