/**
 * Tries a model file in a process of its own before this one has to do with it. What ONNX Runtime does
 * with a large file holds the thread it is done on, a broken file may keep it for ever or take the
 * process down; here that ends the trial, and the file is refused.
 *
 * The process sees of the environment only where libraries lie, and lives as long as the trial.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { CodedError, type ErrorCode } from '../../core/errors.ts';
import { MODEL_OPEN_MS_MAX } from '../../core/limits.ts';
import { messageOf, refuseModel } from './model-error.ts';
import type { CostSample, ModelDescription } from './model-runtime.ts';
import type { SeatClock } from './model-worker-seat.ts';
import type { SessionInputs } from './onnx-session.ts';

export interface TrialRequest {
  readonly file: string;
  /** Intra-op threads of the session. */
  readonly threadCount: number;
  readonly rowsMax: number;
}

export interface ModelTrial {
  readonly feed: SessionInputs;
  readonly description: Omit<ModelDescription, 'costSamples'>;
  /** What opening it takes of the processor, during which the thread it is opened on does nothing else. */
  readonly openMs: number;
  /** Batch sizes to warm up, ascending. */
  readonly warmUpRows: readonly number[];
  /** Up to the first run that is too long to be made inline. */
  readonly costSamples: readonly CostSample[];
}

/** What the process says: each run before it begins, then how the trial ended. */
export type TrialReply =
  | { readonly kind: 'running'; readonly rowCount: number }
  | { readonly kind: 'tried'; readonly trial: ModelTrial }
  | { readonly kind: 'refused'; readonly code: ErrorCode; readonly message: string };

export interface TrialOptions {
  /** The compiled module of the process. */
  readonly entry: URL;
  readonly clock: SeatClock;
  /** A run that takes this long is stuck. */
  readonly stuckMs: number;
}

type TrialEnd = Exclude<TrialReply, { readonly kind: 'running' }>;

const ENVIRONMENT_KEPT = ['PATH', 'LD_LIBRARY_PATH', 'DYLD_LIBRARY_PATH', 'SystemRoot'];
/** Of what the process prints, the end: it says why it died. */
const PRINTED_CHARACTERS_MAX = 500;
/** After a pause of this thread the next reply may be here, only not yet read. */
const LAST_CHANCE_SHARE = 0.1;

/** Steps one after the other, of which each has a time of its own. */
class TimedSteps {
  readonly #clock: SeatClock;
  readonly #onStuck: () => void;
  #watching = new AbortController();
  #name = '';
  #stuck: string | null = null;

  constructor(clock: SeatClock, onStuck: () => void) {
    this.#clock = clock;
    this.#onStuck = onStuck;
  }

  /** The last one that began. */
  get name(): string {
    return this.#name;
  }

  /** Which one took too long, and how long it had; `null`: none. */
  get stuck(): string | null {
    return this.#stuck;
  }

  begin(name: string, msMax: number): void {
    this.end();
    this.#name = name;
    this.#watching = new AbortController();
    void this.#watch(msMax, this.#watching.signal);
  }

  end(): void {
    this.#watching.abort();
  }

  async #watch(msMax: number, signal: AbortSignal): Promise<void> {
    for (const waitMs of [msMax, msMax * LAST_CHANCE_SHARE]) {
      await this.#clock.sleep(waitMs, signal);
    }
    if (signal.aborted) return;
    this.#stuck = `${this.#name} is not over after ${msMax} ms`;
    this.#onStuck();
  }
}

/**
 * Rejects with `configuration.model` where the file is refused, the process dies of it or does not come
 * back from it; with `inference.worker` where there is no process to be had.
 */
export async function tryModel(request: TrialRequest, options: TrialOptions): Promise<ModelTrial> {
  const { file } = request;
  const child = startProcess(file, options.entry);
  const printed = endOfPrinted(child);
  const steps = new TimedSteps(options.clock, () => child.kill('SIGKILL'));
  const ends: TrialEnd[] = [];

  function hear(reply: TrialReply): void {
    if (reply.kind === 'running') {
      steps.begin(`a run over ${reply.rowCount} blank rows`, options.stuckMs);
    } else ends.push(reply);
  }

  const ended = new Promise<string>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => resolve(signal ?? `code ${code}`));
  });
  child.on('message', (reply) => hear(reply as TrialReply));
  child.send(request, (error) => {
    // The process has died, and how is told by its end.
    if (error !== null) child.kill('SIGKILL');
  });
  steps.begin('the opening', MODEL_OPEN_MS_MAX);
  let how: string;
  try {
    how = await ended;
  } catch (error) {
    throw noProcess(file, error);
  } finally {
    steps.end();
  }
  const [end] = ends;
  if (end?.kind === 'tried') return end.trial;
  if (end?.kind === 'refused') throw new CodedError(end.code, end.message);
  if (steps.stuck !== null) throw refuseModel(file, steps.stuck);
  const last = printed();
  const says = `the process it is tried in ended with ${how} during ${steps.name}`;
  throw refuseModel(file, last === '' ? says : `${says}: ${last}`);
}

function noProcess(file: string, error: unknown): CodedError {
  const says = `model ${file}: no process to try it in: ${messageOf(error)}`;
  return new CodedError('inference.worker', says, { cause: error });
}

function startProcess(file: string, entry: URL): ChildProcess {
  const kept = ENVIRONMENT_KEPT.flatMap((name) => {
    const value = process.env[name];
    return value === undefined ? [] : [[name, value] as const];
  });
  try {
    return fork(entry, {
      env: Object.fromEntries(kept),
      execArgv: [],
      // Maps and typed arrays as they are.
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
  } catch (error) {
    throw noProcess(file, error);
  }
}

function endOfPrinted({ stderr }: ChildProcess): () => string {
  let text = '';
  stderr?.setEncoding('utf8').on('data', (chunk: string) => {
    text = (text + chunk).slice(-PRINTED_CHARACTERS_MAX);
  });
  return () => text.trim();
}
