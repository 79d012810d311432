/** An event with all that Avro has: unions, enums, arrays, maps, a fixed, and a record that holds itself. */
import type { Column } from '../../services/core/monitor/monitor.ts';

export const RICH_SCHEMA = {
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
export const RICH_EVENT = {
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

/** The same as JSON, where a fixed is a text of its bytes. */
export const RICH_EVENT_JSON = { ...RICH_EVENT, digest: '\u0001\u0002\u0003\u0004' };

export const RICH_MAPPING = {
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
