/**
 * services/cli/README.md against the command line: every option of every command with its default,
 * and every field of the JSON outputs with its type, by running the commands in this process; those of
 * models are in `cli-readme-models.test.ts`.
 */
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command, type Option } from 'commander';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { addCheckCommand } from '../../services/cli/check-command.ts';
import { liveComparisonJson } from '../../services/cli/comparison-result.ts';
import { addDemoCommand } from '../../services/cli/demo-command.ts';
import { addModelCommand } from '../../services/cli/model-command.ts';
import { openBundle } from '../../services/cli/open-bundle.ts';
import { addProfileCommand } from '../../services/cli/profile-command.ts';
import { addRedriveCommand, printRedrive } from '../../services/cli/redrive-command.ts';
import { addReplayCommand } from '../../services/cli/replay-command.ts';
import { addRolloutCommand } from '../../services/cli/rollout-command.ts';
import { addScoreCommand } from '../../services/cli/score-command.ts';
import { addRunCommand, addUpCommand } from '../../services/cli/up-command.ts';
import { derivedTopicSpecs } from '../../services/core/message/topics.ts';
import { EMPTY_TALLY } from '../../services/replay/tally.ts';
import { expectDocumented, lastLine, mergeJson } from '../support/documented-json.ts';
import { memoryPorts } from '../support/embedded-run.ts';
import { plain, readPage, tableUnder } from '../support/markdown-page.ts';
import { EXAMPLE } from '../support/observed-pipeline.ts';
import { refuse } from '../support/quarantined.ts';
import { ROOT } from '../support/source-tree.ts';

const page = readPage('services/cli/README.md');
const ADDERS = {
  addDemoCommand,
  addUpCommand,
  addRunCommand,
  addProfileCommand,
  addReplayCommand,
  addRedriveCommand,
  addScoreCommand,
  addRolloutCommand,
  addCheckCommand,
  addModelCommand,
};

function createProgram(): Command {
  const program = new Command('tidegauge').exitOverride();
  for (const add of Object.values(ADDERS)) add(program);
  for (const command of program.commands) command.exitOverride();
  return program;
}

describe('commands and options', () => {
  const { commands } = createProgram();

  it('main.ts adds the commands tested here', () => {
    const main = readFileSync(join(ROOT, 'services/cli/main.ts'), 'utf8');
    const added = [...main.matchAll(/\.(add\w+Command)\b/g)].map((match) => match[1]);
    expect(added).toEqual(Object.keys(ADDERS));
  });

  it('each command is in the first table', () => {
    const rows = tableUnder(page, 'cli').rows.map(([name]) => plain(name!));
    expect(rows).toEqual(commands.map((command) => command.name()));
  });

  it.each(commands.map((command) => command.name()))('%s: options and defaults', (name) => {
    const command = commands.find((each) => each.name() === name)!;
    // `run` shares the options of `up`.
    const rows = tableUnder(page, name === 'run' ? 'up' : name).rows;
    const listed = rows.map(([flags, default_]) => [plain(flags!), plain(default_!)]);
    expect(listed).toEqual(command.options.map((option) => [option.flags, defaultText(option)]));
    const help = command.helpInformation();
    for (const [flags] of listed) expect(help).toContain(flags);
  });

  it('run takes the services listed', () => {
    const command = commands.find((each) => each.name() === 'run')!;
    const [argument] = command.registeredArguments;
    expect(argument?.argChoices?.length).toBeGreaterThan(3);
    for (const service of argument!.argChoices!) expect(page.text).toContain(`\`${service}\``);
  });
});

function defaultText(option: Option): string {
  if (option.mandatory) return 'required';
  const value: unknown = option.defaultValue;
  if (value === undefined) return '';
  if (typeof value !== 'object' || value === null) return String(value);
  const { host, port } = value as { readonly host: string; readonly port: number };
  return `${host}:${port}`;
}

describe('JSON', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'tidegauge-cli-'));
    const rows = Array.from({ length: 1_200 }, (_, row) => {
      const isLate = row === 1_100;
      const at = Date.UTC(2026, 0, 1) + (isLate ? 0 : row) * 1_000;
      const level = row < 700 ? (row * 37) % 100 : 400;
      return `e${row},${at},${level},${row % 3 === 0 ? 'north' : 'south'}`;
    });
    const head = 'id,at,level,station';
    writeFileSync(join(folder, 'train.csv'), [head, ...rows.slice(0, 600)].join('\n'));
    const bad = `bad,${Date.UTC(2026, 0, 1)},much,north`;
    writeFileSync(join(folder, 'live.csv'), [head, ...rows, bad].join('\n'));
    writeFileSync(join(folder, 'labels.csv'), ['id,y', 'e0,1', 'e1,0'].join('\n'));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('of demo', async () => {
    const json = await runJson('demo', '--events', '12000');
    expectDocumented(page, json, ['JSON of a run', 'JSON that demo adds']);
  });

  it('of profile, and of a replay with labels', async () => {
    const out = join(folder, 'bundle');
    const named = ['--id', 'id', '--event-time', 'at', '--slice', 'station'];
    const train = join(folder, 'train.csv');
    const profile = () => runJson('profile', '--data', train, '--out', out, ...named);
    const first = await profile();
    // A folder that exists already is kept, which is another field of the answer.
    expectDocumented(page, mergeJson(first, await profile()), ['JSON of profile'], {
      mayLack: ['notes[]', 'explain.relations[]'],
    });

    const live = ['--data', join(folder, 'live.csv'), '--window', '1m'];
    const labels = ['--labels', join(folder, 'labels.csv')];
    const monitor = join(out, 'monitor.yaml');
    writeFileSync(
      monitor,
      readFileSync(monitor, 'utf8')
        .replace(/countMin: \d+/, 'countMin: 20')
        .replace(/range: \[.*\]/, 'range: [-1000, 1000]'),
    );
    const replay = await runJson('replay', '--bundle', out, ...live, ...labels);
    expectDocumented(page, replay, ['JSON of a run', 'JSON that labels add']);
    expect(replay).toMatchObject({
      events: 1_201,
      predictions: 0,
      labels: { rows: 2, matched: 2 },
    });

    const other = join(folder, 'other');
    cpSync(out, other, { recursive: true });
    const patient = readFileSync(monitor, 'utf8').replace(/forWindows: \d+/g, 'forWindows: 3');
    writeFileSync(join(other, 'monitor.yaml'), patient);
    const compared = await runJson('replay', '--bundle', out, ...live, '--compare', other);
    expectDocumented(page, compared, ['JSON of a run', 'JSON that a comparison adds']);
    const { alertsCompared } = compared as { readonly alertsCompared: readonly unknown[] };
    expect(alertsCompared[0]).toMatchObject({ left: 'firing', right: null });
  });

  it('of a run with a name, and of a comparison with live', () => {
    const tally = { ...EMPTY_TALLY, equal: 1 };
    const windowEnd = '2026-03-02T00:05:00.000Z';
    const alert = { windowStart: windowEnd, windowEnd, rule: 'r', column: 'c', slice: '' };
    const compared = liveComparisonJson({
      ...{ equal: true, panes: tally, reports: tally, firstDifference: null },
      sha256: { live: 'a', run: 'a' },
      alerts: [{ ...alert, baseline: 'reference', left: 'firing', right: 'firing' }],
    });
    expectDocumented(page, { ...compared, run: { name: 'n', id: 'n-1' } }, [
      'JSON that a run with a name adds',
      'JSON that a comparison adds',
      'JSON that a comparison with live adds',
    ]);
  });

  it('of redrive, tried and done', async () => {
    const bundle = await openBundle(EXAMPLE);
    const { topics } = bundle.monitor;
    const ports = memoryPorts();
    const partitionCount = 1;
    await ports.bus.ensureTopics([
      { topic: topics.events, partitionCount },
      ...derivedTopicSpecs(topics, partitionCount),
    ]);
    await refuse(ports, [{ id: 'no-application' }], topics);
    const redriven = (dryRun: object) =>
      lastLine(() =>
        printRedrive({ ...ports, sender: ports.bus }, bundle, {
          ...{ bundle: EXAMPLE, since: 'earliest', until: 'next', rate: 1_000, attempts: 3 },
          ...{ json: true, ...dryRun },
        }),
      );
    const tried = await redriven({ dryRun: true });
    const done = await redriven({});
    expect([tried, done]).toMatchObject([
      { dryRun: true, selected: 1, redriven: 0, wouldBeValid: 0 },
      { dryRun: false, selected: 1, redriven: 1, wouldBeValid: null },
    ]);
    expectDocumented(page, mergeJson(tried, done), ['JSON of redrive']);
    expectDocumented(page, mergeJson(done, tried), ['JSON of redrive']);
  });

  it('of check, of a good bundle with warnings and of a broken one', async () => {
    const good = await runJson('check', EXAMPLE);
    const broken = join(folder, 'broken');
    cpSync(EXAMPLE, broken, { recursive: true });
    writeFileSync(join(broken, 'monitor.yaml'), 'monitor: broken\n');
    const bad = await runJson('check', broken);
    expect(process.exitCode).toBe(2);
    process.exitCode = undefined;
    expect([good, bad]).toMatchObject([{ ok: true }, { ok: false }]);
    const warned = (good as { readonly warnings: readonly unknown[] }).warnings.length > 0;
    const mayLack = warned ? [] : page.prose.match(/warnings\[\]\.\w+/g)!;
    expectDocumented(page, mergeJson(good, bad), ['JSON of check'], { mayLack });
  });
});

/** What a command prints with `--json`. */
function runJson(...args: readonly string[]): Promise<unknown> {
  return lastLine(() => createProgram().parseAsync([...args, '--json'], { from: 'user' }));
}
