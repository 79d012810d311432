/** The bundle on disk: the loader of bundles accepts it, whatever the data; nobody's work is overwritten. */
import { chmodSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { loadBundle } from '../../../services/platform/config/load-bundle.ts';
import { type ProfileOptions, profileDataset } from '../../../services/profile/profile.ts';
import { monitorNameOf, writeBundle } from '../../../services/profile/write-bundle.ts';
import { tableOf, temporaryFolder } from '../../support/dataset-files.ts';

async function bundleOf(
  options: Omit<ProfileOptions, 'sliceColumns'> & Partial<ProfileOptions>,
  name = 'test',
) {
  const directory = join(temporaryFolder(), 'bundle');
  const result = await profileDataset({ sliceColumns: [], ...options });
  const files = await writeBundle(directory, result, { name });
  return { directory, result, files, loaded: await loadBundle(directory) };
}

const simple = () =>
  tableOf(['null', 'kind', '0'], 200, (i) => [`${(i * 37) % 100}`, 'ab'[i % 2]!, `${i % 5}`]);

describe('writeBundle', () => {
  it('writes what the loader reads as it was meant', async () => {
    const { files, loaded, directory } = await bundleOf(
      { dataset: simple(), sliceColumns: ['kind'], labelColumn: '0' },
      'credit default: 2024',
    );
    expect(files).toEqual({ written: ['monitor.yaml', 'event.avsc', 'reference.json'], kept: [] });
    expect(readdirSync(directory).toSorted()).toEqual([
      'event.avsc',
      'monitor.yaml',
      'reference.json',
    ]);
    expect(loaded).toMatchObject({
      ok: true,
      warnings: [],
      bundle: {
        monitor: {
          name: 'credit-default-2024',
          id: ['row'],
          eventTime: { path: ['eventTime'], unit: 'ms' },
          windows: [{ lengthMs: 900_000, slideMs: 900_000 }],
          baselines: [{ kind: 'reference' }],
          countMin: 100,
          falseAlarms: { max: 0.01, per: 'window' },
          slices: ['kind'],
          model: null,
          columns: [
            {
              name: 'null',
              type: 'numeric',
              role: 'feature',
              required: true,
              minimum: 0,
              maximum: 198,
              drift: { kind: 'budget', priority: 1 },
            },
            {
              name: 'kind',
              type: 'categorical',
              required: true,
              allowed: null,
              drift: { kind: 'budget', priority: 1 },
            },
            {
              name: 'column_0',
              type: 'numeric',
              role: 'label',
              required: false,
              minimum: null,
              drift: null,
            },
          ],
          alertRules: [
            { name: 'drift', forWindows: 1, resolveAfterWindows: 2, severity: 'warning' },
          ],
        },
      },
    });
    const text = readFileSync(join(directory, 'monitor.yaml'), 'utf8');
    expect(text).toContain('# allowed: ["a", "b"]');
    expect(text).toContain('# Column "0" of the data.');
  });

  it('gives a bundle that loads with the thresholds it has as comments, instead of the budget', async () => {
    const { directory } = await bundleOf({ dataset: simple() });
    const file = join(directory, 'monitor.yaml');
    const text = readFileSync(file, 'utf8');
    const lines = text.replace(/^ {2}falseAlarms:.*\n/m, '').split('\n');
    const from = lines.indexOf('  # threshold:');
    const taken = lines.map((line, at) =>
      at >= from && at < from + 3 ? line.replace('  # ', '  ') : line,
    );
    writeFileSync(file, taken.join('\n'));
    const loaded = await loadBundle(directory);
    expect(loaded).toMatchObject({ ok: true, bundle: { monitor: { falseAlarms: null } } });
    expect(loaded.ok && loaded.bundle.monitor.columns[0]!.drift).toEqual({
      kind: 'threshold',
      distance: 'ks',
      threshold: 0.1,
    });
  });

  it('gives a bundle that loads where a column has a threshold of its own', async () => {
    const level = (row: number) => `${((row >> 9) * 5) % 8}.${row % 9}`;
    const zone = (row: number) => `zone \u2028 ${row >> 9}\n# x`;
    const dataset = tableOf(['level', 'zone', 'x'], 4_096, (row) => [
      level(row),
      zone(row),
      `${(row * 37) % 101}`,
    ]);
    const { loaded } = await bundleOf({ dataset });
    expect(loaded).toMatchObject({ ok: true, warnings: [] });
    const rules = loaded.ok ? loaded.bundle.monitor.columns.map(({ drift }) => drift) : [];
    expect(rules).toEqual([
      { kind: 'threshold', distance: 'ks', threshold: 0.5 },
      { kind: 'threshold', distance: 'l_infinity', threshold: 0.5 },
      { kind: 'budget', priority: 1 },
    ]);
  });

  it('proposes relations as comments, which load as rules once taken up', async () => {
    const spent = (row: number) => ((row * 48_271) % 10_007) / 10;
    const dataset = tableOf(['order.spent', 'order.limit', 'kind'], 2_000, (row) => [
      `${spent(row)}`,
      row % 4 === 0 ? '' : `${spent(row) + (row % 100)}`,
      'ab'[row % 2]!,
    ]);
    const { directory, loaded } = await bundleOf({ dataset });
    expect(loaded.ok && loaded.bundle.monitor.relations).toEqual([]);
    const file = join(directory, 'monitor.yaml');
    const text = readFileSync(file, 'utf8');
    expect(text).toContain('#   # held on 1500 rows');
    expect(text).toContain('    # never missing');
    expect(text).toContain('    # missing in 25.0 % of the rows (500 of 2 000)');
    writeFileSync(file, text.replace(/^# relations:$/m, 'relations:').replace(/^# {3}/gm, '  '));
    const taken = await loadBundle(directory);
    expect(taken.ok ? taken.bundle.monitor.relations : taken.problems).toEqual([
      {
        name: 'order.spent-at-most-order.limit',
        expression: 'event.order.spent <= event.order.limit',
      },
    ]);
  });

  it('of the same data is the same to the byte', async () => {
    const read = ({ directory }: { directory: string }) =>
      readdirSync(directory).map((file) => readFileSync(join(directory, file), 'utf8'));
    expect(read(await bundleOf({ dataset: simple() }))).toEqual(
      read(await bundleOf({ dataset: simple() })),
    );
  });

  it('keeps monitor.yaml and event.avsc, and writes the reference anew', async () => {
    const { directory, result } = await bundleOf({ dataset: simple() });
    writeFileSync(join(directory, 'monitor.yaml'), 'mine');
    writeFileSync(join(directory, 'reference.json'), 'old');
    const again = await writeBundle(directory, result, { name: 'test' });
    expect(again).toEqual({ written: ['reference.json'], kept: ['monitor.yaml', 'event.avsc'] });
    expect(readFileSync(join(directory, 'monitor.yaml'), 'utf8')).toBe('mine');
    expect(readFileSync(join(directory, 'reference.json'), 'utf8')).toContain(
      'tidegauge-reference',
    );
  });

  it('says where it cannot write', async () => {
    const { result } = await bundleOf({ dataset: simple() });
    const file = join(temporaryFolder(), 'file');
    writeFileSync(file, '');
    chmodSync(file, 0o400);
    await expect(writeBundle(join(file, 'bundle'), result, { name: 'x' })).rejects.toMatchObject({
      code: 'configuration.invalid',
      message: expect.stringContaining('cannot be written'),
    });
  });

  it('gives a bundle that loads for any headers and any text', async () => {
    const header = fc.oneof(
      fc.string({ maxLength: 10 }),
      fc.constantFrom(
        'null',
        'true',
        'on',
        'y',
        '__proto__',
        'a.b',
        'a',
        '#',
        ': ',
        'line\nbreak',
        'ünï',
        '1e5',
        '',
      ),
    );
    const cell = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 8 }),
      fc.constantFrom('', 'NA', '1', '2.5', 'true', '# comment', 'a: b', '\u2028', '2020-01-01'),
      fc.double().map(String),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(header, { maxLength: 6 }),
        fc.array(fc.array(cell, { minLength: 6, maxLength: 6 }), { minLength: 1, maxLength: 8 }),
        fc.string(),
        async (headers, rows, name) => {
          const columns = [...headers, 'x'];
          const dataset = tableOf(columns, rows.length, (i) => [
            ...rows[i]!.slice(0, headers.length),
            `${i * i}`,
          ]);
          const { loaded } = await bundleOf({ dataset }, name);
          expect(loaded.ok ? [] : loaded.problems).toEqual([]);
        },
      ),
      { numRuns: 150 },
    );
  });
});

describe('monitorNameOf', () => {
  it('makes a name of anything', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 200 }), (text) => {
        expect(monitorNameOf(text)).toMatch(/^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$/);
      }),
    );
  });
});
