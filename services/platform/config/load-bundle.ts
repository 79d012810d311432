/**
 * Reads a bundle's folder and checks everything that can be checked without running it.
 *
 * Either every file is readable and fits the others, or all the mistakes come back at once, each with
 * file, line and column. Loading the model itself is left to the caller (`checkModelFits`).
 */
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type AvroNode, parseAvroSchema } from '../../core/codec/avro-schema.ts';
import { CodedError } from '../../core/errors.ts';
import { CONFIG_BYTES_MAX, REFERENCE_BYTES_MAX, SCHEMA_BYTES_MAX } from '../../core/limits.ts';
import type { Monitor } from '../../core/monitor/monitor.ts';
import { parseReference, type Reference } from '../../core/monitor/reference.ts';
import { checkEventFields } from './check-event-fields.ts';
import { checkMonitor } from './check-monitor.ts';
import { checkReference, hasReferenceBaseline } from './check-reference.ts';
import { parseJson } from './json-source.ts';
import {
  EVENT_SCHEMA_FILE,
  MONITOR_FILE,
  type MonitorFile,
  REFERENCE_FILE,
  toMonitor,
  WRITER_SCHEMA_FOLDER,
} from './monitor-file.ts';
import { checkMonitorSchema } from './monitor-schema.ts';
import { type Locate, type Problem, ProblemList } from './problem.ts';
import { parseYaml } from './yaml-source.ts';

export interface Bundle {
  readonly directory: string;
  readonly monitor: Monitor;
  /** Parsed JSON of the event's Avro schema. */
  readonly eventSchema: unknown;
  /** Parsed JSON of `schemas/*.avsc`, in the order of their names. */
  readonly writerSchemas: readonly unknown[];
  /** Where `<id>.avsc` serves the schema of a Confluent id; `null` without such a folder. */
  readonly schemaDirectory: string | null;
  readonly reference: Reference | null;
  /** Places in monitor.yaml, for problems found later. */
  readonly locate: Locate;
}

export type LoadResult =
  | { readonly ok: true; readonly bundle: Bundle; readonly warnings: readonly Problem[] }
  | { readonly ok: false; readonly problems: readonly Problem[] };

export interface LoadOptions {
  /** A missing reference.json is a problem where anything is judged or measured by it; default true. */
  readonly requireReference?: boolean;
  /** A missing model file is a problem; default true. */
  readonly requireModel?: boolean;
}

type Text = { readonly text: string } | { readonly text: null; readonly absent: boolean };

/** Reads one file of the bundle, size first; whatever stops it becomes a problem. */
class BundleReader {
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

async function checkModelFile(file: MonitorFile, directory: string, list: ProblemList) {
  if (file.model === undefined) return;
  const entry = await stat(join(directory, file.model.file)).catch(() => null);
  if (entry === null || !entry.isFile()) {
    const message = `there is no file ${file.model.file} in the bundle, expected an ONNX model`;
    list.add(['model', 'file'], message);
  }
}

function warnings(monitor: Monitor, reference: Reference | null, locate: Locate): Problem[] {
  const list = new ProblemList(MONITOR_FILE, locate);
  if (reference === null || !hasReferenceBaseline(monitor)) return [];
  const sliced = [...reference.slices.keys()];
  for (const [index, name] of monitor.slices.entries()) {
    if (sliced.some((key) => key.startsWith(`${name}=`))) continue;
    const message = `${REFERENCE_FILE} has no slice of ${name}: its windows are measured and not judged against the reference; profile with --slice ${name}`;
    list.add(['slices', index], message);
  }
  return list.problems;
}

export async function loadBundle(
  directory: string,
  { requireReference = true, requireModel = true }: LoadOptions = {},
): Promise<LoadResult> {
  const reader = new BundleReader(directory);
  const folder = await stat(directory).catch(() => null);
  if (folder === null || !folder.isDirectory()) {
    reader.fail(directory, 'there is no such folder, expected a bundle with a monitor.yaml');
    return { ok: false, problems: reader.problems };
  }
  const { text } = await reader.text(MONITOR_FILE, CONFIG_BYTES_MAX, true);
  const source = text === null ? null : parseYaml(MONITOR_FILE, text);
  if (source?.ok === false) reader.problems.push(...source.problems);
  const document = source?.ok === true ? source : null;
  const misfits =
    document === null ? [] : checkMonitorSchema(MONITOR_FILE, document.value, document.locate);
  reader.problems.push(...misfits);
  const file = document !== null && misfits.length === 0 ? (document.value as MonitorFile) : null;

  const eventSchemaFile = file?.event.schema ?? EVENT_SCHEMA_FILE;
  // A monitor.yaml that cannot be read may name another schema: then a missing one is no finding.
  const event = file === null ? null : await reader.avroSchema(eventSchemaFile);
  const monitor = file === null ? null : toMonitor(file, directory);
  const needsReference =
    monitor === null || hasReferenceBaseline(monitor) || monitor.sets.length > 0;
  const reference = await reader.reference(requireReference && needsReference);
  const writers = await reader.writerSchemas();
  if (file === null || monitor === null || document === null) {
    return { ok: false, problems: reader.problems };
  }

  const list = new ProblemList(MONITOR_FILE, document.locate);
  checkMonitor(file, list);
  if (event?.root.kind === 'record') checkEventFields(file, event, list);
  else if (event !== null) reader.fail(eventSchemaFile, 'expected a schema of type record');
  if (requireModel) await checkModelFile(file, directory, list);
  if (reference !== null) checkReference(monitor, reference, list);
  const problems = [...reader.problems, ...list.problems];
  if (problems.length > 0) return { ok: false, problems };
  return {
    ok: true,
    bundle: {
      directory,
      monitor,
      eventSchema: event?.schema,
      writerSchemas: writers.schemas,
      schemaDirectory: writers.directory,
      reference,
      locate: document.locate,
    },
    warnings: warnings(monitor, reference, document.locate),
  };
}
