/** The contract of the SchemaSource port, run on every adapter. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { SCHEMA_BYTES_MAX } from '../../services/core/limits.ts';
import type { SchemaSource } from '../../services/platform/registry/schema-source.ts';

export interface SchemaSourceUnderTest {
  readonly source: SchemaSource;
  close(): Promise<void>;
}

const RECORD = { type: 'record', name: 'org.acme.Loan', fields: [{ name: 'id', type: 'string' }] };
const ID_MAX = 0xffff_ffff;

/** Schema documents by id, as text; an id that is not among them is not known. */
export const DOCUMENTS: ReadonlyMap<number, string> = new Map([
  [0, JSON.stringify('string')],
  [1, JSON.stringify(RECORD)],
  [7, JSON.stringify({ ...RECORD, doc: 'grüße'.repeat(1_000) }, null, 2)],
  [8, '{"type": "record", '],
  [9, JSON.stringify({ ...RECORD, doc: 'x'.repeat(SCHEMA_BYTES_MAX) })],
  [10, 'null'],
  [ID_MAX, JSON.stringify(RECORD)],
]);

/** `open` gives a source of `DOCUMENTS`, `openBroken` one that cannot be reached. */
export function schemaSourceContract(
  name: string,
  adapter: {
    readonly open: () => Promise<SchemaSourceUnderTest>;
    readonly openBroken: () => Promise<SchemaSourceUnderTest>;
  },
): void {
  describe(`SchemaSource contract: ${name}`, () => {
    let opened: SchemaSourceUnderTest;
    beforeAll(async () => {
      opened = await adapter.open();
    });
    afterAll(() => opened.close());

    test.each([0, 1, 7, ID_MAX])('id %i gives its schema as parsed JSON, each time', async (id) => {
      const expected: unknown = JSON.parse(DOCUMENTS.get(id)!);
      expect(await opened.source.fetch(id)).toEqual(expected);
      expect(await opened.source.fetch(id)).toEqual(expected);
    });

    test('many at once give each its own', async () => {
      const ids = [1, 7, 1, 0, 7, 1, 404];
      const schemas = await Promise.all(ids.map((id) => opened.source.fetch(id)));
      const expected = ids.map((id) => JSON.parse(DOCUMENTS.get(id) ?? 'null') as unknown);
      expect(schemas).toEqual(expected);
    });

    test('an id that is not known gives null', async () => {
      expect(await opened.source.fetch(404)).toBeNull();
    });

    test.each([
      [8, 'is no JSON'],
      [9, 'is too large'],
      [10, 'is null'],
    ])('id %i, which %s, is refused for good', async (id) => {
      const refused = {
        code: 'decode.unknown-schema',
        message: expect.stringContaining(String(id)),
      };
      await expect(opened.source.fetch(id)).rejects.toMatchObject(refused);
      await expect(opened.source.fetch(id)).rejects.toMatchObject(refused);
    });

    test('a source that does not answer is a dependency that failed', async () => {
      const broken = await adapter.openBroken();
      try {
        const failed = { code: 'dependency.registry' };
        await expect(broken.source.fetch(1)).rejects.toMatchObject(failed);
      } finally {
        await broken.close();
      }
    });
  });
}
