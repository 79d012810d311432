/**
 * A Redis that keeps what it acknowledged: every write is in its append-only file before the answer,
 * so that `kill` and `start` on the same port and files lose nothing. What it loses, it is told to.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type RedisServer, startRedisServer } from '../support/redis-server.ts';

const ANSWER_MS_MAX = 5_000;

export interface DurableRedis {
  readonly url: string;
  /** SIGKILL; resolves when it is gone. */
  kill(): Promise<void>;
  /** Resolves when it answers again, from the files of the one that was killed. */
  start(): Promise<void>;
  /** Forgets everything. */
  flush(): Promise<void>;
  /** `used_memory`, bytes. */
  usedMemory(): Promise<number>;
  /** Ends it and removes its files. */
  stop(): Promise<void>;
}

export async function startDurableRedis(): Promise<DurableRedis> {
  const folder = await mkdtemp(join(tmpdir(), 'tidegauge-chaos-redis-'));
  const settings = ['--dir', folder, '--appendonly', 'yes', '--appendfsync', 'everysec'];
  let server: RedisServer = await startRedisServer({ settings });
  const { url, port } = server;
  return {
    url,
    kill: () => server.kill(),
    start: async () => {
      server = await startRedisServer({ port, settings });
    },
    flush: async () => void (await ask(port, 'FLUSHALL')),
    usedMemory: async () =>
      Number(/used_memory:(\d+)/.exec(await ask(port, 'INFO memory'))?.[1] ?? Number.NaN),
    stop: async () => {
      await server.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** One inline command and its whole answer: `+text`, `-error`, or `$length` and as many bytes. */
function ask(port: number, command: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1' });
    let answer = '';
    const fail = (reason: string) => {
      socket.destroy();
      reject(new Error(`Redis did not answer ${command}: ${reason}`));
    };
    socket.setTimeout(ANSWER_MS_MAX, () => fail('timeout'));
    socket.on('connect', () => socket.write(`${command}\r\n`));
    socket.on('error', (error) => fail(error.message));
    socket.on('data', (chunk) => {
      answer += String(chunk);
      const bulk = /^\$(\d+)\r\n/.exec(answer);
      const length = bulk === null ? 0 : bulk[0].length + Number(bulk[1]) + 2;
      if (!answer.endsWith('\r\n') || answer.length < length) return;
      socket.destroy();
      if (answer.startsWith('-')) reject(new Error(`${command}: ${answer.trim()}`));
      else resolve(answer);
    });
  });
}
