/**
 * Follows a topic with kcat, which shares no code with ours and needs no consumer group, and tells
 * where each partition holds the first record from a given serial on.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { serialOf } from './event-stream.ts';

export interface TopicTail {
  /** Forgets what was found and looks for records from this serial on. */
  lookFor(serial: number): void;
  /** Offset by partition of the first record found. */
  readonly found: ReadonlyMap<number, number>;
  stop(): void;
}

export function followTopic(brokers: string, topic: string): TopicTail {
  const found = new Map<number, number>();
  let sought = Number.POSITIVE_INFINITY;
  let stopped = false;
  const kcat: ChildProcess = spawn(
    'kcat',
    ['-C', '-E', '-q', '-u', '-b', brokers, '-t', topic, '-o', 'end', '-f', '%p %o %k\n'],
    { stdio: ['ignore', 'pipe', 'ignore'] },
  );
  const stop = () => {
    stopped = true;
    kcat.kill('SIGKILL');
  };
  process.once('exit', stop);
  kcat.once('exit', (code) => {
    if (!stopped) throw new Error(`kcat on ${topic} ended with ${code}`);
  });
  createInterface({ input: kcat.stdout! }).on('line', (line) => {
    const [partition, offset, key] = line.split(' ');
    const serial = serialOf(key ?? '');
    if (serial === null || serial < sought || found.has(Number(partition))) return;
    found.set(Number(partition), Number(offset));
  });
  return {
    found,
    stop,
    lookFor(serial) {
      found.clear();
      sought = serial;
    },
  };
}
