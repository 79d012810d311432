/** The built `tidegauge` command as a child process, as a user would start it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './source-tree.ts';

const MAIN = join(ROOT, 'dist/cli/main.js');

export interface Finished {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** The last line of standard output, parsed. */
  json(): Record<string, unknown>;
}

/** Runs a command to its end. */
export async function tidegauge(
  args: readonly string[],
  environment: Record<string, string> = {},
): Promise<Finished> {
  const running = startTidegauge(args, environment);
  const code = await running.exited;
  return {
    code,
    stdout: running.stdout(),
    stderr: running.stderr(),
    json: () =>
      JSON.parse(running.stdout().trimEnd().split('\n').at(-1)!) as Record<string, unknown>,
  };
}

export interface Running {
  readonly process: ChildProcess;
  readonly exited: Promise<number | null>;
  stdout(): string;
  stderr(): string;
  /** The first line of standard output, parsed; rejects when the process ends before it. */
  firstLine(): Promise<Record<string, unknown>>;
  stop(): Promise<number | null>;
}

export function startTidegauge(
  args: readonly string[],
  environment: Record<string, string> = {},
): Running {
  if (!existsSync(MAIN)) throw new Error('dist/ is missing: npm run build');
  const child = spawn(process.execPath, [MAIN, ...args], {
    cwd: ROOT,
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  let seen: () => void = () => undefined;
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
    if (stdout.includes('\n')) seen();
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const exited = new Promise<number | null>((resolve) => child.on('close', resolve));
  const hasLine = new Promise<void>((resolve) => {
    seen = resolve;
  });
  return {
    process: child,
    exited,
    stdout: () => stdout,
    stderr: () => stderr,
    firstLine: async () => {
      await Promise.race([hasLine, exited]);
      if (!stdout.includes('\n'))
        throw new Error(`tidegauge ended before it was ready:\n${stderr}`);
      return JSON.parse(stdout.slice(0, stdout.indexOf('\n'))) as Record<string, unknown>;
    },
    stop: async () => {
      child.kill('SIGTERM');
      return exited;
    },
  };
}
