/**
 * Reads a bundle's folder and checks everything that can be checked without running it.
 *
 * Either every file is readable and fits the others, or all the mistakes come back at once, each with
 * file, line and column. Loading the model itself is left to the caller (`checkModelFits`).
 */
import { stat } from 'node:fs/promises';
import { CONFIG_BYTES_MAX } from '../../core/limits.ts';
import type { Monitor } from '../../core/monitor/monitor.ts';
import type { Reference } from '../../core/monitor/reference.ts';
import { BundleReader } from './bundle-reader.ts';
import { checkEventFields } from './check-event-fields.ts';
import { checkExpressions } from './check-expressions.ts';
import { checkMonitor } from './check-monitor.ts';
import { checkReference, hasReferenceBaseline } from './check-reference.ts';
import { checkVersionFiles } from './check-version-files.ts';
import {
  EVENT_SCHEMA_FILE,
  MONITOR_FILE,
  type MonitorFile,
  REFERENCE_FILE,
  toMonitor,
} from './monitor-file.ts';
import { checkMonitorSchema } from './monitor-schema.ts';
import { FILE_AS_A_WHOLE, type Locate, type Problem, ProblemList } from './problem.ts';
import { readLists } from './read-lists.ts';
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
  /** A model version without its files is a problem; default true. */
  readonly requireModel?: boolean;
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
  const list = new ProblemList(MONITOR_FILE, document?.locate ?? FILE_AS_A_WHOLE);
  const lists = await readLists(reader, file?.model?.lists, list);
  const monitor = file === null ? null : toMonitor(file, directory, lists);
  const needsReference =
    monitor === null || hasReferenceBaseline(monitor) || monitor.sets.length > 0;
  const reference = await reader.reference(requireReference && needsReference);
  const writers = await reader.writerSchemas();
  if (file === null || monitor === null || document === null) {
    return { ok: false, problems: reader.problems };
  }

  checkMonitor(file, list);
  if (event?.root.kind === 'record') {
    checkEventFields(file, event, list);
    if (file.model !== undefined) checkExpressions(file.model, event.root, list);
  } else if (event !== null) reader.fail(eventSchemaFile, 'expected a schema of type record');
  if (requireModel && file.model !== undefined) {
    await checkVersionFiles(file.model, directory, list);
  }
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
