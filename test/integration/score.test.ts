/**
 * `tidegauge score` on the example bundle and its real model: every row of a file one answer, in
 * order, the same as the model gives when it is asked directly.
 */
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'csv-parse/sync';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createOnnxModelRuntime } from '../../services/platform/model/onnx-model-runtime.ts';
import { EXAMPLE } from '../support/observed-pipeline.ts';
import { tidegauge } from '../support/tidegauge.ts';

const ROWS = 3_000;
/** Breaks a rule of the validator. */
const isTooYoung = (index: number) => index % 100 === 7;
/** The line is no JSON at all. */
const isGarbled = (index: number) => index === 1_234;

interface Application {
  readonly applicationId: string;
  readonly submittedAt: number;
  readonly applicant: {
    readonly age: number;
    readonly income: number;
    readonly employment: string;
  };
  readonly loan: { readonly amount: number; readonly termMonths: number; readonly purpose: string };
  readonly utilisation: number;
  readonly channel: string;
}

function application(index: number): Application {
  return {
    applicationId: `a-${index}, "quoted"`,
    submittedAt: Date.UTC(2026, 0, 1) + index * 1_000,
    applicant: {
      age: isTooYoung(index) ? 12 : 20 + (index % 60),
      income: 20_000 + (index % 97) * 1_000,
      employment: 'salaried',
    },
    loan: { amount: 5_000 + (index % 31) * 500, termMonths: 12 + (index % 48), purpose: 'car' },
    utilisation: (index % 101) / 100,
    channel: 'web',
  };
}

const APPLICATIONS = Array.from({ length: ROWS }, (_, index) => application(index));

const featuresOf = ({ applicant, loan, utilisation }: Application) => [
  ...[applicant.age, applicant.income, loan.amount, loan.termMonths, utilisation],
];

/** What the model says about every row, asked directly: its two probabilities. */
async function askDirectly(): Promise<readonly (readonly [number, number])[]> {
  const model = await createOnnxModelRuntime().load({
    file: join(EXAMPLE, 'model.onnx'),
    ...{ placement: 'inline', workerCount: 1, threadCount: 1, rowsMax: 1 },
  });
  const answers: (readonly [number, number])[] = [];
  for (const each of APPLICATIONS) {
    const features = {
      type: 'float32',
      data: Float32Array.from(featuresOf(each)),
      width: 5,
    } as const;
    const { outputs } = await model.run({ rowCount: 1, inputs: new Map([['features', features]]) });
    const { data } = outputs.get('output_probability')!;
    answers.push([Number(data[0]), Number(data[1])]);
  }
  await model.close();
  return answers;
}

describe('tidegauge score', () => {
  let folder: string;
  let data: string;
  let expected: readonly number[];
  /** A version is not served without it. */
  let golden: string;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'tidegauge-score-'));
    data = join(folder, 'data.jsonl');
    const lines = APPLICATIONS.map((each, index) =>
      isGarbled(index) ? '{"applicationId": ' : JSON.stringify(each),
    );
    writeFileSync(data, `${lines.join('\n')}\n`);
    const answers = await askDirectly();
    expected = answers.map(([, score]) => score);
    golden = JSON.stringify({
      inputs: { features: APPLICATIONS.slice(0, 3).map(featuresOf) },
      outputs: { output_probability: answers.slice(0, 3) },
    });
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  /** The example with a monitor.yaml whose `model:` begins with these lines as well. */
  function bundleWith(name: string, lines: readonly string[]): string {
    const bundle = join(folder, name);
    cpSync(EXAMPLE, bundle, { recursive: true });
    const monitor = join(bundle, 'monitor.yaml');
    const text = readFileSync(monitor, 'utf8');
    writeFileSync(monitor, text.replace('model:\n', `model:\n${lines.join('\n')}\n`));
    for (const version of ['2', '3']) {
      mkdirSync(join(bundle, 'models', version), { recursive: true });
      cpSync(join(EXAMPLE, 'model.onnx'), join(bundle, 'models', version, 'model.onnx'));
      writeFileSync(join(bundle, 'models', version, 'golden.json'), golden);
    }
    return bundle;
  }

  it('gives every row its answer, in order, as the model itself does', async () => {
    const out = join(folder, 'scores.csv');
    const ended = await tidegauge([
      'score',
      '--bundle',
      EXAMPLE,
      '--data',
      data,
      '--out',
      out,
      '--json',
    ]);
    expect(ended.stderr).toContain('scoring');
    expect(ended.code).toBe(0);
    const young = APPLICATIONS.filter((_, index) => isTooYoung(index)).length;
    expect(ended.json()).toMatchObject({
      ...{ out, format: 'csv', rows: ROWS, scored: ROWS - young - 1, fallback: 0 },
      rejected: young + 1,
      rejectedByCode: { 'invariant.range': young, 'decode.json-syntax': 1 },
      versions: [{ version: '1', variant: 'primary', rows: ROWS - young - 1 }],
    });
    const rows = parse(readFileSync(out), { columns: true }) as Record<string, string>[];
    expect(rows).toHaveLength(ROWS);
    for (const [index, row] of rows.entries()) {
      expect(Number(row.row)).toBe(index);
      if (isGarbled(index)) {
        expect(row).toMatchObject({ id: '', score: '', error: 'decode.json-syntax' });
        continue;
      }
      expect(row.id).toBe(APPLICATIONS[index]!.applicationId);
      if (isTooYoung(index)) expect(row).toMatchObject({ score: '', error: 'invariant.range' });
      else expect(Number(row.score)).toBe(expected[index]);
    }
  });

  it('writes to standard output, a range of rows, as JSON lines', async () => {
    const ended = await tidegauge([
      ...['score', '--bundle', EXAMPLE, '--data', data],
      ...['--rows', '10:40', '--format', 'jsonl'],
    ]);
    expect(ended.code).toBe(0);
    expect(ended.stderr).toContain('rows         30');
    const rows = ended.stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { row: number; outputs: { score: number } });
    expect(rows.map(({ row }) => row)).toEqual(
      Array.from({ length: 30 }, (_, index) => 10 + index),
    );
    expect(rows.map(({ outputs }) => outputs.score)).toEqual(expected.slice(10, 40));
  });

  it('follows the plan of the bundle and its policies', async () => {
    const bundle = bundleWith('planned', [
      '  canary: { version: "2", share: 30% }',
      '  shadow: "3"',
      '  policies:',
      '    - { name: ceiling, bounds: { score: [null, 0.1] } }',
      '    - { name: students, when: event.applicant.age < 25, suppress: true }',
    ]);
    const out = join(folder, 'planned.jsonl');
    const ended = await tidegauge([
      'score',
      '--bundle',
      bundle,
      '--data',
      data,
      '--out',
      out,
      '--json',
    ]);
    expect(ended.stderr).not.toContain('Error');
    const json = ended.json() as { versions: { version: string; variant: string; rows: number }[] };
    expect(json.versions.map(({ version, variant }) => `${variant} ${version}`).sort()).toEqual([
      'canary 2',
      'primary 1',
    ]);
    const canary = json.versions.find(({ version }) => version === '2')!;
    expect(canary.rows / ROWS).toBeGreaterThan(0.25);
    expect(canary.rows / ROWS).toBeLessThan(0.35);
    const rows = readFileSync(out, 'utf8').trimEnd().split('\n');
    let capped = 0;
    for (const [index, line] of rows.entries()) {
      if (isGarbled(index) || isTooYoung(index)) continue;
      const row = JSON.parse(line) as Record<string, unknown> & { policies: string[] };
      expect(row.raw).toEqual({ score: expected[index] });
      expect(row.outputs).toEqual({ score: Math.min(0.1, expected[index]!) });
      expect(row.suppressed).toBe(APPLICATIONS[index]!.applicant.age < 25);
      if (row.policies.includes('ceiling')) capped += 1;
    }
    expect(capped).toBeGreaterThan(0);
    expect(capped).toBeLessThan(ROWS);
  });

  it('asks one version where one is named, and refuses one that is not there', async () => {
    const bundle = bundleWith('named', ['  canary: { version: "2", share: 30% }']);
    const named = (version: string) =>
      tidegauge([
        ...['score', '--bundle', bundle, '--data', data, '--out', join(folder, 'named.csv')],
        ...['--json', '--model-version', version],
      ]);
    expect((await named('3')).json()).toMatchObject({
      versions: [{ version: '3', variant: 'primary' }],
    });
    const refused = await named('9');
    expect(refused.code).toBe(2);
    expect(refused.stderr).toMatch(/^tidegauge: .*\b9\b/m);
  });

  it.each([
    ['a name that says no format', ['--out', 'scores.parquet']],
    ['the data as the output', ['--out', '{data}', '--format', 'csv']],
    ['a file that is not there', ['--data', 'nowhere.csv', '--out', 'x.csv']],
  ])('refuses %s', async (_, options) => {
    const args = options.map((each) => each.replace('{data}', data));
    const ended = await tidegauge(['score', '--bundle', EXAMPLE, '--data', data, ...args]);
    expect(ended.code).toBe(2);
    expect(ended.stderr).toMatch(/^tidegauge: /m);
    expect(ended.stdout).toBe('');
  });
});
