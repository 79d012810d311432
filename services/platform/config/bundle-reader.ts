/**
 * Reads the files of a bundle, size first: whatever stops one becomes a problem of that file, and the
 * others are read on.
 */
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type AvroNode, parseAvroSchema } from '../../core/codec/avro-schema.ts';
import { CodedError } from '../../core/errors.ts';
import { REFERENCE_BYTES_MAX, SCHEMA_BYTES_MAX } from '../../core/limits.ts';
import { parseReference, type Reference } from '../../core/monitor/reference.ts';
import { parseJson } from './json-source.ts';
import { REFERENCE_FILE, WRITER_SCHEMA_FOLDER } from './monitor-file.ts';
import type { Problem } from './problem.ts';

type Text = { readonly text: string } | { readonly text: null; readonly absent: boolean };

/** Reads one file of the bundle, size first; whatever stops it becomes a problem. */
export class BundleReader {
  readonly problems: Problem[] = [];
  readonly directory: string;

  constructor(directory: string) {
    this.directory = directory;
  }

  fail(file: string, message: string, place = { line: 1, column: 1 }): void {
    this.problems.push({ file, line: place.line, column: place.column, path: '', message });
  }

  async text(file: string, bytesMax: number, required: boolean): Promise<Text> {
    const path = join(this.directory, file);
    try {
      const { size } = await stat(path);
      if (size > bytesMax) {
        this.fail(file, `the file has ${size} bytes, expected at most ${bytesMax}`);
        return { text: null, absent: false };
      }
      const bytes = await readFile(path);
      return { text: new TextDecoder('utf-8', { fatal: true }).decode(bytes) };
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? error.code : null;
      const absent = code === 'ENOENT' || code === 'ENOTDIR';
      if (absent && !required) return { text: null, absent };
      if (absent) this.fail(file, `there is no file ${path}`);
      else if (error instanceof TypeError) this.fail(file, 'the file is not UTF-8 text');
      else this.fail(file, `the file cannot be read: ${String(code ?? error)}`);
      return { text: null, absent };
    }
  }

  /** `undefined` where there is a problem. */
  async json(file: string): Promise<unknown> {
    const { text } = await this.text(file, SCHEMA_BYTES_MAX, true);
    if (text === null) return undefined;
    const parsed = parseJson(text);
    if (parsed.ok) return parsed.value;
    this.fail(file, parsed.message, parsed);
    return undefined;
  }

  /** A schema and the same parsed; `null` where there is a problem. */
  async avroSchema(file: string): Promise<{ schema: unknown; root: AvroNode } | null> {
    const schema = await this.json(file);
    if (schema === undefined) return null;
    try {
      return { schema, root: parseAvroSchema(schema) };
    } catch (error) {
      this.fail(file, `not a valid Avro schema: ${error instanceof Error ? error.message : error}`);
      return null;
    }
  }

  async reference(required: boolean): Promise<Reference | null> {
    const { text } = await this.text(REFERENCE_FILE, REFERENCE_BYTES_MAX, required);
    if (text === null) return null;
    const parsed = parseJson(text);
    if (!parsed.ok) {
      this.fail(REFERENCE_FILE, parsed.message, parsed);
      return null;
    }
    try {
      return parseReference(text);
    } catch (error) {
      if (!(error instanceof CodedError)) throw error;
      this.fail(REFERENCE_FILE, error.message);
      return null;
    }
  }

  async writerSchemas(): Promise<{ schemas: readonly unknown[]; directory: string | null }> {
    const directory = join(this.directory, WRITER_SCHEMA_FOLDER);
    const names = await readdir(directory).catch(() => null);
    if (names === null) return { schemas: [], directory: null };
    const schemas: unknown[] = [];
    for (const name of names.filter((each) => each.endsWith('.avsc')).sort()) {
      const parsed = await this.avroSchema(`${WRITER_SCHEMA_FOLDER}/${name}`);
      if (parsed !== null) schemas.push(parsed.schema);
    }
    return { schemas, directory };
  }
}
