/** The lines of `tidegauge score`, and the file they end up in. */
import { mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'csv-parse/sync';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createScoreFormat, type ScoredRow } from '../../../services/cli/score-format.ts';
import { createFileSink } from '../../../services/cli/score-sink.ts';
import type { Policy } from '../../../services/core/monitor/monitor.ts';

const output = (name: string) => ({ name, tensor: 't', index: 0, drift: null });
const POLICY: Policy = { name: 'floor', when: null, action: { kind: 'suppress' } };
const plain = { outputs: [output('risk'), output('margin')], policies: [] };
const withPolicies = { ...plain, policies: [POLICY] };

const answered: ScoredRow = {
  row: 4,
  id: 'e4',
  answer: {
    ...{ kind: 'answered', variant: 'canary', version: '2', digest: 'd' },
    ...{ outputs: [0.25, 1e-9], rawOutputs: [0.2, 1e-9], policies: ['floor', 'vip'] },
    ...{ suppressed: true, fallbackReason: '' },
  },
};
const stoodIn: ScoredRow = {
  row: 5,
  id: 'e5',
  answer: {
    ...{ kind: 'answered', variant: 'fallback', version: '2', digest: 'd' },
    ...{ outputs: [0.5, 0], rawOutputs: [], policies: [], suppressed: false },
    fallbackReason: 'inference.output',
  },
};
const rejected: ScoredRow = {
  row: 6,
  id: null,
  answer: { kind: 'rejected', rejection: { code: 'schema.type', message: 'is "x", expected\n1' } },
};

describe('CSV', () => {
  it('has a line for each row, whatever became of it', () => {
    const { header, line } = createScoreFormat('csv', plain);
    expect([header, ...[answered, stoodIn, rejected].map(line)].join('')).toBe(
      [
        'row,id,variant,version,risk,margin,fallback,error,message',
        '4,e4,canary,2,0.25,1e-9,,,',
        '5,e5,fallback,2,0.5,0,inference.output,,',
        '6,,,,,,,schema.type,"is ""x"", expected\n1"',
        '',
      ].join('\n'),
    );
  });

  it('says what the policies made of it, where there are any', () => {
    const { header, line } = createScoreFormat('csv', withPolicies);
    expect([header, ...[answered, stoodIn, rejected].map(line)].join('')).toBe(
      [
        'row,id,variant,version,risk,margin,risk.raw,margin.raw,policies,suppressed,fallback,error,message',
        '4,e4,canary,2,0.25,1e-9,0.2,1e-9,floor vip,true,,,',
        '5,e5,fallback,2,0.5,0,,,,false,inference.output,,',
        '6,,,,,,,,,,,schema.type,"is ""x"", expected\n1"',
        '',
      ].join('\n'),
    );
  });

  it('is read back as it was written', () => {
    const { header, line } = createScoreFormat('csv', plain);
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.double({ noNaN: true }), (id, value) => {
        const row = { ...answered, id, answer: { ...answered.answer, outputs: [value, 1] } };
        const [read] = parse(header + line(row as ScoredRow), { columns: true }) as [
          Record<string, string>,
        ];
        expect(read.id).toBe(id);
        expect(Number(read.risk)).toBe(value + 0);
      }),
    );
  });

  it('refuses an output that would be a second column of its name', () => {
    const model = { ...plain, outputs: [output('error')] };
    expect(() => createScoreFormat('csv', model)).toThrow('--format jsonl');
    expect(createScoreFormat('jsonl', model).header).toBe('');
  });
});

describe('JSON lines', () => {
  const lines = (model: typeof plain, ...rows: readonly ScoredRow[]) =>
    rows.map((row) => JSON.parse(createScoreFormat('jsonl', model).line(row)) as object);

  it('have the same', () => {
    expect(lines(plain, answered, stoodIn, rejected)).toEqual([
      {
        ...{ row: 4, id: 'e4', variant: 'canary', version: '2' },
        outputs: { risk: 0.25, margin: 1e-9 },
      },
      {
        ...{ row: 5, id: 'e5', variant: 'fallback', version: '2' },
        outputs: { risk: 0.5, margin: 0 },
        fallback: 'inference.output',
      },
      { row: 6, id: null, error: 'schema.type', message: 'is "x", expected\n1' },
    ]);
    expect(lines({ ...plain, policies: [POLICY] as never }, answered)[0]).toMatchObject({
      raw: { risk: 0.2, margin: 1e-9 },
      policies: ['floor', 'vip'],
      suppressed: true,
    });
  });
});

describe('the file', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tidegauge-score-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  it('appears when it is whole', async () => {
    const out = join(folder, 'out.csv');
    const sink = await createFileSink(out, join(folder, 'data.csv'));
    await sink.write('a\n');
    await sink.write('b\n');
    expect(await readdir(folder)).toEqual(['out.csv.partial']);
    await sink.finish();
    expect(await readdir(folder)).toEqual(['out.csv']);
    expect(await readFile(out, 'utf8')).toBe('a\nb\n');
  });

  it('is as it was before, where the command ends early', async () => {
    const out = join(folder, 'out.csv');
    await writeFile(out, 'before');
    const sink = await createFileSink(out, join(folder, 'data.csv'));
    await sink.write('a\n');
    await sink.discard();
    expect(await readdir(folder)).toEqual(['out.csv']);
    expect(await readFile(out, 'utf8')).toBe('before');
  });

  it('is not the data, under whatever name', async () => {
    const data = join(folder, 'data.csv');
    await writeFile(data, 'a\n');
    await symlink(data, join(folder, 'link.csv'));
    for (const out of [data, join(folder, 'link.csv'), join(folder, 'none', 'out.csv')]) {
      const opened = createFileSink(out, data);
      await expect(opened).rejects.toMatchObject({ code: 'configuration.invalid' });
    }
    expect(await readFile(data, 'utf8')).toBe('a\n');
  });
});
