/** services/cli/README.md against the JSON of the commands about models: every field with its type. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { inspectModel } from '../../services/cli/model-inspection.ts';
import { modelJson } from '../../services/cli/model-result.ts';
import { addRolloutCommand } from '../../services/cli/rollout-command.ts';
import { compareRollout, DISAGREEMENT_TOLERANCE } from '../../services/cli/rollout-comparison.ts';
import { ROLLOUT_RECORDS } from '../../services/cli/rollout-records.ts';
import { addScoreCommand } from '../../services/cli/score-command.ts';
import { scoreJson } from '../../services/cli/score-result.ts';
import type { Prediction } from '../../services/core/message/prediction.ts';
import { createOnnxModelRuntime } from '../../services/platform/model/onnx-model-runtime.ts';
import { expectDocumented, lastLine, mergeJson } from '../support/documented-json.ts';
import { plain, readPage, section, tables } from '../support/markdown-page.ts';
import { EXAMPLE } from '../support/observed-pipeline.ts';
import { encodeOnnxModel } from '../support/onnx-file.ts';
import { copyExample } from '../unit/cli/example-copy.ts';

const page = readPage('services/cli/README.md');

function runJson(...args: readonly string[]): Promise<unknown> {
  const program = new Command('tidegauge').exitOverride();
  addRolloutCommand(program);
  addScoreCommand(program);
  return lastLine(() => program.parseAsync([...args, '--json'], { from: 'user' }));
}

/** Over 18, or refused by the validator. */
function application(age: number): object {
  return {
    applicationId: `a-${age}`,
    submittedAt: Date.UTC(2026, 0, 1),
    applicant: { age, income: 20_000, employment: 'salaried' },
    loan: { amount: 5_000, termMonths: 12, purpose: 'car' },
    utilisation: 0.5,
    channel: 'web',
  };
}

describe('JSON', () => {
  it('of model, one that runs and one that does not', async () => {
    const copy = await copyExample();
    const far = encodeOnnxModel({
      nodes: [{ operator: 'Add', inputs: ['features', 'far'], outputs: ['score'] }],
      initializers: [
        { name: 'far', element: 'float32', shape: [4], values: [], externalFile: 'far.bin' },
      ],
      inputs: [{ name: 'features', element: 'float32', shape: ['rows', 4] }],
      outputs: [{ name: 'score', element: 'float32', shape: ['rows', 4] }],
    });
    await copy.write('far.onnx', far);
    const inspected = async (file: string) =>
      JSON.parse(JSON.stringify(modelJson(await inspectModel(createOnnxModelRuntime(), file))));
    const runs = await inspected(join(EXAMPLE, 'model.onnx'));
    const refused = await inspected(join(copy.directory, 'far.onnx'));
    expect([runs, refused]).toMatchObject([{ runs: true }, { runs: false }]);
    expectDocumented(page, mergeJson(runs, refused), ['JSON of model']);
    expectDocumented(page, mergeJson(refused, runs), ['JSON of model']);
  });

  it('of rollout, of every action', async () => {
    const copy = await copyExample(['fallback: { version: "0" }']);
    await copy.copyModel('models/0/model.onnx');
    await copy.copyModel('models/2/model.onnx');
    await copy.write('models/3/notes.txt', '');
    await copy.write(
      'models/2/golden.json',
      JSON.stringify({
        inputs: { features: [[41, 52_000, 9_000, 36, 0.2]] },
        outputs: { output_label: [0] },
      }),
    );
    const rollout = (...args: readonly string[]) =>
      runJson('rollout', ...args, '--bundle', copy.directory);
    const declared = await rollout('status');
    const canary = await rollout('promote', '2', '--share', '10%');
    const back = await rollout('rollback');
    const primary = await rollout('promote', '2');
    expect([declared, canary, back, primary]).toMatchObject([
      { source: 'monitor.yaml', change: null, previous: null },
      { source: 'rollout.json', change: 'canary 2 at 10%' },
      { change: 'withdraw canary 2' },
      { change: 'promote 2', previous: '1' },
    ]);
    const all = [canary, back, primary, await rollout('status')].reduce(mergeJson, declared);
    expectDocumented(page, all, ['JSON of rollout']);
  });

  it('of a comparison of versions', () => {
    const said = (modelVersion: string, fallbackReason: string, rawOutputs: readonly number[]) => ({
      ...{ id: 'a', eventTimeMs: 0, modelVersion, modelDigest: '', slices: [], fallbackReason },
      ...{ variant: fallbackReason === '' ? 'primary' : 'fallback', outputs: [0.5], rawOutputs },
      ...{ policies: [], suppressed: false, latencyMs: 1 },
    });
    const shadow = {
      ...{ id: 'a', eventTimeMs: 0, modelVersion: '2', modelDigest: '', outputs: [0.6] },
      ...{ answeredVersion: '1', answeredOutputs: [0.5], rowMs: 0.01 },
    };
    const predictions = [
      said('1', '', [0.5]),
      said('1', '', [0.4]),
      said('0', 'inference.run', []),
    ];
    const comparison = compareRollout(predictions as readonly Prediction[], [shadow], {
      outputs: ['score'],
      tolerance: DISAGREEMENT_TOLERANCE,
    });
    expect(comparison).toMatchObject({ comparedWith: '1', fallbacks: [{ share: 1 / 3 }] });
    expectDocumented(page, { comparison }, ['JSON that a comparison of versions adds']);
    expect(page.prose).toContain(`than ${DISAGREEMENT_TOLERANCE} from`);
    expect(page.prose).toContain(`${ROLLOUT_RECORDS / 1_000} 000 newest predictions`);
  });

  it('of score, and the columns of its lines', async () => {
    const copy = await copyExample([
      'policies: [{ name: bounds, bounds: { score: [0.01, 0.99] } }]',
    ]);
    const data = join(copy.directory, 'live.jsonl');
    writeFileSync(data, [30, 12].map((age) => JSON.stringify(application(age))).join('\n'));
    const out = join(copy.directory, 'scores.csv');
    const bundle = copy.directory;
    const done = await runJson('score', '--bundle', bundle, '--data', data, '--out', out);
    expect(done).toMatchObject({ rows: 2, scored: 1, rejected: 1 });
    const stoodIn = scoreJson(
      { bundle, data, out: null, format: 'jsonl', elapsedMs: 0 },
      {
        ...{ rows: 1, scored: 0, fallback: 1, suppressed: 0, rejected: 0, versions: [] },
        fallbackByCode: new Map([['inference.run', 1]]),
        rejectedByCode: new Map(),
      },
    );
    expectDocumented(page, mergeJson(done, stoodIn), ['JSON of score']);
    expectDocumented(page, mergeJson(stoodIn, done), ['JSON of score']);

    const [header] = readFileSync(out, 'utf8').split('\n');
    const columns = tables(section(page, 'score'))
      .find((table) => table.header[0] === 'column')!
      .rows.flatMap(([column]) => plain(column!).split(', '))
      .map((column) =>
        column === 'each output by its name' ? 'score' : column.replace('<output>', 'score'),
      );
    expect(header!.split(',')).toEqual(columns);
  });
});
