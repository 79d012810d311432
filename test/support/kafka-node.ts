/**
 * One Kafka process in KRaft combined mode: formatted once, killed and started again as often as a
 * test likes, always on the same ports and the same data. The process ends with the test run.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync, statSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { JVM_OPTIONS } from './kafka-runtime.ts';

const READY_TIMEOUT_MS = 60_000;
const READY_LINE = 'Kafka Server started';
const LOG_TAIL_LENGTH = 2_000;

export interface KafkaNode {
  readonly id: number;
  /** `host:port` of its broker. */
  readonly address: string;
  isRunning(): boolean;
  /** SIGKILL, as a crash would; resolves when the process is gone. Idempotent. */
  kill(): Promise<void>;
  /**
   * Resolves when the broker serves again, for which a majority of the nodes must run; then a no-op
   * until the next `kill`.
   */
  start(): Promise<void>;
}

export interface KafkaNodeOptions {
  readonly id: number;
  readonly address: string;
  /** Holds its settings, its log and its data. */
  readonly folder: string;
  /** `server.properties`, without `log.dirs`. */
  readonly settings: Readonly<Record<string, string>>;
  readonly clusterId: string;
  readonly heapMb: number;
}

/** Formats the data folder; nothing runs until `start`. */
export async function createKafkaNode(options: KafkaNodeOptions): Promise<KafkaNode> {
  const { id, address, folder, heapMb } = options;
  const configFile = join(folder, 'server.properties');
  const logFile = join(folder, 'broker.log');
  const settings = { ...options.settings, 'log.dirs': join(folder, 'data') };
  const lines = Object.entries(settings).map(([name, value]) => `${name}=${value}\n`);
  await writeFile(configFile, lines.join(''));
  await writeFile(logFile, '');
  await format(configFile, options.clusterId);

  let broker: ChildProcess | null = null;

  async function kill(): Promise<void> {
    if (broker === null) return;
    const child = broker;
    broker = null;
    if (!hasEnded(child)) {
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGKILL');
      await ended;
    }
  }

  async function start(): Promise<void> {
    if (broker !== null && !hasEnded(broker)) return;
    const logStart = statSync(logFile).size;
    const log = openSync(logFile, 'a');
    const child = spawn('java', [...JVM_OPTIONS, `-Xmx${heapMb}m`, 'kafka.Kafka', configFile], {
      stdio: ['ignore', log, log],
    });
    closeSync(log);
    broker = child;
    const killAtExit = (): void => void child.kill('SIGKILL');
    process.on('exit', killAtExit);
    child.once('exit', () => process.off('exit', killAtExit));
    const said = (): string => readFileSync(logFile).subarray(logStart).toString();
    const deadlineMs = Date.now() + READY_TIMEOUT_MS;
    while (!said().includes(READY_LINE)) {
      const waited = Date.now() > deadlineMs;
      if (hasEnded(child) || waited) {
        const tail = said().slice(-LOG_TAIL_LENGTH);
        const reason = waited ? `was not ready after ${READY_TIMEOUT_MS} ms` : 'exited';
        await kill();
        throw new Error(`Kafka node ${id} ${reason}\n${tail}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  return { id, address, isRunning: () => broker !== null && !hasEnded(broker), kill, start };
}

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

async function format(configFile: string, clusterId: string): Promise<void> {
  const tool = spawn(
    'java',
    [...JVM_OPTIONS, 'kafka.tools.StorageTool', 'format', '-t', clusterId, '-c', configFile],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  let output = '';
  for (const stream of [tool.stdout, tool.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      output += String(chunk);
    });
  }
  const code = await new Promise((resolve) => tool.once('close', resolve));
  if (code !== 0) throw new Error(`StorageTool format failed\n${output}`);
}
