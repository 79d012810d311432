/**
 * The services as processes of their own, two of each, and what a supervisor does for them: whoever
 * dies is started again 200 ms later with the same arguments. Every death that nobody ordered is
 * counted with the last thing the process said.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../support/source-tree.ts';

const RESTART_AFTER_MS = 200;
const READY_MS_MAX = 60_000;
const STOP_MS_MAX = 15_000;
/** Everything that starts a process ends it when this one does. */
const LISTENERS_MAX = 50;
const LAST_LINE_LENGTH_MAX = 500;
/** Asked wrongly: a restart would not help. */
const EXIT_USAGE = 2;

export const SERVICES = [
  'alerting',
  'evaluator',
  'drift-aggregator',
  'inference-worker',
  'validator',
] as const;
export type ServiceName = (typeof SERVICES)[number];

export interface FleetOptions {
  readonly main: string;
  /** The options of `tidegauge run`: bundle, brokers, Redis. */
  readonly args: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  /** Options of Node itself; what they preload finds its files in CHAOS_CLOCK_FILE and CHAOS_HEAP_FILE. */
  readonly nodeOptions: readonly string[];
  /** One log per process lands here. */
  readonly folder: string;
}

/** A death nobody ordered. */
export interface Death {
  readonly process: string;
  readonly code: number | null;
  readonly lastLine: string;
}

export class Fleet {
  readonly deaths: Death[] = [];
  readonly #options: FleetOptions;
  readonly #members = new Map<string, ServiceProcess>();

  constructor(options: FleetOptions) {
    this.#options = options;
    process.setMaxListeners(LISTENERS_MAX);
    process.once('exit', () => {
      for (const member of this.#members.values()) member.kill();
    });
  }

  get names(): readonly string[] {
    return [...this.#members.keys()];
  }

  member(name: string): ServiceProcess {
    const member = this.#members.get(name);
    if (member === undefined) throw new Error(`there is no process ${name}`);
    return member;
  }

  /** Resolves when it is ready. */
  async add(service: ServiceName, suffix: string): Promise<ServiceProcess> {
    const name = `${service}-${suffix}`;
    const member = new ServiceProcess(service, name, this.#options, (death) =>
      this.deaths.push(death),
    );
    this.#members.set(name, member);
    await member.ready();
    return member;
  }

  /** Leaves as it is asked to: SIGTERM. */
  async remove(name: string): Promise<void> {
    const member = this.member(name);
    this.#members.delete(name);
    await member.stop();
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#members.keys()].map((name) => this.remove(name)));
  }
}

export class ServiceProcess {
  readonly service: ServiceName;
  readonly name: string;
  readonly #options: FleetOptions;
  readonly #onDeath: (death: Death) => void;
  readonly #logFile: string;
  readonly #clockFile: string;
  readonly #heapFile: string;
  #child: ChildProcess;
  #ordered = false;
  #stopping = false;
  #isReady = false;

  constructor(
    service: ServiceName,
    name: string,
    options: FleetOptions,
    onDeath: (death: Death) => void,
  ) {
    this.service = service;
    this.name = name;
    this.#options = options;
    this.#onDeath = onDeath;
    this.#logFile = join(options.folder, `${name}.log`);
    this.#clockFile = join(options.folder, `${name}.clock`);
    this.#heapFile = join(options.folder, `${name}.heap`);
    this.skewClock(0);
    this.#child = this.#spawn();
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  async ready(): Promise<void> {
    const deadlineMs = performance.now() + READY_MS_MAX;
    while (!this.#isReady) {
      if (performance.now() > deadlineMs) {
        throw new Error(`${this.name} was not ready after ${READY_MS_MAX} ms: ${this.#lastLine()}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  /** SIGKILL; the supervisor starts it again. False where it is not running just now. */
  kill(): boolean {
    this.#ordered = true;
    return this.#child.kill('SIGKILL');
  }

  /** SIGSTOP: it holds its connections and says nothing, until `wake`. */
  freeze(): boolean {
    return this.#child.kill('SIGSTOP');
  }

  wake(): void {
    this.#child.kill('SIGCONT');
  }

  /** Sets its wall clock this far off, from now on and over restarts. */
  skewClock(skewMs: number): void {
    writeFileSync(this.#clockFile, String(skewMs));
  }

  /** After its last forced garbage collection; `null` where there was none. */
  heapBytes(): number | null {
    return existsSync(this.#heapFile) ? Number(readFileSync(this.#heapFile, 'utf8')) : null;
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    if (hasEnded(this.#child)) return;
    const ended = new Promise((resolve) => this.#child.once('exit', resolve));
    this.#child.kill('SIGTERM');
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), STOP_MS_MAX);
    await ended;
    clearTimeout(timer);
  }

  #spawn(): ChildProcess {
    const { main, args, environment, nodeOptions } = this.#options;
    const log = openSync(this.#logFile, 'a');
    const child = spawn(
      process.execPath,
      [...nodeOptions, main, 'run', this.service, ...args, '--json'],
      {
        cwd: ROOT,
        env: {
          ...process.env,
          ...environment,
          CHAOS_CLOCK_FILE: this.#clockFile,
          CHAOS_HEAP_FILE: this.#heapFile,
        },
        stdio: ['ignore', 'pipe', log],
      },
    );
    closeSync(log);
    this.#ordered = false;
    this.#isReady = false;
    child.stdout!.setEncoding('utf8').on('data', (text: string) => {
      if (text.includes('"state":"ready"')) this.#isReady = true;
    });
    child.once('exit', (code) => this.#onExit(code));
    return child;
  }

  #onExit(code: number | null): void {
    if (this.#stopping) return;
    if (!this.#ordered) {
      this.#onDeath({ process: this.name, code, lastLine: this.#lastLine() });
      if (code === EXIT_USAGE) return;
    }
    setTimeout(() => {
      if (!this.#stopping) this.#child = this.#spawn();
    }, RESTART_AFTER_MS);
  }

  #lastLine(): string {
    const lines = readFileSync(this.#logFile, 'utf8').trimEnd().split('\n');
    return (lines.at(-1) ?? '').slice(0, LAST_LINE_LENGTH_MAX);
  }
}

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}
