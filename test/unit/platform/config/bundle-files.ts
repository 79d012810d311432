/** A small good bundle, and the same with parts replaced, in a folder of its own per test. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { onTestFinished } from 'vitest';

export const MONITOR_YAML = `monitor: credit-default
topics: { events: credit.applications }
event:
  schema: event.avsc
  id: applicationId
  time: { path: submittedAt, unit: ms }
  allowedLateness: 1m
  futureSkew: 10m
  idleTimeout: 30s
columns:
  age: { path: applicant.age, type: numeric, required: true, range: [18, 110] }
  income:
    path: applicant.income
    type: numeric
    required: true
    range: [0, null]
    drift: { threshold: 0.2 }
  employment:
    path: applicant.employment
    type: categorical
    allowed: [salaried, self-employed]
  channel: { type: categorical, role: context, pattern: '^[a-z]+$' }
relations:
  loan-within-income: event.loan.amount <= 20.0 * event.applicant.income
slices: [channel]
windows: [15m, 1h]
drift: { countMin: 100, threshold: { numeric: 0.1, categorical: 0.15 } }
model:
  file: model.onnx
  version: "1"
  inputs: { float_input: [age, income] }
  outputs:
    score: { tensor: probabilities, index: 1 }
  batch: { rowsMax: 64, runMax: 20ms }
alerts:
  - { name: column-drift, columns: [income, score], severity: critical }
`;

export const EVENT_AVSC = `{
  "type": "record",
  "name": "Application",
  "namespace": "credit",
  "fields": [
    { "name": "applicationId", "type": "string" },
    { "name": "submittedAt", "type": { "type": "long", "logicalType": "timestamp-millis" } },
    { "name": "channel", "type": ["null", "string"], "default": null },
    { "name": "applicant", "type": {
      "type": "record", "name": "Applicant", "fields": [
        { "name": "age", "type": "int" },
        { "name": "income", "type": ["null", "double"] },
        { "name": "employment", "type": { "type": "enum", "name": "Employment", "symbols": ["salaried"] } }
      ] } },
    { "name": "loan", "type": ["null", {
      "type": "record", "name": "Loan", "fields": [{ "name": "amount", "type": "double" }] }] },
    { "name": "partner", "type": ["null", "Applicant"], "default": null },
    { "name": "tags", "type": { "type": "map", "values": "double" } }
  ]
}
`;

export type BundleFiles = Readonly<Record<string, string | null>>;

/** Writes the files over the good bundle's; `null` leaves one out. Removed when the test ends. */
export async function writeBundle(files: BundleFiles = {}): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'tidegauge-bundle-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  const all: BundleFiles = {
    'monitor.yaml': MONITOR_YAML,
    'event.avsc': EVENT_AVSC,
    'model.onnx': '',
    ...files,
  };
  for (const [name, text] of Object.entries(all)) {
    if (text === null) continue;
    await mkdir(dirname(join(directory, name)), { recursive: true });
    await writeFile(join(directory, name), text);
  }
  return directory;
}

/** The good monitor.yaml with one piece of text replaced, which must be there. */
export function monitorYaml(replaced: string, by: string): string {
  if (!MONITOR_YAML.includes(replaced)) throw new Error(`no ${replaced} in the good monitor.yaml`);
  return MONITOR_YAML.replace(replaced, () => by);
}
