/**
 * Keeps a batcher's queue full, as a service does that polls requests of packed rows: as one is
 * settled, the next one is submitted. Every score is read.
 */
import { performance } from 'node:perf_hooks';
import type { BatchRequest, PartResult } from '../../services/inference-worker/batcher.ts';
import type {
  LoadedModel,
  ModelBatch,
  ModelOutputs,
  Placement,
} from '../../services/platform/model/model-runtime.ts';
import { type BenchBatcherOptions, createBenchBatcher, VERSION } from './inference-batcher.ts';
import { OUTPUT, ROWS, type Subject } from './inference-subjects.ts';

/** Rows submitted and not settled, half of what a queue takes. */
const AHEAD_ROWS = 8_192;

export interface FeedOptions extends Omit<BenchBatcherOptions, 'onBatch'> {
  readonly subject: Subject;
  readonly rowsPerRequest: number;
  /** Without it rows are packed before, and scores read from the tensor. */
  readonly cells?: CellsCodec;
}

/** From the cells of an event to the values of its prediction. */
export interface CellsCodec {
  pack(from: number, rowCount: number): ModelBatch;
  score(outputs: ModelOutputs, row: number): number;
}

export interface Turn {
  readonly rowCount: number;
  readonly durationMs: number;
  /** Of each batch, in the order they ended. */
  readonly batchRows: readonly number[];
  /** By row of the turn. */
  readonly scores: Float32Array;
}

export interface Feed {
  readonly placement: Placement;
  /** Rows settled since the start. */
  readonly settledRows: number;
  /** Rows of each batch that has ended, since it was last emptied. */
  readonly batchRows: number[];
  /** From the first row of the stream; resolves when the last row is settled. */
  turn(rowCount: number): Promise<Turn>;
  /** Keeps the queue full until `stop`, which resolves when it is empty. */
  start(): void;
  stop(): Promise<void>;
  /** One request of one row, whether or not the queue is kept full. */
  single(): void;
  /** From now on another model answers. */
  serve(model: LoadedModel): void;
  close(): Promise<void>;
}

export function createFeed(options: FeedOptions): Feed {
  const { subject, rowsPerRequest, cells } = options;
  let { model } = options;
  const batchRows: number[] = [];
  const batcher = createBenchBatcher({
    ...options,
    onBatch: (rowCount) => batchRows.push(rowCount),
  });
  /** Of each request size that starts at a row; packing is not what is measured. */
  const packed = new Map<number, ModelBatch>();
  let scores = new Float32Array(ROWS);
  let limit = 0;
  let submittedRows = 0;
  let settledRows = 0;
  let startRow = 0;
  let ended: (() => void) | null = null;

  function rowsAt(from: number, rowCount: number): ModelBatch {
    if (cells !== undefined) return cells.pack(from, rowCount);
    const key = (from % ROWS) * 4_096 + rowCount;
    let rows = packed.get(key);
    if (rows === undefined) {
      rows = subject.rows(from, rowCount);
      packed.set(key, rows);
    }
    return rows;
  }

  function requestOf(from: number, rowCount: number): BatchRequest {
    return {
      version: VERSION,
      rows: rowsAt(from, rowCount),
      deadlineMs: Number.POSITIVE_INFINITY,
      settle(fromRow, toRow, result) {
        read(from + fromRow, toRow - fromRow, result);
        settledRows += toRow - fromRow;
        if (toRow === rowCount) fill();
        if (settledRows === limit + startRow) ended?.();
      },
    };
  }

  function read(at: number, rowCount: number, result: PartResult): void {
    if (result.kind === 'failed') throw new Error(result.rejection.message);
    const { outputs, outputRow } = result;
    const data = outputs.get(OUTPUT)!.data as Float32Array;
    let to = at % scores.length;
    if (cells !== undefined) {
      for (let row = 0; row < rowCount; row++) {
        scores[to] = cells.score(outputs, outputRow + row);
        to = to + 1 === scores.length ? 0 : to + 1;
      }
      return;
    }
    for (let row = 0; row < rowCount; row++) {
      scores[to] = data[outputRow + row]!;
      to = to + 1 === scores.length ? 0 : to + 1;
    }
  }

  function fill(): void {
    while (submittedRows - startRow < limit && submittedRows - settledRows < AHEAD_ROWS) {
      const from = submittedRows - startRow;
      const rowCount = Math.min(rowsPerRequest, limit - from);
      if (!batcher.submit(requestOf(from, rowCount))) return;
      submittedRows += rowCount;
    }
  }

  function begin(rowCount: number): void {
    startRow = submittedRows;
    limit = rowCount;
    fill();
  }

  return {
    get placement() {
      return model.placement;
    },
    get settledRows() {
      return settledRows;
    },
    batchRows,
    async turn(rowCount) {
      scores = new Float32Array(rowCount);
      batchRows.length = 0;
      const done = new Promise<void>((resolve) => {
        ended = resolve;
      });
      const startMs = performance.now();
      begin(rowCount);
      await done;
      const durationMs = performance.now() - startMs;
      ended = null;
      return { rowCount, durationMs, batchRows: [...batchRows], scores };
    },
    start() {
      scores = new Float32Array(ROWS);
      begin(Number.POSITIVE_INFINITY);
    },
    async stop() {
      limit = 0;
      await batcher.drain();
    },
    single() {
      if (batcher.submit(requestOf(submittedRows % ROWS, 1))) submittedRows += 1;
      startRow = submittedRows;
    },
    serve(next) {
      model = next;
      batcher.serve(VERSION, next, { shadow: false });
    },
    close: () => batcher.close(),
  };
}
