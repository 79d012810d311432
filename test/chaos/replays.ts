/**
 * Replays of the event topic, to be held against the live run: on the adapters in memory, or on the
 * same Kafka and Redis with one, two or three aggregators as processes.
 */
import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { EMBEDDED_BACKLOG_RECORDS_MAX } from '../../services/core/limits.ts';
import { runTopics } from '../../services/core/message/topics.ts';
import { executeRun } from '../../services/embedded/execute-run.ts';
import { createMemoryBus } from '../../services/platform/bus/memory-bus.ts';
import { createSystemClock } from '../../services/platform/clock/system-clock.ts';
import { createFileModelFolder } from '../../services/platform/model/file-model-folder.ts';
import { createOnnxModelRuntime } from '../../services/platform/model/onnx-model-runtime.ts';
import { createMemoryStateStore } from '../../services/platform/store/memory-state-store.ts';
import { createMemoryTelemetry } from '../../services/platform/telemetry/memory-telemetry.ts';
import { createTopicSource, resolveTopicRange } from '../../services/replay/topic-source.ts';
import { ROOT } from '../support/source-tree.ts';
import { readTopic } from './judge.ts';
import type { Problems } from './problems.ts';
import { RunOutputs } from './run-outputs.ts';
import { MAIN, type World } from './world.ts';

/** `memory`, or how many aggregators share the work on Kafka. */
export type ReplayKind = 'memory' | number;

export interface Replayed {
  readonly outputs: RunOutputs;
  /** Aggregators that had a part of the work. */
  readonly aggregators: number;
}

export function replayAgain(world: World, kind: ReplayKind, problems: Problems): Promise<Replayed> {
  return kind === 'memory' ? replayInMemory(world, problems) : replayOnKafka(world, kind, problems);
}

async function replayInMemory(world: World, problems: Problems): Promise<Replayed> {
  const { monitor, eventSchema, writerSchemas, reference } = world.bundle;
  const { events } = world.topics;
  const scope = { monitor, run: 'judge', eventSchema, writerSchemas, reference };
  const clock = createSystemClock();
  const ports = {
    clock,
    bus: createMemoryBus({ clock, backlogRecordsMax: EMBEDDED_BACKLOG_RECORDS_MAX }),
    store: createMemoryStateStore(),
    telemetry: createMemoryTelemetry(),
    modelRuntime: createOnnxModelRuntime(),
    openModelFolder: createFileModelFolder,
    schemaSource: null,
  };
  const spans = await resolveTopicRange(world.bus, { topic: events, from: 'earliest', to: 'next' });
  const outputs = new RunOutputs(runTopics(monitor, scope.run), problems);
  const { alerts } = await executeRun(ports, scope, {
    source: createTopicSource(world.bus, events, spans),
    signal: new AbortController().signal,
    onProgress: () => undefined,
    listener: {
      pane: (pane) => outputs.takePane(pane),
      report: (report) => outputs.takeReport(report),
      progress: () => undefined,
    },
  });
  for (const alert of alerts) outputs.takeAlert(alert);
  await ports.bus.close();
  return { outputs, aggregators: 1 };
}

async function replayOnKafka(
  world: World,
  aggregators: number,
  problems: Problems,
): Promise<Replayed> {
  const { bus, kafka, redis, bundle, bundleFolder, topics } = world;
  const run = `judge-${aggregators}`;
  const connections = [
    ...['--bundle', bundleFolder, '--brokers', kafka.brokers],
    ...['--redis', redis.url, '--run', run],
  ];
  const replay = start(world, run, [
    ...['replay', '--topic', topics.events, ...connections, '--keep', '--json'],
  ]);
  // They wait until the run is there, and end when it is over.
  const helpers = Array.from({ length: aggregators - 1 }, (_, index) =>
    start(world, `${run}-aggregator-${index + 1}`, [
      ...['run', 'drift-aggregator', ...connections, '--http', '127.0.0.1:0'],
    ]),
  );
  for (const process of [replay, ...helpers]) {
    const code = await process.ended;
    if (code !== 0) problems.add('replay', `${process.name} ended with ${code}`);
  }
  const said = runTopics(bundle.monitor, runIdIn(replay.stdout()));
  const outputs = new RunOutputs(said, problems);
  for (const topic of [said.panes, said.reports, said.alerts]) {
    await readTopic(bus, topic, 1, (record) => outputs.takeRecord(record));
  }
  const atWork = [replay, ...helpers].filter(({ logFile }) => hasClaimed(logFile));
  return { outputs, aggregators: atWork.length };
}

function hasClaimed(logFile: string): boolean {
  const lines = readFileSync(logFile, 'utf8').split('\n');
  return lines.some((line) => /"service":"drift-aggregator".*"msg":"claimed"/.test(line));
}

/** The last line is the result. */
function runIdIn(stdout: string): string {
  const result = JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '') as {
    readonly run: { readonly id: string };
  };
  return result.run.id;
}

interface Started {
  readonly name: string;
  /** What it says on standard error. */
  readonly logFile: string;
  readonly ended: Promise<number | null>;
  stdout(): string;
}

function start(world: World, name: string, args: readonly string[]): Started {
  const logFile = join(world.logFolder, `${name}.log`);
  const log = openSync(logFile, 'a');
  const child = spawn(process.execPath, [MAIN, ...args], {
    cwd: ROOT,
    env: { ...process.env, ...world.environment },
    stdio: ['ignore', 'pipe', log],
  });
  closeSync(log);
  let stdout = '';
  child.stdout!.on('data', (chunk: Buffer) => {
    stdout += String(chunk);
  });
  const killAtExit = () => void child.kill('SIGKILL');
  process.once('exit', killAtExit);
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  void ended.then(() => process.off('exit', killAtExit));
  return { name, logFile, ended, stdout: () => stdout };
}
