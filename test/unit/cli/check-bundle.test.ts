/** What `tidegauge check` says about broken bundles: file, line and what was expected, for each. */
import { describe, expect, test } from 'vitest';
import { checkBundle } from '../../../services/platform/config/check-bundle.ts';
import {
  type BundleFiles,
  EVENT_AVSC,
  MONITOR_YAML,
  monitorYaml,
  writeBundle,
} from '../platform/config/bundle-files.ts';

async function check(files: BundleFiles): Promise<readonly string[]> {
  const { lines, ok } = await checkBundle(await writeBundle(files), { requireReference: false });
  expect(ok).toBe(lines.length === 0 || lines.every((line) => line.endsWith('(warning)')));
  return lines;
}

/** The good monitor.yaml with one piece of text replaced, or more, which must be there. */
const broken = (
  replaced: string,
  by: string,
  ...more: readonly (readonly [string, string])[]
): BundleFiles => {
  let yaml = monitorYaml(replaced, by);
  for (const [other, put] of more) {
    if (!yaml.includes(other)) throw new Error(`no ${other} in the good monitor.yaml`);
    yaml = yaml.replace(other, () => put);
  }
  return { 'monitor.yaml': yaml };
};

/** With a false-alarm budget instead of thresholds. */
const brokenBudget = (replaced: string, by: string): BundleFiles => {
  const yaml = monitorYaml(
    'drift: { countMin: 100, threshold: { numeric: 0.1, categorical: 0.15 } }',
    'drift:\n  falseAlarms: { max: 1, per: month }\n  baselines: [reference, { trailing: 4 }]',
  );
  if (!yaml.includes(replaced)) throw new Error(`no ${replaced} in the monitor with a budget`);
  return { 'monitor.yaml': yaml.replace(replaced, by) };
};

const withSets = (sets: string): BundleFiles => broken('slices:', `sets: ${sets}\nslices:`);

const NUMERIC_DISTANCES =
  'ks, wasserstein, energy, cramer_von_mises, psi, kullback_leibler, jensen_shannon, jensen_shannon_divergence, hellinger, l1, l_infinity, chi_square, cramers_v, mean_change, median_change, scale_change, robust_scale_change, missing_rate_change, non_finite_rate_change';
const CATEGORICAL_DISTANCES =
  'psi, kullback_leibler, jensen_shannon, jensen_shannon_divergence, hellinger, l1, l_infinity, chi_square, cramers_v, missing_rate_change, unseen_share';

const NESTED = '['.repeat(100_000);

/** What is wrong, the bundle, and of the one line that must come back: file, text at its place, rest. */
const BROKEN: readonly (readonly [string, BundleFiles, string, string, string])[] = [
  [
    'YAML syntax',
    broken('windows: [15m, 1h]', 'windows: [15m, 1h'),
    'monitor.yaml',
    'drift: { countMin',
    'Flow sequence in block collection must be sufficiently indented and end with a ]',
  ],
  [
    'a repeated key',
    broken('slices: [channel]', 'slices: [channel]\nslices: []'),
    'monitor.yaml',
    'slices: []',
    'Map keys must be unique',
  ],
  [
    'a mistyped key',
    broken('allowedLateness', 'allowedLatenes'),
    'monitor.yaml',
    'allowedLatenes:',
    'event.allowedLatenes: unknown key; did you mean allowedLateness?',
  ],
  [
    'a missing key',
    broken('  id: applicationId\n', ''),
    'monitor.yaml',
    'event:',
    'event: the key id is missing',
  ],
  [
    'a duration without its unit',
    broken('futureSkew: 10m', 'futureSkew: 10'),
    'monitor.yaml',
    '10\n',
    'event.futureSkew: found the number 10, expected a duration such as 500ms, 30s, 15m, 2h or 1d, or 0 (a unit is missing: write 10s or 10ms)',
  ],
  [
    'a number where text belongs',
    broken('version: "1"', 'version: 1'),
    'monitor.yaml',
    '1\n  inputs',
    'model.version: found the number 1, expected a version of letters, digits, ., - and _, at most 100 characters (put it in quotes: "1")',
  ],
  [
    'an unknown word',
    broken('severity: critical', 'severity: loud'),
    'monitor.yaml',
    'loud',
    'alerts[0].severity: found "loud", expected one of critical, warning, info',
  ],
  [
    'a range on a categorical column',
    broken("pattern: '^[a-z]+$'", 'range: [0, 1]'),
    'monitor.yaml',
    'range: [0, 1]',
    'columns.channel.range: only a numeric column can have range',
  ],
  [
    'a range the wrong way round',
    broken('[18, 110]', '[110, 18]'),
    'monitor.yaml',
    '[110, 18]',
    'columns.age.range: found 110 to 18, expected the least value first',
  ],
  [
    'a path the schema does not have',
    broken('path: applicant.age', 'path: applicant.agee'),
    'monitor.yaml',
    'applicant.agee',
    'columns.age.path: in event.avsc applicant has no field agee; did you mean age?',
  ],
  [
    'a column of another type than its field',
    broken('path: applicant.age', 'path: applicant.employment'),
    'monitor.yaml',
    'applicant.employment, type',
    'columns.age.path: applicant.employment is of type enum credit.Employment, expected a number or boolean for a numeric column',
  ],
  [
    'an event time in another unit than its field',
    broken('unit: ms', 'unit: us'),
    'monitor.yaml',
    'us }',
    'event.time.unit: submittedAt is a timestamp-millis, expected unit: ms',
  ],
  [
    'a relation over an unknown field',
    broken('event.loan.amount', 'event.loan.ammount'),
    'monitor.yaml',
    'event.loan.ammount',
    'relations.loan-within-income: event.loan.ammount is not in the event schema; did you mean amount?',
  ],
  [
    'a relation over an unknown variable',
    broken('event.loan.amount <=', 'loan.amount <='),
    'monitor.yaml',
    'loan.amount',
    'relations.loan-within-income: Unknown variable: loan',
  ],
  [
    'a relation that is no CEL',
    broken('20.0 * event.applicant.income', '20.0 *'),
    'monitor.yaml',
    'event.loan.amount',
    'relations.loan-within-income: Unexpected token: EOF',
  ],
  [
    'a pattern that is no regular expression',
    broken("'^[a-z]+$'", "'^[a-z+$'"),
    'monitor.yaml',
    "'^[a-z+$'",
    'columns.channel.pattern: not a valid regular expression: Unterminated character class',
  ],
  [
    'a pattern that could run away',
    broken("'^[a-z]+$'", "'^([a-z]+)+$'"),
    'monitor.yaml',
    "'^([a-z]+)+$'",
    'columns.channel.pattern: could take very long on some values, expected no repetition inside a repetition and at most three open-ended ones (two where the pattern does not start with ^)',
  ],
  [
    'a slice of a numeric column',
    broken('slices: [channel]', 'slices: [age]'),
    'monitor.yaml',
    'age]\nwindows',
    'slices[0]: column age is numeric, expected a categorical column',
  ],
  [
    'windows with little in common',
    broken('windows: [15m, 1h]', 'windows: [1500ms, 1601ms]'),
    'monitor.yaml',
    '[1500ms',
    'windows: the windows have only 1 ms in common, expected lengths and slides that are multiples of a common length of at least 1s',
  ],
  [
    'windows of too many panes',
    broken('windows: [15m, 1h]', 'windows: [1s, 1d]'),
    'monitor.yaml',
    '[1s, 1d]',
    'windows: the longest window and the allowed lateness need 86460 panes of 1000 ms, expected at most 10000',
  ],
  [
    'a model input that is no column',
    broken('float_input: [age, income]', 'float_input: [age, incme]'),
    'monitor.yaml',
    'incme',
    'model.inputs.float_input[1]: there is no column incme; did you mean income?',
  ],
  [
    'a model input that is a label',
    broken('role: context, pattern', 'role: label, pattern', [
      'float_input: [age',
      'float_input: [channel',
    ]),
    'monitor.yaml',
    'channel, income] }',
    'model.inputs.float_input[0]: column channel is a label, expected a feature or context column',
  ],
  [
    'an output with the name of a column',
    broken(
      '    score: { tensor: probabilities, index: 1 }',
      '    score: { tensor: probabilities }\n    age: { tensor: label }',
    ),
    'monitor.yaml',
    'age: { tensor',
    'model.outputs.age: a column has this name too, expected another',
  ],
  [
    'a topic used twice',
    broken(
      '{ events: credit.applications }',
      '{ events: credit.applications, valid: tidegauge.alerts }',
    ),
    'monitor.yaml',
    'tidegauge.alerts',
    'topics.valid: tidegauge.alerts is also the topic of alerts, expected a topic of its own',
  ],
  [
    'a topic Kafka would refuse',
    broken('credit.applications', 'credit applications'),
    'monitor.yaml',
    'credit applications',
    'topics.events: found "credit applications", expected a Kafka topic name: 1 to 249 letters, digits, ., _ and -, and not . or ..',
  ],
  [
    'an alert on an unknown column',
    broken('columns: [income, score]', 'columns: [income, scores]'),
    'monitor.yaml',
    'scores]',
    'alerts[0].columns[1]: there is no column, output or set scores; did you mean score?',
  ],
  [
    'an alert on a column nobody judges',
    broken('columns: [income, score]', 'columns: [channel]'),
    'monitor.yaml',
    'channel], severity',
    'alerts[0].columns[0]: channel is not judged for drift',
  ],
  [
    'a threshold of a column that is not judged',
    broken("role: context, pattern: '^[a-z]+$'", 'role: context, drift: { threshold: 0.1 }'),
    'monitor.yaml',
    '{ threshold: 0.1 } }\nrel',
    'columns.channel.drift: a context column is never judged for drift, expected no threshold',
  ],
  [
    'a threshold of 0',
    broken('threshold: 0.2', 'threshold: 0'),
    'monitor.yaml',
    '0 }\n  employment',
    'columns.income.drift.threshold: found the number 0, expected a distance above 0',
  ],
  [
    'a window that is no duration',
    broken('windows: [15m, 1h]', 'windows: [15m, 60]'),
    'monitor.yaml',
    '60]',
    'windows[1]: found the number 60, expected a duration such as 500ms, 30s, 15m, 2h or 1d, or { length: 1h, slide: 5m } (a unit is missing: write 60s or 60ms)',
  ],
  [
    'a window without its slide',
    broken('windows: [15m, 1h]', 'windows: [15m, { length: 1h }]'),
    'monitor.yaml',
    '{ length: 1h }',
    'windows[1]: the key slide is missing',
  ],
  [
    'a window that is no whole multiple of its slide',
    broken('windows: [15m, 1h]', 'windows: [15m, { length: 1h, slide: 7m }]'),
    'monitor.yaml',
    '{ length: 1h',
    'windows[1]: a window of 3600000 ms is no whole multiple of its slide of 420000 ms',
  ],
  [
    'a slide that is too short',
    broken('windows: [15m, 1h]', 'windows: [{ length: 1m, slide: 500ms }]'),
    'monitor.yaml',
    '{ length: 1m',
    'windows[0]: a slide of 500 ms is too short, expected at least 1s',
  ],
  [
    'windows that overlap too often',
    broken('windows: [15m, 1h]', 'windows: [{ length: 1001s, slide: 1s }, 15m]'),
    'monitor.yaml',
    '{ length: 1001s',
    'windows[0]: a window of 1001000 ms that slides by 1000 ms overlaps 1001 times, expected at most 1000',
  ],
  [
    'the same window in two ways',
    broken('windows: [15m, 1h]', 'windows: [15m, 1h, { length: 60m, slide: 60m }]'),
    'monitor.yaml',
    '{ length: 60m',
    'windows[2]: the same window is given twice',
  ],
  [
    'a window longer than a week under a calendar baseline',
    broken(
      'windows: [15m, 1h]\ndrift: {',
      'windows: [1d, 8d]\ndrift: { baselines: [{ calendar: 4 }],',
    ),
    'monitor.yaml',
    '8d]',
    'windows[1]: a window of 691200000 ms is longer than a week, which a calendar baseline cannot be',
  ],
  [
    'an unknown baseline',
    brokenBudget('[reference, { trailing: 4 }]', '[reference, trailing]'),
    'monitor.yaml',
    'trailing]',
    'drift.baselines[1]: found "trailing", expected reference, { trailing: 4 } or { calendar: 4 }',
  ],
  [
    'a mistyped baseline',
    brokenBudget('{ trailing: 4 }', '{ calender: 4 }'),
    'monitor.yaml',
    'calender: 4',
    'drift.baselines[1].calender: unknown key; did you mean calendar?',
  ],
  [
    'a trailing baseline of no windows',
    brokenBudget('{ trailing: 4 }', '{ trailing: 0 }'),
    'monitor.yaml',
    '0 }]',
    'drift.baselines[1].trailing: found the number 0, expected a number >= 1',
  ],
  [
    'a calendar baseline of more than a year',
    brokenBudget('{ trailing: 4 }', '{ calendar: 53 }'),
    'monitor.yaml',
    '53 }]',
    'drift.baselines[1].calendar: found the number 53, expected a number <= 52',
  ],
  [
    'two baselines in one',
    brokenBudget('{ trailing: 4 }', '{ trailing: 4, calendar: 4 }'),
    'monitor.yaml',
    '{ trailing: 4, calendar: 4 }',
    'drift.baselines[1]: found a mapping, expected reference, { trailing: 4 } or { calendar: 4 }',
  ],
  [
    'two baselines of a kind',
    brokenBudget('{ trailing: 4 }', '{ trailing: 4 }, { trailing: 8 }'),
    'monitor.yaml',
    '{ trailing: 8 }',
    'drift.baselines[2]: another baseline is trailing too, expected one of a kind',
  ],
  [
    'no baseline',
    brokenBudget('[reference, { trailing: 4 }]', '[]'),
    'monitor.yaml',
    '[]\nmodel',
    'drift.baselines: found a list of 0, expected a list such as [reference, { trailing: 4 }, { calendar: 4 }]',
  ],
  [
    'a mistyped distance',
    brokenBudget('  baselines', '  distances: [psi, wassertein]\n  baselines'),
    'monitor.yaml',
    'wassertein',
    'drift.distances[1]: found "wassertein", expected the name of a distance; did you mean wasserstein?',
  ],
  [
    'a distance that takes no column of the monitor',
    {
      'monitor.yaml': `monitor: m\nevent: { id: applicationId, time: { path: submittedAt } }\ncolumns:\n  channel: { type: categorical }\n  loan.amount: { type: numeric, role: context }\nwindows: [1h]\ndrift: { distances: [psi, wasserstein] }\n`,
    },
    'monitor.yaml',
    'wasserstein',
    'drift.distances[1]: wasserstein takes numeric columns, and the monitor measures none, expected another distance',
  ],
  [
    'a default threshold on a distance that does not take the type',
    broken('numeric: 0.1', 'numeric: { distance: unseen_share, threshold: 0.1 }'),
    'monitor.yaml',
    'unseen_share',
    `drift.threshold.numeric.distance: unseen_share does not take numeric columns, expected one of ${NUMERIC_DISTANCES}`,
  ],
  [
    'a default threshold beyond what its distance can be',
    broken('categorical: 0.15', 'categorical: 1.5'),
    'monitor.yaml',
    '1.5 }',
    'drift.threshold.categorical: found 1.5, expected at most 1, the most that l_infinity can be',
  ],
  [
    'a default distance without a threshold',
    broken('numeric: 0.1', 'numeric: { distance: psi }'),
    'monitor.yaml',
    'numeric: { distance: psi }',
    'drift.threshold.numeric: the key threshold is missing',
  ],
  [
    'a threshold on a distance that does not take the column',
    broken(
      '    allowed: [salaried, self-employed]\n',
      '    drift: { distance: ks, threshold: 0.2 }\n',
    ),
    'monitor.yaml',
    'ks, threshold',
    `columns.employment.drift.distance: ks does not take categorical columns, expected one of ${CATEGORICAL_DISTANCES}`,
  ],
  [
    'a threshold beyond what its distance can be',
    broken('{ threshold: 0.2 }', '{ distance: l1, threshold: 2.5 }'),
    'monitor.yaml',
    '2.5 }',
    'columns.income.drift.threshold: found 2.5, expected at most 2, the most that l1 can be',
  ],
  [
    'a threshold without end',
    broken('{ threshold: 0.2 }', '{ distance: psi, threshold: .inf }'),
    'monitor.yaml',
    '.inf',
    'columns.income.drift.threshold: found the number Infinity, expected a distance above 0',
  ],
  [
    'a distance without a threshold',
    broken('{ threshold: 0.2 }', '{ distance: psi }'),
    'monitor.yaml',
    'drift: { distance: psi }',
    'columns.income.drift: the key threshold is missing',
  ],
  [
    'a threshold of a model output beyond what its distance can be',
    broken('index: 1 }', 'index: 1, drift: { threshold: 1.2 } }'),
    'monitor.yaml',
    '1.2 }',
    'model.outputs.score.drift.threshold: found 1.2, expected at most 1, the most that ks can be',
  ],
  [
    'drift: true',
    broken('{ threshold: 0.2 }', 'true'),
    'monitor.yaml',
    'true\n  employment',
    'columns.income.drift: found the boolean true, expected false',
  ],
  [
    'a priority without a budget',
    broken('{ threshold: 0.2 }', '{ priority: 2 }'),
    'monitor.yaml',
    '2 }',
    'columns.income.drift.priority: a priority is a share of the false-alarm budget, expected drift.falseAlarms',
  ],
  [
    'a priority of a model output without a budget',
    broken('index: 1 }', 'index: 1, drift: { priority: 2 } }'),
    'monitor.yaml',
    '2 } }',
    'model.outputs.score.drift.priority: a priority is a share of the false-alarm budget, expected drift.falseAlarms',
  ],
  [
    'a priority of 0',
    brokenBudget('{ threshold: 0.2 }', '{ priority: 0 }'),
    'monitor.yaml',
    '0 }\n  employment',
    'columns.income.drift.priority: found the number 0, expected a number above 0 and up to 1000',
  ],
  [
    'a priority beyond the limit',
    brokenBudget('{ threshold: 0.2 }', '{ priority: 1001 }'),
    'monitor.yaml',
    '1001',
    'columns.income.drift.priority: found the number 1001, expected a number above 0 and up to 1000',
  ],
  [
    'a priority beside a threshold',
    brokenBudget('{ threshold: 0.2 }', '{ threshold: 0.2, priority: 2 }'),
    'monitor.yaml',
    'threshold: 0.2, priority',
    'columns.income.drift.threshold: a priority and a threshold exclude each other, expected only one of them',
  ],
  [
    'a priority beside a distance',
    brokenBudget('{ threshold: 0.2 }', '{ distance: psi, priority: 2 }'),
    'monitor.yaml',
    'distance: psi',
    'columns.income.drift.distance: a priority and a distance exclude each other, expected only one of them',
  ],
  [
    'a priority of a column that is not judged',
    brokenBudget("role: context, pattern: '^[a-z]+$'", 'role: context, drift: { priority: 2 }'),
    'monitor.yaml',
    '{ priority: 2 }',
    'columns.channel.drift: a context column is never judged for drift, expected no priority',
  ],
  [
    'an alert on a baseline the monitor does not have',
    brokenBudget('severity: critical', 'baselines: [trailing, calendar]'),
    'monitor.yaml',
    'calendar]',
    'alerts[0].baselines[1]: drift.baselines has no calendar, expected one of reference, trailing',
  ],
  [
    'an alert on an unknown kind of baseline',
    brokenBudget('severity: critical', 'baselines: [weekly]'),
    'monitor.yaml',
    'weekly]',
    'alerts[0].baselines[0]: found "weekly", expected one of reference, trailing, calendar',
  ],
  [
    'a set of one column',
    withSets('{ pair: { columns: [age] } }'),
    'monitor.yaml',
    '[age] }',
    'sets.pair.columns: found a list of 1, expected a list of 2 to 64 names of numeric columns',
  ],
  [
    'a set that names a column twice',
    withSets('{ pair: { columns: [age, age] } }'),
    'monitor.yaml',
    '[age, age]',
    'sets.pair.columns: items 0 and 1 are the same',
  ],
  [
    'a set of an unknown column',
    withSets('{ pair: { columns: [age, incme] } }'),
    'monitor.yaml',
    'incme',
    'sets.pair.columns[1]: there is no column incme; did you mean income?',
  ],
  [
    'a set of a categorical column',
    withSets('{ pair: { columns: [employment, age] } }'),
    'monitor.yaml',
    'employment, age',
    'sets.pair.columns[0]: column employment is categorical, expected a numeric column',
  ],
  [
    'a set of a column that is no feature',
    broken(
      'relations:',
      '  loan.amount: { type: numeric, role: label }\nsets: { pair: { columns: [age, loan.amount] } }\nrelations:',
    ),
    'monitor.yaml',
    'loan.amount] }',
    'sets.pair.columns[1]: column loan.amount is a label, expected a feature column',
  ],
  [
    'a set with the name of a column',
    withSets('{ income: { columns: [age, income] } }'),
    'monitor.yaml',
    'income: { columns',
    'sets.income: a column has this name too, expected another',
  ],
  [
    'a set with the name of a model output',
    withSets('{ score: { columns: [age, income] } }'),
    'monitor.yaml',
    'score: { columns',
    'sets.score: a model output has this name too, expected another',
  ],
  [
    'a priority of a set without a budget',
    withSets('{ pair: { columns: [age, income], drift: { priority: 2 } } }'),
    'monitor.yaml',
    '2 } } }',
    'sets.pair.drift.priority: a priority is a share of the false-alarm budget, expected drift.falseAlarms',
  ],
  [
    'a threshold of a set',
    withSets('{ pair: { columns: [age, income], drift: { priority: 1, threshold: 0.2 } } }'),
    'monitor.yaml',
    'threshold: 0.2 } } }',
    'sets.pair.drift.threshold: unknown key; known are priority',
  ],
  [
    'a set judged by nothing',
    withSets('{ pair: { columns: [age, income], drift: {} } }'),
    'monitor.yaml',
    '{} } }',
    'sets.pair.drift: found a mapping, expected { priority: 2 } or false',
  ],
  [
    'an alert on a set nobody judges',
    broken(
      'alerts:\n  - { name: column-drift, columns: [income, score]',
      'sets: { pair: { columns: [age, income] } }\nalerts:\n  - { name: column-drift, columns: [pair]',
    ),
    'monitor.yaml',
    'pair], severity',
    'alerts[0].columns[0]: pair is not judged for drift',
  ],
  [
    'a missing model',
    { 'model.onnx': null },
    'monitor.yaml',
    'model.onnx',
    'model.file: there is no file model.onnx in the bundle, expected an ONNX model',
  ],
  [
    'an event schema that is no JSON',
    { 'event.avsc': EVENT_AVSC.replace('"type": "int" },', '"type": "int" }') },
    'event.avsc',
    '{ "name": "income"',
    'not valid JSON: found "{", expected "," or "]"',
  ],
  [
    'an event schema that is no record',
    { 'event.avsc': '{ "type": "string" }' },
    'event.avsc',
    '',
    'expected a schema of type record',
  ],
  [
    'an event schema with an unknown type',
    { 'event.avsc': EVENT_AVSC.replace('"type": "int"', '"type": "integer"') },
    'event.avsc',
    '',
    'not a valid Avro schema: undefined type name: credit.integer',
  ],
  [
    'a writer schema that is no JSON',
    { 'schemas/7.avsc': '{\n  "type": }' },
    'schemas/7.avsc',
    '}',
    'not valid JSON: found "}", expected a value',
  ],
  [
    'an alias bomb',
    {
      'monitor.yaml': `a: &a [x, x, x, x, x, x, x, x, x]\nb: &b [*a, *a, *a, *a, *a, *a, *a, *a, *a]\nc: &c [*b, *b, *b, *b, *b, *b, *b, *b, *b]\nd: [*c, *c, *c, *c, *c, *c, *c, *c, *c]\n`,
    },
    'monitor.yaml',
    '',
    'an alias is wrong: Excessive alias count indicates a resource exhaustion attack',
  ],
  ['deep nesting', { 'monitor.yaml': NESTED }, 'monitor.yaml', '', 'it is nested too deeply'],
  [
    'a file beyond the size limit',
    { 'monitor.yaml': `# ${'x'.repeat(4 * 1_048_576)}\n${MONITOR_YAML}` },
    'monitor.yaml',
    '',
    `the file has ${4 * 1_048_576 + 3 + MONITOR_YAML.length} bytes, expected at most 4194304`,
  ],
  [
    'an empty file',
    { 'monitor.yaml': '' },
    'monitor.yaml',
    '',
    'found nothing, expected a monitor',
  ],
];

describe('a good bundle', () => {
  test('passes without a word', async () => {
    expect(await check({})).toEqual([]);
  });

  test('passes with nothing but what is required', async () => {
    const minimal = `monitor: m\nevent: { id: applicationId, time: { path: submittedAt } }\ncolumns:\n  channel: { type: categorical }\nwindows: [1h]\n`;
    expect(await check({ 'monitor.yaml': minimal, 'model.onnx': null })).toEqual([]);
  });
});

describe('a broken bundle is refused with file, line and what was expected', () => {
  test.each(BROKEN)('%s', async (_what, files, file, at, rest) => {
    const text =
      file === 'event.avsc' ? (files[file] ?? EVENT_AVSC) : (files[file] ?? MONITOR_YAML);
    expect(text).toContain(at);
    const before = text.slice(0, text.indexOf(at)).split('\n');
    const place = `${file}:${before.length}:${(before.at(-1)?.length ?? 0) + 1}`;
    expect(await check(files)).toEqual([`${place}: ${rest}`]);
  });
});

test('all problems come at once, in the order of the file', async () => {
  const yaml = MONITOR_YAML.replace('[18, 110]', '[110, 18]')
    .replace('slices: [channel]', 'slices: [age]')
    .replace('float_input: [age', 'float_input: [agee');
  const lines = await check({ 'monitor.yaml': yaml, 'model.onnx': null, 'event.avsc': '{' });
  expect(lines.map((line) => line.split(': ', 1)[0])).toEqual([
    'event.avsc:1:2',
    'monitor.yaml:11:69',
    'monitor.yaml:25:10',
    'monitor.yaml:29:9',
    'monitor.yaml:31:27',
  ]);
});

test('a folder or a monitor.yaml that is not there is named', async () => {
  const missing = await checkBundle('/nowhere/at/all');
  expect(missing.lines).toEqual([
    '/nowhere/at/all:1:1: there is no such folder, expected a bundle with a monitor.yaml',
  ]);
  const [line] = await check({ 'monitor.yaml': null });
  expect(line).toMatch(/^monitor\.yaml:1:1: there is no file .*monitor\.yaml$/);
});

test('a required reference that is not there is named', async () => {
  const { lines } = await checkBundle(await writeBundle());
  expect(lines).toHaveLength(1);
  expect(lines[0]).toMatch(/^reference\.json:1:1: there is no file .*reference\.json$/);
});
