/** Every field monitor.yaml names, held against the event schema: is it there, is its type right. */
import type { AvroNode } from '../../core/codec/avro-schema.ts';
import { relationMistake } from '../../core/monitor/relation.ts';
import { logicalTypeAt, relationFields, resolvePath } from './event-schema.ts';
import { EVENT_SCHEMA_FILE, type MonitorFile, splitPath } from './monitor-file.ts';
import type { DocumentPath, ProblemList } from './problem.ts';

type Kinds = readonly AvroNode['kind'][];

// What the codec can read, see core/codec/event-mapping.ts.
const ID: Kinds = ['string', 'int', 'long'];
const TIME_NUMBER: Kinds = ['int', 'long', 'float', 'double'];
const NUMERIC: Kinds = ['int', 'long', 'float', 'double', 'boolean'];
const CATEGORICAL: Kinds = ['string', 'enum', 'boolean', 'int', 'long'];

const LOGICAL_UNITS: Readonly<Record<string, string>> = {
  'timestamp-millis': 'ms',
  'local-timestamp-millis': 'ms',
  'timestamp-micros': 'us',
  'local-timestamp-micros': 'us',
};

function checkTime(file: MonitorFile, schema: unknown, list: ProblemList): void {
  const { path, unit = 'ms' } = file.event.time;
  const logicalType = logicalTypeAt(schema, splitPath(path));
  const logicalUnit = logicalType === null ? undefined : LOGICAL_UNITS[logicalType];
  if (logicalUnit === undefined || logicalUnit === unit) return;
  const at = ['event', 'time', file.event.time.unit === undefined ? 'path' : 'unit'];
  list.add(at, `${path} is a ${logicalType}, expected unit: ${logicalUnit}`);
}

/** `schema` is the event schema's JSON, `root` the same parsed. */
export function checkEventFields(
  file: MonitorFile,
  { schema, root }: { readonly schema: unknown; readonly root: AvroNode },
  list: ProblemList,
): void {
  const schemaFile = file.event.schema ?? EVENT_SCHEMA_FILE;
  const check = (at: DocumentPath, path: string, kinds: Kinds, expected: string): void => {
    const field = resolvePath(root, splitPath(path));
    // A column without a path is found by its name.
    const part = at.length === 2 && at[0] === 'columns' ? 'key' : 'value';
    if (!field.found) {
      list.add(at, `in ${schemaFile} ${field.message}`, part);
    } else if (field.kinds.length === 0 || !field.kinds.every((kind) => kinds.includes(kind))) {
      list.add(at, `${path} is of type ${field.description}, expected ${expected}`, part);
    }
  };

  check(['event', 'id'], file.event.id, ID, 'a string or an integer');
  const { path, unit = 'ms' } = file.event.time;
  const isText = unit === 'iso8601';
  const expectedTime = `a ${isText ? 'string' : 'number'}, as the unit is ${unit}`;
  check(['event', 'time', 'path'], path, isText ? ['string'] : TIME_NUMBER, expectedTime);
  checkTime(file, schema, list);
  for (const [name, column] of Object.entries(file.columns)) {
    const at = column.path === undefined ? ['columns', name] : ['columns', name, 'path'];
    const [kinds, expected] =
      column.type === 'numeric'
        ? [NUMERIC, 'a number or boolean for a numeric column']
        : [CATEGORICAL, 'a string, enum, integer or boolean for a categorical column'];
    check(at, column.path ?? name, kinds, expected);
  }
  const fields = relationFields(root);
  for (const [name, expression] of Object.entries(file.relations ?? {})) {
    const mistake = relationMistake(expression, fields);
    if (mistake !== null) list.add(['relations', name], mistake);
  }
}
