/**
 * Other ways to serve rows that come one by one, on ONNX Runtime's own session on this thread: a run
 * for each row, and batches of a fixed size that wait for a timeout.
 *
 * Like ours they call back, without a promise for each row.
 */
import { Tensor } from 'onnxruntime-node';
import { runDirect, type Subject } from './inference-subjects.ts';

/** Whoever answers single rows. */
export interface RowServer {
  /** `token` comes back with the score. */
  submit(streamRow: number, token: number): void;
  /** What waits is forgotten; resolves when no run is in flight. */
  stop(): Promise<void>;
}

export type OnScore = (token: number, score: number) => void;
export type CreateRowServer = (subject: Subject, onScore: OnScore) => RowServer;

interface WaitingRow {
  readonly streamRow: number;
  readonly token: number;
}

export const createRowByRow: CreateRowServer = (subject, onScore) => {
  let waiting: WaitingRow[] = [];
  let next = 0;
  const loop = createLoop(
    () => next < waiting.length,
    async () => {
      const { streamRow, token } = waiting[next]!;
      next += 1;
      if (next === 4_096) {
        waiting = waiting.slice(next);
        next = 0;
      }
      const [score] = await runDirect(subject.session, subject.tensor(streamRow, 1));
      onScore(token, score!);
    },
  );
  return {
    submit(streamRow, token) {
      waiting.push({ streamRow, token });
      loop.wake();
    },
    stop: () => loop.stop(),
  };
};

export const FIXED_ROWS = 256;
export const FIXED_TIMEOUT_MS = 5;

/** Runs a batch when it is full, or when its first row has waited for the timeout. */
export const createFixedBatcher: CreateRowServer = (subject, onScore) => {
  const due: (readonly WaitingRow[])[] = [];
  let waiting: WaitingRow[] = [];
  let timer: NodeJS.Timeout | undefined;
  const loop = createLoop(
    () => due.length > 0,
    async () => {
      const batch = due.shift()!;
      const scores = await runDirect(subject.session, join(subject, batch));
      for (let row = 0; row < batch.length; row++) onScore(batch[row]!.token, scores[row]!);
    },
  );

  function close(): void {
    clearTimeout(timer);
    timer = undefined;
    due.push(waiting);
    waiting = [];
    loop.wake();
  }

  return {
    submit(streamRow, token) {
      waiting.push({ streamRow, token });
      if (waiting.length === FIXED_ROWS) close();
      else timer ??= setTimeout(close, FIXED_TIMEOUT_MS);
    },
    stop() {
      clearTimeout(timer);
      return loop.stop();
    },
  };
};

function join({ width, features }: Subject, batch: readonly WaitingRow[]): Tensor {
  const data = new Float32Array(batch.length * width);
  for (let row = 0; row < batch.length; row++) {
    data.set(features(batch[row]!.streamRow, 1), row * width);
  }
  return new Tensor('float32', data, [batch.length, width]);
}

/** One step after another while there is work. */
function createLoop(hasWork: () => boolean, step: () => Promise<void>) {
  let running: Promise<void> | null = null;
  let isStopped = false;

  async function run(): Promise<void> {
    while (!isStopped && hasWork()) await step();
    running = null;
  }

  return {
    wake(): void {
      if (running === null && !isStopped) running = run();
    },
    async stop(): Promise<void> {
      isStopped = true;
      await running;
    },
  };
}
