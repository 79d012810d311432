/** The JSON Schema editors complete from: every field is described, nothing unknown gets through. */
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { DISTANCE_NAMES } from '../../../../services/core/distance/distances.ts';
import * as limits from '../../../../services/core/limits.ts';
import { isVersionName } from '../../../../services/core/rollout/version-name.ts';

type Node = Readonly<Record<string, unknown>>;

const schema = JSON.parse(
  readFileSync(new URL('../../../../schemas/monitor.schema.json', import.meta.url), 'utf8'),
) as Node;

const isNode = (value: unknown): value is Node => typeof value === 'object' && value !== null;

function* mappings(node: unknown, place: string): Generator<readonly [string, Node]> {
  if (!isNode(node)) return;
  if (isNode(node.properties) || isNode(node.propertyNames)) yield [place, node];
  for (const [key, inner] of Object.entries(node)) {
    if (!['if', 'then', 'else'].includes(key)) yield* mappings(inner, `${place}/${key}`);
  }
}

/** The description of a field itself, or of the definition it refers to. */
function descriptionOf(field: Node): unknown {
  if (field.description !== undefined || typeof field.$ref !== 'string') return field.description;
  const definition = (schema.$defs as Record<string, Node>)[field.$ref.replace('#/$defs/', '')];
  return definition?.description;
}

const found = [...mappings(schema, '#')];

test('every field says in a sentence what it is', () => {
  const fields = found.flatMap(([place, { properties, additionalProperties }]) => [
    ...Object.entries(isNode(properties) ? properties : {}).map(
      ([name, field]) => [`${place}/${name}`, field] as const,
    ),
    ...(isNode(additionalProperties) ? [[`${place}/*`, additionalProperties] as const] : []),
  ]);
  expect(fields.length).toBeGreaterThan(40);
  for (const [place, field] of fields) {
    const description = isNode(field) ? descriptionOf(field) : undefined;
    expect({ place, description }).toEqual({ place, description: expect.stringMatching(/\.$/) });
  }
});

test('names and limits are those of the code', () => {
  const definitions = schema.$defs as Record<string, Node>;
  const trailing = (definitions.baseline!.properties as Record<string, Node>).trailing!;
  expect(definitions.distance!.enum).toEqual(DISTANCE_NAMES);
  expect(trailing.maximum).toBe(limits.BASELINE_STRETCHES_MAX);
  expect((schema.properties as Record<string, Node>).columns!.maxProperties).toBe(
    limits.COLUMNS_MAX,
  );
});

test('limits of the model are those of the code', () => {
  const at = (path: string): Node =>
    path
      .split('.')
      .reduce<Node>(
        (node, name) => (node.properties as Record<string, Node>)[name]!,
        (schema.properties as Record<string, Node>).model!,
      );
  expect({
    rows: at('batch.rowsMax').maximum,
    bytes: at('batch.bytesMax').maximum,
    workers: at('runtime.workers').maximum,
    threads: at('runtime.threads').maximum,
    circuitRows: at('circuit.rows').maximum,
    entries: at('cache.entries').maximum,
  }).toEqual({
    rows: limits.BATCH_ROWS_MAX,
    bytes: limits.BATCH_BYTES_MAX,
    workers: limits.MODEL_WORKERS_MAX,
    threads: limits.MODEL_THREADS_MAX,
    circuitRows: limits.CIRCUIT_ROWS_MAX,
    entries: limits.CACHE_ENTRIES_MAX,
  });
  const list = at('lists').additionalProperties as Node;
  expect(list.description).toContain(`at most ${limits.LIST_ENTRIES_MAX};`);
  expect(at('batch.runMax').description).toContain(`at most ${limits.BATCH_RUN_MS_MAX / 1_000}s`);
  for (const name of ['deadline', 'circuit.openFor', 'cache.ttl']) {
    const most = `at most ${limits.MODEL_DURATION_MS_MAX / 86_400_000}d`;
    expect(at(name).description, name).toContain(most);
  }
});

test('a version is named as everywhere else', () => {
  const { pattern } = (schema.$defs as Record<string, Node>).version!;
  const names = fc.oneof(
    fc.string(),
    fc.stringMatching(/^[A-Za-z0-9._\-/]{0,4}$/),
    fc.integer({ min: 95, max: 105 }).map((length) => 'v'.repeat(length)),
  );
  fc.assert(
    fc.property(names, (name) => {
      expect(new RegExp(String(pattern), 'u').test(name)).toBe(isVersionName(name));
    }),
  );
});

test('no mapping takes keys it does not know', () => {
  for (const [place, { additionalProperties }] of found) {
    expect({
      place,
      open: additionalProperties === undefined || additionalProperties === true,
    }).toEqual({
      place,
      open: false,
    });
  }
});

test('a stated default is the one in the sentence', () => {
  const stated = found.flatMap(([place, { properties }]) =>
    Object.entries(isNode(properties) ? properties : {}).flatMap(([name, field]) =>
      isNode(field) && 'default' in field && !Array.isArray(field.default)
        ? [{ place: `${place}/${name}`, field }]
        : [],
    ),
  );
  expect(stated.length).toBeGreaterThan(10);
  for (const { place, field } of stated) {
    const sentence = `Default: ${String(field.default)}.`;
    expect({ place, description: field.description }).toEqual({
      place,
      description: expect.stringContaining(sentence),
    });
  }
});
