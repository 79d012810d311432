/**
 * `tidegauge check` as its users run it: broken bundles, one mistake each, and what it says of them.
 * Every message names file, line and column; the model is loaded for real.
 */
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { EXAMPLE } from '../support/credit-stream.ts';
import { tidegauge } from '../support/tidegauge.ts';

let bundle: string;

beforeEach(async () => {
  bundle = await mkdtemp(join(tmpdir(), 'tidegauge-check-'));
  await cp(EXAMPLE, bundle, { recursive: true });
});
afterEach(() => rm(bundle, { recursive: true }));

async function replace(file: string, find: string, put: string): Promise<void> {
  const path = join(bundle, file);
  const text = await readFile(path, 'utf8');
  if (!text.includes(find)) throw new Error(`${file} holds no "${find}"`);
  await writeFile(path, text.replace(find, put));
}

/** Line of the example's monitor.yaml on which the text stands. */
async function lineOf(text: string): Promise<number> {
  const lines = (await readFile(join(EXAMPLE, 'monitor.yaml'), 'utf8')).split('\n');
  return lines.findIndex((line) => line.includes(text)) + 1;
}

/** What is wrong, the text of monitor.yaml that is replaced, by what, and what the message must hold. */
const BROKEN: readonly [string, string, string, RegExp][] = [
  ['a misspelt key', 'windows: [15m]', 'windoes: [15m]', /windoes.*windows/],
  ['a duration that is none', 'windows: [15m]', 'windows: [15 minutes]', /windows.*15 minutes/],
  ['YAML that does not parse', 'slices: [channel]', 'slices: [channel', /slices|flow|\]/i],
  ['a path the event schema lacks', 'loan.amount: { type', 'loan.size: { type', /loan\.size/],
  ['a range upside down', 'range: [18, 120]', 'range: [120, 18]', /applicant\.age\.range/],
  [
    'a relation that is no CEL',
    'event.loan.amount <= 20.0 *',
    'event.loan.amount <= 20.0 * *',
    /loan-within-income/,
  ],
  ['a relation over an unknown field', 'event.loan.amount <=', 'event.loan.sum <=', /sum/],
  [
    'a model input that is no column',
    'features: [applicant.age,',
    'features: [applicant.shoe,',
    /applicant\.shoe/,
  ],
  ['a missing model', 'file: model.onnx', 'file: other.onnx', /other\.onnx/],
  [
    'a canary without its files',
    'version: "1"',
    'version: "1"\n  canary: { version: "2", share: 10% }',
    /model\.canary\.version: .*models\/2\/model\.onnx/,
  ],
  [
    'a policy that is no CEL',
    'version: "1"',
    `version: "1"\n  policies: [{ name: p, when: 'event.loan.amount >', suppress: true }]`,
    /model\.policies\[0\]\.when/,
  ],
  ['too few inputs for the model', ', utilisation]', ']', /expected the 5 the model takes/],
  [
    'an output tensor the model lacks',
    'tensor: output_probability',
    'tensor: probability',
    /output_probability/,
  ],
  ['an output index beyond the row', 'index: 1', 'index: 7', /index below its width 2/],
  ['a slice that is no category', 'slices: [channel]', 'slices: [utilisation]', /utilisation/],
  [
    'an alert on an unknown column',
    'forWindows: 1,',
    'forWindows: 1, columns: [nothing],',
    /nothing/,
  ],
];

describe('tidegauge check', () => {
  it('finds the example good', async () => {
    const { code, stdout } = await tidegauge(['check', bundle]);
    expect(stdout).toContain('good');
    expect(code).toBe(0);
  });

  it.each(BROKEN)(
    '%s: names file, line and what was expected',
    async (_name, find, put, message) => {
      await replace('monitor.yaml', find, put);
      const { code, stderr } = await tidegauge(['check', bundle]);
      expect(code).toBe(2);
      expect(stderr).toMatch(message);
      const places = [...stderr.matchAll(/^monitor\.yaml:(\d+):\d+: /gm)].map((match) =>
        Number(match[1]),
      );
      const line = await lineOf(find);
      expect(places.some((place) => Math.abs(place - line) <= 1)).toBe(true);
    },
  );

  it('says what is wrong with the other files, by file and line', async () => {
    await writeFile(join(bundle, 'model.onnx'), 'not a model');
    expect((await tidegauge(['check', bundle])).stderr).toMatch(
      /^monitor\.yaml:\d+:\d+: model\.file: .*model\.onnx/m,
    );
    await writeFile(join(bundle, 'reference.json'), '{\n  "format": \n');
    expect((await tidegauge(['check', bundle])).stderr).toMatch(/^reference\.json:\d+:\d+: /m);
    await writeFile(join(bundle, 'event.avsc'), '{ "type": "recor" }');
    expect((await tidegauge(['check', bundle])).stderr).toMatch(/^event\.avsc:\d+:\d+: /m);
  });

  it('lists every problem for machines', async () => {
    await replace('monitor.yaml', 'file: model.onnx', 'file: other.onnx');
    await replace('monitor.yaml', 'slices: [channel]', 'slices: [utilisation]');
    const result = await tidegauge(['check', bundle, '--json']);
    expect(result.json()).toMatchObject({
      ok: false,
      problems: [
        { file: 'monitor.yaml', line: await lineOf('slices:'), message: expect.any(String) },
        {
          file: 'monitor.yaml',
          line: await lineOf('file: model.onnx'),
          message: expect.any(String),
        },
      ],
    });
  });
});

describe('a wrong call', () => {
  it.each<[string, string[], RegExp]>([
    ['an unknown command', ['replya'], /unknown command 'replya'\n.*replay/],
    ['an unknown option', ['check', '--jsn'], /unknown option '--jsn'/],
    ['a missing option', ['profile', '--out', 'x'], /--data/],
    [
      'rows that are no range',
      ['replay', '--bundle', EXAMPLE, '--data', 'x.csv', '--rows', '9'],
      /--rows.*9/,
    ],
    [
      'a window that is no duration',
      ['replay', '--bundle', EXAMPLE, '--data', 'x.csv', '--window', '5'],
      /--window.*5/,
    ],
    [
      'a file that is not there',
      ['replay', '--bundle', EXAMPLE, '--data', 'nowhere.csv'],
      /nowhere\.csv/,
    ],
    ['a bundle that is not there', ['check', 'nowhere'], /nowhere|monitor\.yaml/],
    ['neither file nor topic', ['replay', '--bundle', EXAMPLE], /--data FILE or --topic NAME/],
    [
      'no brokers',
      ['up', '--bundle', EXAMPLE, '--redis', 'redis://127.0.0.1:1'],
      /--brokers or KAFKA_BROKERS/,
    ],
    [
      'brokers without a port',
      ['up', '--bundle', EXAMPLE, '--brokers', 'kafka', '--redis', 'redis://127.0.0.1:1'],
      /"kafka" is not HOST:PORT/,
    ],
    ['an unknown service', ['run', 'validater', '--bundle', EXAMPLE], /validater/],
  ])('%s ends with 2 and says so', async (_name, args, message) => {
    const { code, stderr } = await tidegauge(args, { KAFKA_BROKERS: '', REDIS_URL: '' });
    expect(stderr).toMatch(message);
    expect(code).toBe(2);
    expect(stderr).not.toMatch(/\n\s+at /);
  });

  it('a broken bundle starts nothing', async () => {
    await replace('monitor.yaml', 'windows: [15m]', 'windows: [0m]');
    const { code, stderr } = await tidegauge([
      'up',
      '--bundle',
      bundle,
      '--brokers',
      '127.0.0.1:1',
      '--redis',
      'redis://127.0.0.1:1',
    ]);
    expect(code).toBe(2);
    expect(stderr).toMatch(/monitor\.yaml:\d+:\d+: windows/);
  });

  it('a broker that is not there ends with 1 and names it', async () => {
    const { code, stderr } = await tidegauge(
      [
        'up',
        '--bundle',
        bundle,
        '--brokers',
        '127.0.0.1:1',
        '--redis',
        'redis://127.0.0.1:1',
        '--http',
        '127.0.0.1:0',
      ],
      { LOG_LEVEL: 'silent' },
    );
    expect(code).toBe(1);
    expect(stderr).toMatch(/127\.0\.0\.1:1/);
  }, 60_000);
});
