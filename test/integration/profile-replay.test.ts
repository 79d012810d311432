/**
 * A profiled file has not moved from its own reference: 50 000 rows with an event time, values that
 * hang together in time, missing ones and slices are profiled, and their replay is silent.
 */
import { createWriteStream } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../support/dataset-files.ts';
import { tidegauge } from '../support/tidegauge.ts';

const ROWS = 50_000;

async function writeTable(file: string): Promise<void> {
  let state = 1;
  const uniform = () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0;
    return (state >>> 0) / 2 ** 32;
  };
  const normal = () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
  const out = createWriteStream(file);
  out.write('id,at,channel,amount,limit,wave,dice,score,flag,blank,defaulted\n');
  let atMs = Date.UTC(2025, 0, 1);
  let wave = 0;
  for (let row = 0; row < ROWS; row += 1) {
    atMs += Math.floor(uniform() * 4_000);
    wave = 0.7 * wave + normal();
    const amount = Math.exp(normal() + 5);
    const cells = [
      `loan-${row}`,
      new Date(atMs).toISOString(),
      ['web', 'branch', 'phone'][Math.floor(uniform() * 3)],
      amount.toFixed(2),
      (amount + 0.01 + uniform() * 200).toFixed(2),
      wave.toFixed(4),
      Math.floor(uniform() * 6) + 1,
      uniform().toFixed(5),
      uniform() < 0.2,
      uniform() < 0.05 ? '' : normal().toFixed(3),
      uniform() < 0.1 ? 1 : 0,
    ];
    out.write(`${cells.join(',')}\n`);
  }
  out.end();
  await finished(out);
}

describe('a table against its own profile', () => {
  it('gives the same bundle twice, a good one, and a replay without an alarm', {
    timeout: 120_000,
  }, async () => {
    const folder = temporaryFolder();
    const data = join(folder, 'loans.csv');
    await writeTable(data);
    const named = [
      '--id',
      'id',
      '--event-time',
      'at',
      '--label',
      'defaulted',
      '--prediction',
      'score',
      '--slice',
      'channel',
    ];
    const profile = (out: string, ...more: string[]) =>
      tidegauge(['profile', '--data', data, '--out', join(folder, out), ...named, ...more]);

    const explained = await profile('bundle', '--explain');
    expect(explained.code, explained.stderr).toBe(0);
    expect(explained.stdout).toMatch(/^wave$/m);
    expect(explained.stdout).toMatch(/^ {2}calibration +values hang together in time: /m);
    expect(explained.stdout).toContain('event.amount <= event.limit, on all 50 000 rows with both');
    expect(explained.stderr).toContain('100 %');

    const again = await profile('again', '--json');
    const json = JSON.parse(again.stdout.trimEnd().split('\n').at(-1)!);
    expect(json.explain.columns.map(({ name }: { name: string }) => name)).toContain('wave');
    for (const file of await readdir(join(folder, 'bundle'))) {
      const [first, second] = await Promise.all(
        ['bundle', 'again'].map((out) => readFile(join(folder, out, file), 'utf8')),
      );
      expect(second, file).toBe(first);
    }

    const check = await tidegauge(['check', join(folder, 'bundle')]);
    expect(check.code, check.stderr).toBe(0);
    const replay = await tidegauge([
      'replay',
      '--bundle',
      join(folder, 'bundle'),
      '--data',
      data,
      '--json',
    ]);
    expect(replay.code, replay.stderr).toBe(0);
    const run = JSON.parse(replay.stdout.trimEnd().split('\n').at(-1)!);
    expect(run).toMatchObject({ events: ROWS, valid: ROWS, quarantined: 0, late: 0, alerts: [] });
    expect(run.windows.length).toBeGreaterThan(20);
  });
});
