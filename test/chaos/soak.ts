/**
 * `npm run soak`: millions of events through one broker, Redis and one process per service, as fast as
 * they go; nothing is killed. Memory is sampled all the while and must stay flat, resident and what is
 * left of the heap after a garbage collection: state is bounded by the windows that are open, and event
 * time never stops closing them. The judge counts afterwards.
 *
 *     --events N       2000000
 *     --seed S         of the events, 1
 *     --json           the result as one JSON object on the last line
 *
 * Exit code 1 where an event is lost or counted twice, or memory still grows in the second half.
 */
import { parseArgs } from 'node:util';
import { judge } from './judge.ts';
import { type MemoryRow, type MemorySample, memoryRows, residentBytes } from './memory-samples.ts';
import { Problems } from './problems.ts';
import { drained, lagOf, readingsOf } from './progress-of-groups.ts';
import { createWorld, PARTITION_COUNT, type World } from './world.ts';

const RATE_MAX = 10_000;
/** Records that all groups together may be behind before the oracle waits. */
const LAG_MAX = 15_000;
const LOOK_INTERVAL_MS = 100;
const SAMPLE_INTERVAL_MS = 1_000;
const SAY_INTERVAL_MS = 10_000;
const DRAIN_MS_MAX = 180_000;
/** The last tenth against the middle: beyond this it grows. */
const GROWTH_MAX = 1.2;

const { values: options } = parseArgs({
  options: {
    events: { type: 'string', default: '2000000' },
    seed: { type: 'string', default: '1' },
    json: { type: 'boolean', default: false },
  },
  args: process.argv.slice(3),
});
const wanted = Number(options.events);
const seed = Number(options.seed);
const startedMs = performance.now();
const problems = new Problems();

say('starting one broker, Redis and one of each service');
const world = await createWorld({
  ...{ seed, brokers: 1, instances: 1, eventsMax: wanted },
  preload: 'heap-probe.mjs',
  nodeOptions: ['--expose-gc'],
});
const { samples, throughMs } = await run(world);
say('judging');
const { outputs, ...counted } = await judge(world, problems, PARTITION_COUNT);
const memory = memoryRows(samples, wanted);
for (const row of memory) checkFlat(row);
const result = {
  ok: problems.isEmpty,
  seed,
  ...counted,
  panes: [...outputs.panes.keys()].reduce((sum, key) => sum + outputs.sealedPanes(key).length, 0),
  reports: outputs.reports.size,
  alerts: outputs.alerts.size,
  eventsPerSecond: Math.round((counted.inTopic * 1_000) / throughMs),
  samples: samples.length,
  memory,
  deaths: world.fleet.deaths,
  problems: problems.summary(),
  elapsedMs: Math.round(performance.now() - startedMs),
};
await world.close({ keepLogs: !problems.isEmpty });
if (!problems.isEmpty) say(`something is wrong; the logs are in ${world.logFolder}`);
process.stdout.write(`${JSON.stringify(result, null, options.json ? 0 : 2)}\n`);
process.exit(problems.isEmpty ? 0 : 1);

async function run(at: World): Promise<{
  readonly samples: readonly MemorySample[];
  /** From the first event to the last commit. */
  readonly throughMs: number;
}> {
  const { bus, bundle, oracle, topics } = at;
  const { all } = readingsOf(bundle.monitor.name, topics, PARTITION_COUNT);
  const taken: MemorySample[] = [];
  const sampling = setInterval(async () => taken.push(await sample(at)), SAMPLE_INTERVAL_MS);
  const fromMs = performance.now();
  let saidMs = fromMs;
  while (oracle.nextSerial < wanted) {
    const lags = await Promise.all(all.map((reading) => lagOf(bus, reading)));
    const lag = lags.reduce((sum, each) => sum + each, 0);
    oracle.setRate(lag > LAG_MAX ? 0 : RATE_MAX);
    const nowMs = performance.now();
    if (nowMs - saidMs >= SAY_INTERVAL_MS) {
      saidMs = nowMs;
      const rate = Math.round((oracle.nextSerial * 1_000) / (nowMs - fromMs));
      say(`${oracle.nextSerial} events, ${rate} a second, ${lag} records behind`);
    }
    await new Promise((resolve) => setTimeout(resolve, LOOK_INTERVAL_MS));
  }
  await oracle.close();
  const left = await drained(bus, all, DRAIN_MS_MAX);
  clearInterval(sampling);
  if (left !== '') problems.add('drain', left);
  return { samples: taken, throughMs: performance.now() - fromMs };
}

async function sample({ fleet, redis, oracle }: World): Promise<MemorySample> {
  const members = fleet.names.map((name) => fleet.member(name));
  const resident = residentBytes(members.map(({ pid }) => pid));
  const bytes = new Map<string, number>([['redis', await redis.usedMemory()]]);
  for (const member of members) {
    bytes.set(member.service, resident.get(member.pid) ?? Number.NaN);
    const heap = member.heapBytes();
    if (heap !== null) bytes.set(`${member.service} heap`, heap);
  }
  return { events: oracle.nextSerial, bytes };
}

function checkFlat({ name, middleMb, endMb }: MemoryRow): void {
  if (endMb <= middleMb * GROWTH_MAX) return;
  problems.add('memory', `${name} takes ${endMb} MB at the end and ${middleMb} MB in the middle`);
}

function say(line: string): void {
  const second = Math.round((performance.now() - startedMs) / 1_000);
  process.stderr.write(`${String(second).padStart(5)} s  ${line}\n`);
}
