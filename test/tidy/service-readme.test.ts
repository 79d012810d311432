/**
 * The tables of the services' READMEs against what the services do: topics and state by running the
 * example through each of them, telemetry by saying everything a service can say, configuration
 * against the JSON Schema of monitor.yaml.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { createAlertingEvents } from '../../services/alerting/events.ts';
import type { Alert } from '../../services/core/message/alert.ts';
import type { Pane } from '../../services/core/message/pane.ts';
import type { BusRecord } from '../../services/core/message/record.ts';
import type { Report } from '../../services/core/message/report.ts';
import { createAggregatorEvents } from '../../services/drift-aggregator/events.ts';
import { openPaneKey } from '../../services/drift-aggregator/open-pane.ts';
import { SERVICES } from '../../services/embedded/pipeline.ts';
import { createEvaluatorEvents } from '../../services/evaluator/events.ts';
import type { BatchFacts } from '../../services/inference-worker/batcher.ts';
import { createInferenceEvents } from '../../services/inference-worker/events.ts';
import type { RowAnswer } from '../../services/inference-worker/score-row.ts';
import type { ModelVersionsStatus } from '../../services/inference-worker/version-status.ts';
import type { LoadedModel } from '../../services/platform/model/model-runtime.ts';
import type { Telemetry } from '../../services/platform/telemetry/telemetry.ts';
import { createRedriveEvents } from '../../services/redrive/events.ts';
import { createReplayEvents } from '../../services/replay/events.ts';
import { createValidatorEvents } from '../../services/validator/events.ts';
import {
  codeWords,
  headings,
  plain,
  readPage,
  section,
  tables,
  tableUnder,
} from '../support/markdown-page.ts';
import { type ObservedPipeline, observePipeline } from '../support/observed-pipeline.ts';
import { observeTelemetry } from '../support/observed-telemetry.ts';
import { listFiles, ROOT, readSources } from '../support/source-tree.ts';

const NAMES = [...Object.keys(SERVICES), 'replay', 'redrive'];
const pageOf = (name: string) => readPage(`services/${name}/README.md`);

describe('topics and state', () => {
  let pipeline: ObservedPipeline;
  beforeAll(async () => {
    pipeline = await observePipeline();
  });

  it('the stream makes every service do something', () => {
    const { summary } = pipeline;
    expect(summary.predictions).toBeGreaterThan(1_000);
    expect(summary.quarantined).toBeGreaterThan(10);
    expect(summary.late).toBeGreaterThan(0);
    expect(summary.alerts.map(({ column }) => column)).toContain('applicant.age');
  });

  it.each(NAMES)('%s consumes and produces the topics of its table', (name) => {
    const rows = tableUnder(pageOf(name), 'Topics').rows;
    // What is produced `sometimes` need not come of the example.
    const topics = (kind: string) =>
      rows.filter(([cell]) => cell === kind).map(([, topic]) => plain(topic!));
    const { consumes, produces } = pipeline.services.get(name)!;
    expect(topics('consumes').toSorted()).toEqual([...consumes].toSorted());
    expect(topics('produces').toSorted()).toEqual([...produces].toSorted());
  });

  it('the table of services/README.md agrees', () => {
    const rows = tableUnder(readPage('services/README.md'), 'Services').rows;
    expect(rows).toHaveLength(NAMES.length);
    for (const [service, consumed, produced, kept] of rows) {
      const name = /^\[([^\]]+)\]/.exec(service!)![1]!;
      const { consumes, produces, keeps } = pipeline.services.get(name)!;
      expect(codeWords(consumed!).toSorted(), name).toEqual([...consumes].toSorted());
      expect(codeWords(produced!).toSorted(), name).toEqual([...produces].toSorted());
      expect(kept === 'nothing', name).toBe(keeps.size === 0);
    }
  });

  it.each(NAMES)('%s keeps the entries of its table', (name) => {
    const keeps = new Set(pipeline.services.get(name)!.keeps);
    // A late pane is committed only where a commit falls between the late event and the next sealing.
    if (name === 'drift-aggregator') {
      keeps.add(openPaneKey({ kind: 'late', startMs: 0, slice: '' }).split(':', 1)[0]!);
    }
    const [table] = tables(section(pageOf(name), 'State'));
    const listed = table?.rows.map(([entry]) => plain(entry!).split(':', 1)[0]) ?? [];
    expect(listed.toSorted()).toEqual([...keeps].toSorted());
  });

  it.each(['drift-aggregator', 'evaluator', 'alerting', 'redrive'])(
    '%s: the keys are those state.ts states',
    (name) => {
      const source = readFileSync(join(ROOT, `services/${name}/state.ts`), 'utf8');
      const stated = [...source.matchAll(/^ \* \| (`[^`]+`) \|/gm)].map((match) =>
        plain(match[1]!),
      );
      const rows = tableUnder(pageOf(name), 'State').rows.map(([entry]) => plain(entry!));
      expect(stated.length).toBeGreaterThan(0);
      expect(rows.filter((entry) => !entry.startsWith('out:'))).toEqual(stated);
    },
  );
});

/** Arguments for every function of an `events.ts`; one that is added must be called here too. */
type CallsOf<Events> = {
  readonly [Name in keyof Events]: Events[Name] extends (...args: infer Args) => void
    ? Args
    : never;
};

function say<Events extends object>(events: Events, calls: CallsOf<Events>): void {
  for (const [name, args] of Object.entries(calls) as [keyof Events, unknown[]][]) {
    (events[name] as (...args: unknown[]) => void)(...args);
  }
}

const pane = { slice: '', source: 'events', count: 1 } as Pane;
const report = {
  monitor: 'm',
  slice: '',
  verdict: 'ok',
  columns: [{ name: 'c', distances: { ks: 0.1 } }],
} as unknown as Report;
const alert = { rule: 'r', state: 'firing', summary: "the alert's summary" } as Alert;
const description = { digest: '0', inputs: [], outputs: [] };
type Answered = Extract<RowAnswer, { readonly kind: 'answered' }>;

const failure = { code: 'internal.failure', message: 'RangeError: too deep' } as const;

const EVERYTHING: Readonly<Record<string, (telemetry: Telemetry) => void>> = {
  validator: (telemetry) =>
    say(createValidatorEvents(telemetry), {
      eventValid: [],
      eventQuarantined: [failure],
      batchDecided: [],
      batchAcknowledged: [1],
    }),
  'inference-worker': (telemetry) =>
    say(createInferenceEvents(telemetry), {
      versionServed: ['1', { description, placement: 'inline' } as unknown as LoadedModel],
      versionRefused: ['1', 'why'],
      versionRetired: ['1'],
      planChanged: [{ primary: '1', canary: null, ab: [], shadow: null }, 'monitor.yaml'],
      versionsLooked: [{ isComplete: true, versions: [] } as unknown as ModelVersionsStatus],
      folderFailed: ['why'],
      placed: ['1', 'inline', { fixedMs: 0, perRowMs: 0 }],
      placeFailed: ['1', new Error('no thread')],
      eventPredicted: [{ version: '1', variant: 'fallback', fallbackReason: 'x' } as Answered],
      eventRepeated: [],
      eventQuarantined: [failure],
      answersSent: [],
      batchRun: ['1', { rows: 1, trigger: 'rows', durationMs: 1 } as BatchFacts],
      versionFailed: ['1', failure],
      shadowShed: ['1', 1],
      policyFailed: ['why'],
      cacheLooked: ['hit'],
      circuitOpened: ['1'],
      circuitClosed: ['1'],
    }),
  'drift-aggregator': (telemetry) =>
    say(createAggregatorEvents(telemetry, 'events'), {
      recordCounted: ['late'],
      recordRepeated: [],
      recordUnreadable: [],
      recordFailed: [{ topic: 'valid', partition: 0, offset: 0 } as BusRecord, new RangeError('x')],
      paneWritten: ['sealed'],
    }),
  evaluator: (telemetry) =>
    say(createEvaluatorEvents(telemetry), {
      paneRead: ['accepted'],
      paneUnreadable: [0],
      eventsLate: [pane, 1],
      windowJudged: [report],
      windowRevised: [report],
      windowEvaluated: [1],
      rebuilding: [null],
      windowsLost: [null, 0],
    }),
  alerting: (telemetry) =>
    say(createAlertingEvents(telemetry), {
      reportDecided: [],
      reportRepeated: [],
      reportUnreadable: [0],
      alertRaised: [alert],
      seriesFiring: ['m', 1],
    }),
  replay: (telemetry) =>
    say(createReplayEvents(telemetry), {
      recordsPublished: [1],
      retried: ['send', new Error('e'), 1],
    }),
  redrive: (telemetry) =>
    say(createRedriveEvents(telemetry), {
      batchSent: [1],
      recordSkipped: ['repeated'],
      callRetried: ['commit state', new Error('away')],
      outcomeUnknown: [0, 1, 1],
    }),
};

describe('telemetry', () => {
  it.each(NAMES)('%s: metrics are those of its table', (name) => {
    const observed = observeTelemetry();
    EVERYTHING[name]!(observed.telemetry);
    const rows = tableUnder(pageOf(name), 'Telemetry').rows.map(
      ([metric, kind, unit, labels, meaning]) => ({
        name: plain(metric!),
        kind,
        unit: plain(unit!),
        labels: codeWords(labels!),
        description: meaning,
      }),
    );
    const order = (left: { name: string }, right: { name: string }) =>
      left.name < right.name ? -1 : 1;
    expect(rows.toSorted(order)).toEqual(observed.metrics());
  });

  it.each(NAMES)('%s: log lines of its own are those of its table', (name) => {
    const observed = observeTelemetry();
    EVERYTHING[name]!(observed.telemetry);
    const table = tables(pageOf(name).prose).find(({ header }) => header[0] === 'log level');
    const rows = table?.rows.map(([level, message]) => `${level}: ${message}`) ?? [];
    expect(rows.toSorted()).toEqual(observed.logs());
  });

  it('platform: log lines of the runner are those of its table', () => {
    const { rows } = tableUnder(readPage('services/platform/README.md'), 'Log lines');
    const logged = readSources('services/platform/lifecycle').flatMap(({ text }) =>
      [...text.matchAll(/logger\.(\w+)\([^;`]*?'([^']+)',?\s*\)/g)].map(([, level, message]) => [
        level,
        message,
      ]),
    );
    expect(rows).toEqual(logged.toSorted());
  });

  it('metrics are defined in events.ts alone, and each is in a README', () => {
    const defining = readSources('services')
      .filter((file) => /telemetry\s*\.(counter|gauge|histogram)\(/.test(file.text))
      .map((file) => file.path);
    expect(defining).toEqual(NAMES.map((name) => `services/${name}/events.ts`).toSorted());
    expect(listFiles('services', 'events.ts')).toEqual(defining);
  });
});

type Schema = Readonly<Record<string, unknown>>;

const root = JSON.parse(readFileSync(join(ROOT, 'schemas/monitor.schema.json'), 'utf8')) as Schema;

describe('configuration', () => {
  const rowsOf = (name: string) =>
    listFiles(`services/${name}`, '.md')
      .map(readPage)
      .filter((page) => headings(page).includes('Configuration'))
      .flatMap((page) => tableUnder(page, 'Configuration').rows);
  const tablesOf = Object.keys(SERVICES).map((name) => ({
    name,
    fields: rowsOf(name).flatMap(([cell, default_]) =>
      codeWords(cell!).map((field) => ({ field, stated: plain(default_!) })),
    ),
  }));

  it.each(tablesOf)('$name: every field is one of monitor.yaml, with its default', ({ fields }) => {
    expect(fields.length).toBeGreaterThan(3);
    for (const { field, stated } of fields) {
      const found = findField(field);
      expect(found, `${field} in schemas/monitor.schema.json`).not.toBeNull();
      const { node, required } = found!;
      const description = String(node.description ?? '');
      if (required) expect(stated, field).toBe('required');
      else if (node.default !== undefined) expect(stated, field).toBe(defaultText(node.default));
      else if (/Default: (tidegauge\.\S+)\.$/.test(description)) {
        expect(stated, field).toBe(/Default: (\S+)\.$/.exec(description)![1]);
      } else expect(stated, field).not.toBe('required');
    }
  });

  it('every field of monitor.yaml is used by a service', () => {
    const documented = new Set(tablesOf.flatMap(({ fields }) => fields.map(({ field }) => field)));
    const missing = leaves(root, '').filter((field) => !documented.has(field));
    expect(missing).toEqual([]);
  });
});

function defaultText(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function resolved(node: Schema): Schema {
  const reference = node.$ref as string | undefined;
  if (reference === undefined) return node;
  const definitions = root.$defs as Readonly<Record<string, Schema>>;
  return { ...resolved(definitions[reference.slice('#/$defs/'.length)]!), ...node };
}

/** `columns.*.range`, `alerts[].name`; `null` where there is no such field. */
function findField(field: string): { readonly node: Schema; readonly required: boolean } | null {
  let node = root;
  let required = true;
  for (const step of field.replaceAll('[]', '.[]').split('.')) {
    const child = childOf(resolved(node), step);
    if (child === undefined) return null;
    const listed = resolved(node).required as readonly string[] | undefined;
    required = step !== '*' && step !== '[]' && (listed?.includes(step) ?? false);
    if (step === '*' && (resolved(node).minProperties ?? 0) === 1) required = true;
    node = child;
  }
  return { node: resolved(node), required };
}

function childOf(node: Schema, step: string): Schema | undefined {
  if (step === '[]') return node.items as Schema | undefined;
  if (step === '*') {
    return typeof node.additionalProperties === 'object'
      ? (node.additionalProperties as Schema)
      : undefined;
  }
  return (node.properties as Readonly<Record<string, Schema>> | undefined)?.[step];
}

/** Fields that hold a value: text, a number, a list of them, or any of these in place of a record. */
function leaves(node: Schema, path: string): readonly string[] {
  const { properties, additionalProperties, items, type } = resolved(node);
  const within = (step: string) => (path === '' ? step : `${path}.${step}`);
  // The elements of a list that may be records or not are told by the list itself.
  const own = Array.isArray(type) && type.includes('object') ? [path.replace(/\[\]$/, '')] : [];
  if (typeof properties === 'object' && properties !== null) {
    return [
      ...own,
      ...Object.entries(properties).flatMap(([name, child]) =>
        leaves(child as Schema, within(name)),
      ),
    ];
  }
  if (typeof additionalProperties === 'object' && additionalProperties !== null) {
    return leaves(additionalProperties as Schema, within('*'));
  }
  const element = items === undefined ? null : resolved(items as Schema);
  if (element?.properties !== undefined) return leaves(element, `${path}[]`);
  return [path];
}
