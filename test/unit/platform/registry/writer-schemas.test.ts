/** Fetching what a batch will need: once per id, and never a batch that one record can stop. */
import { describe, expect, test } from 'vitest';
import { CodedError } from '../../../../services/core/errors.ts';
import type { SchemaSource } from '../../../../services/platform/registry/schema-source.ts';
import { WriterSchemas } from '../../../../services/platform/registry/writer-schemas.ts';

function recordOf(...bytes: readonly number[]) {
  return { value: Uint8Array.from(bytes) };
}

function setUp(answer: (schemaId: number) => unknown) {
  const asked: number[] = [];
  const added: (readonly [number, unknown, string | undefined])[] = [];
  const source: SchemaSource = {
    fetch: async (schemaId) => {
      asked.push(schemaId);
      return answer(schemaId);
    },
  };
  const schemas = new WriterSchemas(source, {
    knowsWriterSchema: (schemaId) => added.some(([id]) => id === schemaId),
    addWriterSchema: (schemaId, schema, reason) => {
      added.push([schemaId, schema, reason]);
      return null;
    },
  });
  return { schemas, asked, added };
}

describe('writer schemas', () => {
  test('are fetched once per id, for records in Confluent wire format only', async () => {
    const { schemas, asked, added } = setUp((id) => (id === 258 ? 'int' : null));
    const records = [
      recordOf(0, 0, 0, 1, 2, 9),
      recordOf(0, 0, 0, 1, 2),
      recordOf(0, 0, 0, 7),
      recordOf(0xc3, 1, 0, 0, 0),
      { value: null },
      recordOf(0, 0xff, 0xff, 0xff, 0xff),
    ];
    await schemas.fetchFor(records);
    await schemas.fetchFor(records);
    expect(asked).toEqual([258, 0xffff_ffff]);
    expect(added.map(([id, schema]) => [id, schema])).toEqual([
      [258, 'int'],
      [0xffff_ffff, null],
    ]);
  });

  test('that are of no use are passed on as unknown, with the reason', async () => {
    const { schemas, added } = setUp(() => {
      throw new CodedError('decode.unknown-schema', 'it is of type JSON');
    });
    await schemas.fetchFor([recordOf(0, 0, 0, 0, 1)]);
    expect(added).toEqual([[1, null, 'it is of type JSON']]);
  });

  test('that cannot be reached fail the batch, and a second call goes on from there', async () => {
    let broken = true;
    const { schemas, asked } = setUp((id) => {
      if (id === 2 && broken) throw new CodedError('dependency.registry', 'down');
      return 'int';
    });
    const records = [recordOf(0, 0, 0, 0, 1), recordOf(0, 0, 0, 0, 2)];
    await expect(schemas.fetchFor(records)).rejects.toMatchObject({ code: 'dependency.registry' });
    broken = false;
    await schemas.fetchFor(records);
    expect(asked).toEqual([1, 2, 2]);
  });
});
