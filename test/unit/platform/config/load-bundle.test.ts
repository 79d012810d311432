/** A bundle as it is loaded: the monitor with its defaults, writer schemas, the reference. */
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { formatReference, type Reference } from '../../../../services/core/monitor/reference.ts';
import {
  type ColumnSketch,
  createColumnSketch,
} from '../../../../services/core/sketch/column-sketch.ts';
import { loadBundle } from '../../../../services/platform/config/load-bundle.ts';
import { formatProblem } from '../../../../services/platform/config/problem.ts';
import { correlated, sampleRows, setReference } from '../../core/sketch/set-samples.ts';
import { type BundleFiles, monitorYaml, writeBundle } from './bundle-files.ts';

async function load(files: BundleFiles = {}, requireReference = false) {
  const directory = await writeBundle(files);
  const result = await loadBundle(directory, { requireReference });
  if (!result.ok) throw new Error(result.problems.map(formatProblem).join('\n'));
  return { directory, bundle: result.bundle };
}

test('everything written is in the monitor', async () => {
  const { directory, bundle } = await load();
  expect(bundle.monitor).toEqual({
    name: 'credit-default',
    topics: {
      events: 'credit.applications',
      valid: 'tidegauge.credit-default.valid',
      quarantine: 'tidegauge.credit-default.quarantine',
      predictions: 'tidegauge.credit-default.predictions',
      shadow: 'tidegauge.credit-default.shadow',
      panes: 'tidegauge.credit-default.panes',
      reports: 'tidegauge.credit-default.reports',
      alerts: 'tidegauge.alerts',
    },
    id: ['applicationId'],
    eventTime: { path: ['submittedAt'], unit: 'ms' },
    allowedLatenessMs: 60_000,
    reviseMs: 0,
    futureSkewMs: 600_000,
    idleTimeoutMs: 30_000,
    columns: [
      {
        name: 'age',
        path: ['applicant', 'age'],
        type: 'numeric',
        role: 'feature',
        required: true,
        minimum: 18,
        maximum: 110,
        allowed: null,
        pattern: null,
        drift: { kind: 'threshold', distance: 'ks', threshold: 0.1 },
      },
      {
        name: 'income',
        path: ['applicant', 'income'],
        type: 'numeric',
        role: 'feature',
        required: true,
        minimum: 0,
        maximum: null,
        allowed: null,
        pattern: null,
        drift: { kind: 'threshold', distance: 'ks', threshold: 0.2 },
      },
      {
        name: 'employment',
        path: ['applicant', 'employment'],
        type: 'categorical',
        role: 'feature',
        required: false,
        minimum: null,
        maximum: null,
        allowed: ['salaried', 'self-employed'],
        pattern: null,
        drift: { kind: 'threshold', distance: 'l_infinity', threshold: 0.15 },
      },
      {
        name: 'channel',
        path: ['channel'],
        type: 'categorical',
        role: 'context',
        required: false,
        minimum: null,
        maximum: null,
        allowed: null,
        pattern: '^[a-z]+$',
        drift: null,
      },
    ],
    relations: [
      {
        name: 'loan-within-income',
        expression: 'event.loan.amount <= 20.0 * event.applicant.income',
      },
    ],
    slices: ['channel'],
    windows: [
      { lengthMs: 900_000, slideMs: 900_000 },
      { lengthMs: 3_600_000, slideMs: 3_600_000 },
    ],
    baselines: [{ kind: 'reference' }],
    distances: [],
    sets: [],
    countMin: 100,
    falseAlarms: null,
    model: {
      file: join(directory, 'model.onnx'),
      versionsDirectory: join(directory, 'models'),
      version: '1',
      rollout: { primary: '1', canary: null, ab: [], shadow: null },
      inputs: [{ tensor: 'float_input', columns: ['age', 'income'] }],
      outputs: [
        {
          name: 'score',
          tensor: 'probabilities',
          index: 1,
          drift: { kind: 'threshold', distance: 'ks', threshold: 0.1 },
        },
      ],
      batch: { rowsMax: 64, bytesMax: 4_194_304, runMsMax: 20 },
      runtime: { placement: 'auto', workerCount: 2, threadCount: 1 },
      deadlineMs: 0,
      fallback: null,
      circuit: { failureShare: 0.5, rowCount: 200, openMs: 30_000 },
      policies: [],
      lists: new Map(),
      cache: null,
    },
    alertRules: [
      {
        name: 'column-drift',
        columns: ['income', 'score'],
        baselines: null,
        forWindows: 1,
        resolveAfterWindows: 2,
        severity: 'critical',
      },
    ],
  });
  expect(bundle.eventSchema).toMatchObject({ type: 'record', name: 'Application' });
});

const MINIMAL = `monitor: m
event: { id: applicationId, time: { path: submittedAt } }
columns:
  applicant.income: { type: numeric }
  score: { path: loan.amount, type: numeric, role: prediction, drift: false }
windows: [1h, 15m]
`;

test('what is left out has the defaults the schema states', async () => {
  const { bundle } = await load({ 'monitor.yaml': MINIMAL });
  const { monitor } = bundle;
  expect(monitor).toMatchObject({
    topics: { events: 'tidegauge.m.events', alerts: 'tidegauge.alerts' },
    eventTime: { path: ['submittedAt'], unit: 'ms' },
    allowedLatenessMs: 60_000,
    reviseMs: 0,
    futureSkewMs: 600_000,
    idleTimeoutMs: 30_000,
    relations: [],
    slices: [],
    windows: [
      { lengthMs: 900_000, slideMs: 900_000 },
      { lengthMs: 3_600_000, slideMs: 3_600_000 },
    ],
    baselines: [{ kind: 'reference' }],
    distances: [],
    sets: [],
    countMin: 500,
    model: null,
    alertRules: [
      {
        name: 'drift',
        columns: null,
        baselines: null,
        forWindows: 1,
        resolveAfterWindows: 2,
        severity: 'warning',
      },
    ],
  });
  expect(monitor.columns).toMatchObject([
    {
      path: ['applicant', 'income'],
      role: 'feature',
      required: false,
      drift: { kind: 'threshold', distance: 'ks', threshold: 0.1 },
    },
    { path: ['loan', 'amount'], role: 'prediction', drift: null },
  ]);
});

test('zero switches a duration off, with or without quotes', async () => {
  const yaml = monitorYaml('futureSkew: 10m', 'futureSkew: 0').replace('30s', '"0"');
  const { bundle } = await load({ 'monitor.yaml': yaml });
  expect(bundle.monitor).toMatchObject({ futureSkewMs: 0, idleTimeoutMs: 0 });
});

test('windows may be revised for a while', async () => {
  const yaml = monitorYaml('allowedLateness: 1m', 'allowedLateness: 1m\n  revise: 2h');
  const { bundle } = await load({ 'monitor.yaml': yaml });
  expect(bundle.monitor).toMatchObject({ allowedLatenessMs: 60_000, reviseMs: 7_200_000 });
});

test('anchors share what is written once', async () => {
  const yaml = MINIMAL.replace(
    '{ type: numeric }',
    '&shared { type: numeric, path: loan.amount }',
  ).replace(/ {2}score: .*\n/, '  again: *shared\n');
  const { bundle } = await load({ 'monitor.yaml': yaml });
  expect(bundle.monitor.columns.map(({ path }) => path)).toEqual([
    ['loan', 'amount'],
    ['loan', 'amount'],
  ]);
});

test('writer schemas come in the order of their names, with their folder', async () => {
  const { directory, bundle } = await load({
    'schemas/10.avsc': '{ "type": "record", "name": "Ten", "fields": [] }',
    'schemas/2.avsc': '{ "type": "record", "name": "Two", "fields": [] }',
    'schemas/README.md': 'not a schema',
  });
  expect(bundle.writerSchemas).toMatchObject([{ name: 'Ten' }, { name: 'Two' }]);
  expect(bundle.schemaDirectory).toBe(join(directory, 'schemas'));
  expect((await load()).bundle.schemaDirectory).toBeNull();
});

test('a problem found later has its line too', async () => {
  const { bundle } = await load();
  expect(bundle.locate(['model', 'outputs', 'score', 'index'])).toEqual({ line: 33, column: 44 });
  expect(bundle.locate(['model', 'outputs', 'score'], 'key')).toEqual({ line: 33, column: 5 });
  expect(bundle.locate(['nowhere', 'at', 'all'])).toEqual({ line: 1, column: 1 });
});

test('a false-alarm budget is what columns without a threshold are judged by', async () => {
  const yaml = monitorYaml(
    'drift: { countMin: 100, threshold: { numeric: 0.1, categorical: 0.15 } }',
    'drift: { falseAlarms: { max: 1, per: month }, threshold: { categorical: 0.15 } }',
  );
  const { bundle } = await load({ 'monitor.yaml': yaml });
  const { columns, countMin, falseAlarms, model } = bundle.monitor;
  expect({ countMin, falseAlarms }).toEqual({
    countMin: 100,
    falseAlarms: { max: 1, per: 'month' },
  });
  expect(columns.map(({ name, drift }) => [name, drift])).toEqual([
    ['age', { kind: 'budget', priority: 1 }],
    ['income', { kind: 'threshold', distance: 'ks', threshold: 0.2 }],
    ['employment', { kind: 'threshold', distance: 'l_infinity', threshold: 0.15 }],
    ['channel', null],
  ]);
  expect(model?.outputs[0]?.drift).toEqual({ kind: 'budget', priority: 1 });
});

const JUDGED = `monitor: m
event: { id: applicationId, time: { path: submittedAt } }
columns:
  applicant.age: { type: numeric, drift: { priority: 3 } }
  applicant.income: { type: numeric, drift: { distance: psi, threshold: 0.2 } }
  loan.amount: { type: numeric, drift: { threshold: 0.3 } }
  channel: { type: categorical }
  applicant.employment: { type: categorical, drift: { priority: 0.5 } }
sets:
  person: { columns: [applicant.age, applicant.income] }
  all: { columns: [applicant.age, applicant.income, loan.amount], drift: { priority: 2 } }
  some: { columns: [applicant.age, loan.amount], drift: false }
windows: [{ length: 1h, slide: 5m }, 1d, 1h, { length: 1h, slide: 10m }, 15m]
drift:
  falseAlarms: { max: 1, per: month }
  baselines: [{ calendar: 4 }, reference, { trailing: 6 }]
  distances: [wasserstein, psi]
  threshold: { categorical: { distance: hellinger, threshold: 0.4 } }
alerts:
  - { name: sudden, baselines: [trailing, calendar], columns: [channel, all] }
`;

test('windows that slide come in the order of their lengths, the finest first', async () => {
  const { bundle } = await load({ 'monitor.yaml': JUDGED });
  const minutes = bundle.monitor.windows.map(({ lengthMs, slideMs }) =>
    [lengthMs, slideMs].map((milliseconds) => milliseconds / 60_000),
  );
  expect(minutes).toEqual([
    [15, 15],
    [60, 5],
    [60, 10],
    [60, 60],
    [1_440, 1_440],
  ]);
});

test('baselines, distances and the rule of each column and set are as written', async () => {
  const { bundle } = await load({ 'monitor.yaml': JUDGED });
  const { monitor } = bundle;
  expect(monitor.baselines).toEqual([
    { kind: 'calendar', weeks: 4 },
    { kind: 'reference' },
    { kind: 'trailing', windows: 6 },
  ]);
  expect(monitor.distances).toEqual(['wasserstein', 'psi']);
  expect(monitor.columns.map(({ drift }) => drift)).toEqual([
    { kind: 'budget', priority: 3 },
    { kind: 'threshold', distance: 'psi', threshold: 0.2 },
    { kind: 'threshold', distance: 'ks', threshold: 0.3 },
    { kind: 'threshold', distance: 'hellinger', threshold: 0.4 },
    { kind: 'budget', priority: 0.5 },
  ]);
  expect(monitor.sets).toEqual([
    {
      name: 'person',
      columns: ['applicant.age', 'applicant.income'],
      drift: { kind: 'budget', priority: 1 },
    },
    {
      name: 'all',
      columns: ['applicant.age', 'applicant.income', 'loan.amount'],
      drift: { kind: 'budget', priority: 2 },
    },
    { name: 'some', columns: ['applicant.age', 'loan.amount'], drift: null },
  ]);
  expect(monitor.alertRules).toMatchObject([
    { name: 'sudden', columns: ['channel', 'all'], baselines: ['trailing', 'calendar'] },
  ]);
});

test('a set is measured only where there is no false-alarm budget', async () => {
  const yaml = monitorYaml('slices:', 'sets: { person: { columns: [age, income] } }\nslices:');
  const { bundle } = await load({ 'monitor.yaml': yaml });
  expect(bundle.monitor.sets).toEqual([
    { name: 'person', columns: ['age', 'income'], drift: null },
  ]);
});

test('versions of the model are told apart by a slice that no column can have', async () => {
  const yaml = monitorYaml('slices: [channel]', 'slices: [model]').replace(
    '  channel:',
    '  model:',
  );
  const result = await loadBundle(await writeBundle({ 'monitor.yaml': yaml }));
  const said = result.ok ? [] : result.problems.map(({ path, message }) => `${path}: ${message}`);
  expect(said.join('; ')).toContain('slices[0]: found model, by which the versions');
});

describe('a reference', () => {
  const reference = (
    types: Record<string, 'numeric' | 'categorical'>,
    sets: Reference['sets'] = new Map(),
  ) =>
    formatReference({
      rowCount: 0,
      columns: new Map(
        Object.entries(types).map(([name, type]): [string, ColumnSketch] => [
          name,
          createColumnSketch(type),
        ]),
      ),
      slices: new Map(),
      calibrations: new Map(),
      sets,
    });
  const GOOD = {
    age: 'numeric',
    income: 'numeric',
    employment: 'categorical',
    score: 'numeric',
  } as const;
  const problems = async (text: string) => {
    const directory = await writeBundle({ 'reference.json': text });
    const result = await loadBundle(directory);
    return result.ok ? [] : result.problems.map(formatProblem);
  };

  test('that covers every judged column is loaded', async () => {
    const { bundle } = await load({ 'reference.json': reference(GOOD) }, true);
    expect([...(bundle.reference?.columns.keys() ?? [])]).toEqual(Object.keys(GOOD));
  });

  test('that lacks a judged column is refused at the column', async () => {
    const { income: _, score: __, ...rest } = GOOD;
    expect(await problems(reference(rest))).toEqual([
      'monitor.yaml:12:3: columns.income: reference.json has no column income, expected one to judge drift against (or drift: false); known are age, employment',
      'monitor.yaml:33:5: model.outputs.score: reference.json has no column score, expected one to judge drift against (or drift: false); known are age, employment',
    ]);
  });

  test('that has a column with another type is refused at the column', async () => {
    expect(await problems(reference({ ...GOOD, age: 'categorical' }))).toEqual([
      'monitor.yaml:11:3: columns.age: reference.json has column age as categorical, expected numeric',
    ]);
  });

  describe('where no window is held against it', () => {
    const yaml = monitorYaml('drift: { countMin', 'drift: { baselines: [trailing: 2], countMin');
    const loaded = async (text: string | null) =>
      loadBundle(await writeBundle({ 'monitor.yaml': yaml, 'reference.json': text }));

    test('may be left out', async () => {
      expect(await loaded(null)).toMatchObject({
        ok: true,
        warnings: [],
        bundle: { reference: null },
      });
    });

    test('may lack columns and slices, and is read', async () => {
      const result = await loaded(reference({ age: 'numeric' }));
      expect(result).toMatchObject({ ok: true, warnings: [] });
      expect(result.ok && [...(result.bundle.reference?.columns.keys() ?? [])]).toEqual(['age']);
    });

    test('still has the types of the monitor', async () => {
      const result = await loaded(reference({ age: 'categorical' }));
      expect(result.ok ? [] : result.problems.map(formatProblem)).toEqual([
        'monitor.yaml:11:3: columns.age: reference.json has column age as categorical, expected numeric',
      ]);
    });
  });

  test('that is cut off is refused at the line where it ends', async () => {
    const text = reference(GOOD);
    const lines = text.split('\n');
    expect(await problems(lines.slice(0, 5).join('\n'))).toEqual([
      `reference.json:5:${lines[4]!.length + 1}: not valid JSON: found the end of the file, expected a key in double quotes`,
    ]);
  });

  test('without a slice the monitor has is warned of', async () => {
    const directory = await writeBundle({ 'reference.json': reference(GOOD) });
    const result = await loadBundle(directory);
    expect(result.ok && result.warnings.map(formatProblem)).toEqual([
      expect.stringMatching(
        /^monitor\.yaml:\d+:\d+: slices\[0\]: reference\.json has no slice of channel/,
      ),
    ]);
  });

  describe('of a set', () => {
    const yaml = monitorYaml('slices:', 'sets: { person: { columns: [age, income] } }\nslices:');
    const rows = sampleRows(correlated(2, 0.5), 1, 500);
    const found = async (names: readonly string[] | null, text = yaml) => {
      const sets: Reference['sets'] = new Map(
        names === null ? [] : [['person', setReference(rows, 1, names)]],
      );
      const files = { 'monitor.yaml': text, 'reference.json': reference(GOOD, sets) };
      const result = await loadBundle(await writeBundle(files));
      return result.ok ? [] : result.problems.map(formatProblem);
    };
    const made = 'expected one made by tidegauge profile --set person=age,income';

    test('made of the same columns is loaded', async () => {
      expect(await found(['age', 'income'])).toEqual([]);
    });

    test('that lacks it, or has it of other columns, is refused', async () => {
      expect(await found(null)).toEqual([
        expect.stringMatching(`sets\\.person: reference\\.json has no set person, ${made}$`),
      ]);
      for (const names of [
        ['income', 'age'],
        ['age', 'height'],
      ]) {
        expect(await found(names)).toEqual([
          expect.stringContaining(`reference.json has set person of ${names.join(', ')}, ${made}`),
        ]);
      }
    });

    test('is needed where no window is held against a reference too', async () => {
      const trailing = yaml.replace(
        'drift: { countMin',
        'drift: { baselines: [trailing: 2], countMin',
      );
      expect(trailing).not.toBe(yaml);
      expect(await found(null, trailing)).toHaveLength(1);
      const result = await loadBundle(await writeBundle({ 'monitor.yaml': trailing }));
      const problems = result.ok ? [] : result.problems.map(formatProblem);
      expect(problems).toEqual([expect.stringMatching(/^reference\.json:1:1: there is no file/)]);
    });
  });

  test('that is no reference is refused', async () => {
    const found = await problems('{}');
    expect(found).toHaveLength(1);
    expect(found[0]).toMatch(/^reference\.json:1:1: the reference at format: /);
  });
});
