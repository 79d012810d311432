/**
 * A Redis of the tests' own: the `redis-server` of the machine on a free loopback port, gone with the
 * test run. It saves nothing, unless it is given a folder: then it can be killed and started again.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { accessSync, constants, mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';

const START_MS_MAX = 15_000;
const STOP_MS_MAX = 5_000;

export interface RedisServer {
  readonly url: string;
  readonly port: number;
  /** Ends it in an orderly way and removes its files. Idempotent. */
  stop(): Promise<void>;
  /** Ends it with SIGKILL, as a crash would. */
  kill(): Promise<void>;
}

export interface RedisServerOptions {
  /** Default: a free one. */
  readonly port?: number;
  /**
   * Where its files are and stay; every write is on disk before it is answered. Default: nothing is
   * saved.
   */
  readonly folder?: string;
  /** Further command-line settings, e.g. `['--requirepass', 'x']`. */
  readonly settings?: readonly string[];
}

export type RedisServerSearch =
  | { readonly ok: true; readonly path: string }
  | { readonly ok: false; readonly reason: string };

export function findRedisServer(): RedisServerSearch {
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    const path = join(folder, 'redis-server');
    try {
      accessSync(path, constants.X_OK);
      return { ok: true, path };
    } catch {
      // Not in this folder.
    }
  }
  return { ok: false, reason: 'there is no redis-server on the PATH' };
}

export async function startRedisServer(options: RedisServerOptions = {}): Promise<RedisServer> {
  const found = findRedisServer();
  if (!found.ok) throw new Error(found.reason);
  const port = options.port ?? (await freePort());
  const folder = options.folder ?? mkdtempSync(join(tmpdir(), 'tidegauge-redis-'));
  const durability =
    options.folder === undefined
      ? ['--appendonly', 'no']
      : ['--appendonly', 'yes', '--appendfsync', 'always'];
  const child = spawn(
    found.path,
    [
      ...['--port', String(port), '--bind', '127.0.0.1', '--dir', folder],
      ...['--save', '', '--loglevel', 'warning', ...durability],
      ...(options.settings ?? []),
    ],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      output = (output + String(chunk)).slice(-4_000);
    });
  }
  const endWithRun = () => child.kill('SIGKILL');
  process.once('exit', endWithRun);

  async function end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    await ended(child, signal);
    process.off('exit', endWithRun);
    if (options.folder === undefined) rmSync(folder, { recursive: true, force: true });
  }

  const deadline = Date.now() + START_MS_MAX;
  while (!(await answers(port))) {
    if (child.exitCode !== null || child.signalCode !== null || Date.now() > deadline) {
      await end('SIGKILL');
      throw new Error(`redis-server did not start on port ${port}: ${output.trim()}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return {
    url: `redis://127.0.0.1:${port}`,
    port,
    stop: () => end('SIGTERM'),
    kill: () => end('SIGKILL'),
  };
}

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no free port');
  return address.port;
}

/** Whether what listens on the port answers PING in Redis' protocol, a refusal for want of a password included. */
function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' });
    const finish = (answer: boolean) => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(1_000, () => finish(false));
    socket.on('connect', () => socket.write('PING\r\n'));
    socket.on('data', (chunk) => finish(/^(\+PONG|-NOAUTH)/.test(String(chunk))));
    socket.on('error', () => finish(false));
    socket.on('close', () => finish(false));
  });
}

async function ended(child: ChildProcess, signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = new Promise((resolve) => child.once('exit', resolve));
  child.kill(signal);
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS_MAX);
  await exit;
  clearTimeout(timer);
}
