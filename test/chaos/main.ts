/**
 * `npm run chaos`: kills what runs, a thousand times if asked, and counts afterwards.
 *
 *     --kills N        processes to kill or freeze before the judge is called, 30
 *     --seed S         of the events and of the faults, 1
 *     --only FAULT     this fault alone, one at a time; see faults.ts for the names
 *     --rate R         events a second, 250
 *     --replays LIST   what the live run is compared with: memory, or numbers of aggregators, memory
 *     --json           the result as one JSON object on the last line
 *     --keep-logs      keep the services' logs when all is well, too
 *
 * Exit code 1 where anything is wrong: an event lost or counted twice, a byte that differs, a fault
 * felt for too long. The logs are kept then, and their folder is named.
 */
import { availableParallelism, loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { createDraw } from '../support/draw.ts';
import { type Comparison, compareOutputs } from './compare-outputs.ts';
import { drawRound, FAULTS } from './faults.ts';
import { type Judgement, judge } from './judge.ts';
import type { Oracle } from './oracle.ts';
import { Problems } from './problems.ts';
import { drained, readingsOf } from './progress-of-groups.ts';
import { createRecoveryWatch, type RecoveryWatch } from './recovery.ts';
import { RecoveryTable } from './recovery-table.ts';
import { type ReplayKind, replayAgain } from './replays.ts';
import { type Struck, strike } from './strike.ts';
import { followTopic } from './topic-tail.ts';
import { createWorld, PARTITION_COUNT, SESSION_TIMEOUT_MS, type World } from './world.ts';

const INSTANCES = 2;
/** One session timeout for the group to notice, and this for the rest. */
const LIMIT_MS = SESSION_TIMEOUT_MS + 5_000;
const CALM_MS = 500;
const DRAIN_MS_MAX = 180_000;

const { values: options } = parseArgs({
  options: {
    kills: { type: 'string', default: '30' },
    seed: { type: 'string', default: '1' },
    only: { type: 'string' },
    rate: { type: 'string', default: '250' },
    replays: { type: 'string', default: 'memory' },
    json: { type: 'boolean', default: false },
    'keep-logs': { type: 'boolean', default: false },
  },
  args: process.argv.slice(3),
});
const killsWanted = wholeNumber('kills', options.kills);
const seed = wholeNumber('seed', options.seed);
const rate = wholeNumber('rate', options.rate);
const only = faultName(options.only);
const replays = options.replays.split(',').map(replayKind);

const startedMs = performance.now();
const problems = new Problems();
const recovery = new RecoveryTable(LIMIT_MS);
const struckByFault = new Map<string, number>();
let kills = 0;
let judgement: Judgement | null = null;
const comparisons: (Comparison & { readonly aggregators: number })[] = [];

say(`seed ${seed}: starting three brokers, Redis and ${INSTANCES} of each service`);
const world = await createWorld({
  ...{ seed, brokers: 3, instances: INSTANCES },
  preload: 'clock-skew.mjs',
});
say(`logs in ${world.logFolder}`);
try {
  await runRounds(world);
  await settle(world);
  say('judging');
  judgement = await judge(world, problems, PARTITION_COUNT);
  for (const replay of replays) {
    say(`replaying: ${replay}`);
    const { outputs, aggregators } = await replayAgain(world, replay, problems);
    const compared = compareOutputs(String(replay), judgement.outputs, outputs, problems);
    comparisons.push({ ...compared, aggregators });
  }
} catch (error) {
  problems.add('run', error instanceof Error ? (error.stack ?? error.message) : String(error));
}
const wrong = !problems.isEmpty;
const result = resultOf(world);
await world.close({ keepLogs: wrong || options['keep-logs'] });
if (wrong) say(`something is wrong; the logs are in ${world.logFolder}`);
process.stdout.write(
  options.json ? `${JSON.stringify(result)}\n` : `${JSON.stringify(result, null, 2)}\n`,
);
process.exit(wrong ? 1 : 0);

async function runRounds({ bus, bundle, fleet, kafka, oracle, topics }: World): Promise<void> {
  const draw = createDraw(seed);
  const readings = readingsOf(bundle.monitor.name, topics, PARTITION_COUNT);
  const valid = followTopic(kafka.brokers, topics.valid);
  const predictions = followTopic(kafka.brokers, topics.predictions);
  const watch = createRecoveryWatch({ bus, readings, valid, predictions });
  const processes = fleet.names.map((name) => ({ name, service: fleet.member(name).service }));
  oracle.setRate(rate);
  try {
    await watch.awaitFresh(0, performance.now());
    say('the first events are through');
    for (let round = 1; kills < killsWanted; round += 1) {
      const strikes = drawRound(draw, { processes, brokerCount: kafka.nodes.length, only });
      const struck = await Promise.all(strikes.map((each) => strike(world, each)));
      const recoveryMs = await feltFor(struck, watch, oracle);
      const names = strikes.map(({ fault }) => fault.name);
      for (const name of names) {
        recovery.add(name, recoveryMs);
        struckByFault.set(name, (struckByFault.get(name) ?? 0) + 1);
      }
      const killed = struck.reduce((sum, each) => sum + each.kills, 0);
      // A fault that kills nobody is counted by itself when nothing else is asked for.
      kills += only !== null && killed === 0 ? strikes.length : killed;
      const what = `round ${round} (${kills} kills): ${names.join(', ')}`;
      // A machine with more to do than it has cores recovers later; the reader must know.
      const felt = `${Math.round(recoveryMs)} ms, load ${loadavg()[0]!.toFixed(1)}`;
      say(`${what}: ${felt}`);
      if (recoveryMs > LIMIT_MS) problems.add('recovery', `${what} was felt for ${felt}`);
      await new Promise((resolve) => setTimeout(resolve, CALM_MS));
    }
  } finally {
    valid.stop();
    predictions.stop();
  }
}

/**
 * The longer of two times: from the last blow, and once more from when all was undone: a zombie that
 * wakes and a guest who leaves are felt too.
 */
async function feltFor(
  struck: readonly Struck[],
  watch: RecoveryWatch,
  oracle: Oracle,
): Promise<number> {
  const sinceMs = Math.max(...struck.map((each) => each.sinceMs));
  const recoveryMs = await watch.awaitFresh(oracle.nextSerial, sinceMs);
  const endings = struck.flatMap(({ over }) => (over === null ? [] : [over]));
  if (endings.length === 0) return recoveryMs;
  await Promise.all(endings);
  return Math.max(recoveryMs, await watch.awaitFresh(oracle.nextSerial, performance.now()));
}

/** No more faults: everything issued comes to its end, and every earlier pane is sealed. */
async function settle({ bus, bundle, oracle, topics }: World): Promise<void> {
  say('no more faults; waiting until everything is read');
  await oracle.close();
  const readings = readingsOf(bundle.monitor.name, topics, PARTITION_COUNT);
  const left = await drained(bus, readings.all, DRAIN_MS_MAX);
  if (left !== '') problems.add('drain', left);
}

function resultOf({ oracle, fleet }: World) {
  return {
    ok: problems.isEmpty,
    seed,
    kills,
    faults: Object.fromEntries([...struckByFault].sort(([a], [b]) => (a < b ? -1 : 1))),
    issued: oracle.nextSerial,
    retriedRequests: oracle.retriedRequests,
    ...(judgement === null ? {} : counts(judgement)),
    comparisons,
    differing: comparisons.reduce((sum, { differing }) => sum + differing, 0),
    recovery: recovery.rows(),
    limitMs: LIMIT_MS,
    deaths: fleet.deaths,
    problems: problems.summary(),
    cores: availableParallelism(),
    elapsedMs: Math.round(performance.now() - startedMs),
  };
}

function counts({ outputs, ...counted }: Judgement) {
  return {
    ...counted,
    panes: [...outputs.panes.keys()].reduce((sum, key) => sum + outputs.sealedPanes(key).length, 0),
    idlePanes: outputs.idlePaneCount,
    reports: outputs.reports.size,
    alerts: outputs.alerts.size,
  };
}

function say(line: string): void {
  const second = Math.round((performance.now() - startedMs) / 1_000);
  process.stderr.write(`${String(second).padStart(5)} s  ${line}\n`);
}

function wholeNumber(name: string, text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new Error(`--${name} takes a whole number, not ${text}`);
}

function faultName(name: string | undefined): string | null {
  if (name === undefined) return null;
  if (FAULTS.some((fault) => fault.name === name)) return name;
  const known = FAULTS.map((fault) => fault.name).join(', ');
  throw new Error(`--only takes one of: ${known}; not ${name}`);
}

function replayKind(text: string): ReplayKind {
  return text === 'memory' ? text : wholeNumber('replays', text);
}
