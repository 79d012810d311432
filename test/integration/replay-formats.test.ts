/** The same rows as CSV, JSON lines, Avro container and Parquet: the same verdicts from each. */

import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import avro from 'avsc';
import { parquetWriteBuffer } from 'hyparquet-writer';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { tidegauge } from '../support/tidegauge.ts';

interface Row {
  readonly id: number;
  readonly level: number | null;
  readonly station: string;
}

const ROW_COUNT = 3_000;
/** Evenly spread levels, moved by half their spread in the last third; every tenth is missing. */
const ROWS: readonly Row[] = Array.from({ length: ROW_COUNT }, (_, id) => ({
  id,
  level: id % 10 === 0 ? null : ((id * 37) % 100) / 10 + (id >= 2_000 ? 5 : 0),
  station: ['Brest', 'Cuxhaven', 'Newlyn'][id % 3]!,
}));

let folder: string;
let bundle: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tidegauge-formats-'));
  bundle = join(folder, 'bundle');
  const line = ({ id, level, station }: Row) => `${id},${level ?? ''},${station}`;
  await writeFile(join(folder, 'rows.csv'), ['id,level,station', ...ROWS.map(line), ''].join('\n'));
  await writeFile(join(folder, 'rows.jsonl'), ROWS.map((row) => JSON.stringify(row)).join('\n'));
  const column = (name: keyof Row) => ROWS.map((row) => row[name]);
  const parquet = parquetWriteBuffer({
    columnData: [
      { name: 'id', data: column('id'), type: 'INT32' },
      { name: 'level', data: column('level'), type: 'DOUBLE', nullable: true },
      { name: 'station', data: column('station'), type: 'STRING' },
    ],
  });
  await writeFile(join(folder, 'rows.parquet'), Buffer.from(parquet));
  const type = avro.Type.forSchema({
    type: 'record',
    name: 'Row',
    fields: [
      { name: 'id', type: 'int' },
      { name: 'level', type: ['null', 'double'], default: null },
      { name: 'station', type: 'string' },
    ],
  });
  const encoder = new avro.streams.BlockEncoder(type, { codec: 'deflate' });
  const file = encoder.pipe(createWriteStream(join(folder, 'rows.avro')));
  for (const row of ROWS) encoder.write(row);
  encoder.end();
  await once(file, 'finish');

  const profiled = await tidegauge([
    'profile',
    '--data',
    join(folder, 'rows.csv'),
    '--rows',
    '0:2000',
    '--out',
    bundle,
    '--id',
    'id',
  ]);
  expect(profiled.stderr + profiled.stdout).toContain('wrote');
});

afterAll(() => rm(folder, { recursive: true }));

async function replay(file: string, ...options: readonly string[]) {
  const { code, json, stderr } = await tidegauge([
    'replay',
    '--bundle',
    bundle,
    '--data',
    join(folder, file),
    '--window',
    '1000s',
    ...options,
    '--json',
  ]);
  expect(stderr).toContain('replaying');
  expect(code).toBe(0);
  return json();
}

it.each(['rows.csv', 'rows.jsonl', 'rows.avro', 'rows.parquet'])('%s', async (file) => {
  const result = await replay(file);
  expect(result).toMatchObject({ events: ROW_COUNT, valid: ROW_COUNT, quarantined: 0, late: 0 });
  const windows = result.windows as readonly {
    readonly n: number;
    readonly verdict: string;
    readonly columns: Record<string, { readonly missing: number; readonly verdict: string }>;
  }[];
  expect(windows.map(({ n, verdict }) => [n, verdict])).toEqual([
    [1_000, 'ok'],
    [1_000, 'ok'],
    [1_000, 'drift'],
  ]);
  expect(windows.map(({ columns }) => columns.level?.missing)).toEqual([100, 100, 100]);
  expect(windows[2]?.columns.station?.verdict).toBe('ok');
  expect(await replay('rows.csv')).toEqual(result);
});

it('takes the rows it is told to', async () => {
  const result = await replay('rows.parquet', '--rows', '500:1500');
  expect(result).toMatchObject({ events: 1_000, valid: 1_000 });
});
