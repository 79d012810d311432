/** Writer schemas from a folder: `<id>.avsc`, read when asked for. */
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { CodedError } from '../../core/errors.ts';
import { SCHEMA_BYTES_MAX } from '../../core/limits.ts';
import { parseSchemaDocument, tooLarge } from './schema-document.ts';
import type { SchemaSource } from './schema-source.ts';

export function createFileSchemaSource(directory: string): SchemaSource {
  return {
    async fetch(schemaId) {
      const name = `${schemaId}.avsc`;
      const text = await readBounded(join(directory, name), name);
      return text === null ? null : parseSchemaDocument(text, name);
    },
  };
}

async function readBounded(path: string, name: string): Promise<string | null> {
  try {
    const file = await open(path, 'r');
    try {
      const { size } = await file.stat();
      if (size > SCHEMA_BYTES_MAX) throw tooLarge(name);
      return await file.readFile('utf8');
    } finally {
      await file.close();
    }
  } catch (error) {
    if (error instanceof CodedError) throw error;
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    const message = `${name} cannot be read: ${(error as Error).message}`;
    throw new CodedError('dependency.registry', message, { cause: error });
  }
}
