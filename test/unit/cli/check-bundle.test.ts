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

const broken = (replaced: string, by: string): BundleFiles => ({
  'monitor.yaml': monitorYaml(replaced, by),
});

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
    'model.version: found the number 1, expected text (put it in quotes: "1")',
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
    'relations.loan-within-income: event.loan.ammount is not in the event schema',
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
    'windows: the windows have only 1 ms in common, expected lengths that are multiples of a common length of at least 1s',
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
    'a model input that is categorical',
    broken('float_input: [age, income]', 'float_input: [age, channel]'),
    'monitor.yaml',
    'channel] }',
    'model.inputs.float_input[1]: column channel is categorical, expected a numeric column',
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
    'alerts[0].columns[1]: there is no column or output scores; did you mean score?',
  ],
  [
    'an alert on a column nobody judges',
    broken('columns: [income, score]', 'columns: [channel]'),
    'monitor.yaml',
    'channel], severity',
    'alerts[0].columns[0]: column channel is not judged for drift',
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
    'columns.income.drift.threshold: found the number 0, expected a distance above 0 and up to 1',
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
