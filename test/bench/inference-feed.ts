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
import { OUTPUT, ROWS, readScores, type Subject } from './inference-subjects.ts';

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
  /** Of each distinct row, when it was scored last; NaN where it was not. The next turn writes over them. */
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
  /** By distinct row and size: neither packing nor making requests is what is measured. */
  const kept = new Map<number, BatchRequest>();
  const scores = new Float32Array(ROWS);
  let limit = 0;
  let submittedRows = 0;
  let settledRows = 0;
  let startRow = 0;
  let ended: (() => void) | null = null;

  function requestAt(from: number, rowCount: number): BatchRequest {
    const start = from % ROWS;
    if (cells !== undefined) return createRequest(start, rowCount, cells.pack(from, rowCount));
    const key = start * 4_096 + rowCount;
    let request = kept.get(key);
    if (request === undefined) {
      request = createRequest(start, rowCount, subject.rows(start, rowCount));
      kept.set(key, request);
    }
    return request;
  }

  function createRequest(start: number, rowCount: number, rows: ModelBatch): BatchRequest {
    return {
      version: VERSION,
      rows,
      deadlineMs: Number.POSITIVE_INFINITY,
      settle(fromRow, toRow, result) {
        read(start + fromRow, toRow - fromRow, result);
        settledRows += toRow - fromRow;
        if (toRow === rowCount) fill();
        if (settledRows === limit + startRow) ended?.();
      },
    };
  }

  function read(at: number, rowCount: number, result: PartResult): void {
    if (result.kind === 'failed') throw new Error(result.rejection.message);
    const { outputs, outputRow } = result;
    if (cells === undefined) {
      const data = outputs.get(OUTPUT)!.data as Float32Array;
      return readScores(scores, at, { data, from: outputRow, rowCount });
    }
    for (let row = 0; row < rowCount; row++) {
      scores[(at + row) % ROWS] = cells.score(outputs, outputRow + row);
    }
  }

  function fill(): void {
    while (submittedRows - startRow < limit && submittedRows - settledRows < AHEAD_ROWS) {
      const from = submittedRows - startRow;
      const rowCount = Math.min(rowsPerRequest, limit - from);
      if (!batcher.submit(requestAt(from, rowCount))) return;
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
      batchRows.length = 0;
      scores.fill(Number.NaN);
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
      begin(Number.POSITIVE_INFINITY);
    },
    async stop() {
      limit = 0;
      await batcher.drain();
    },
    single() {
      if (batcher.submit(requestAt(submittedRows, 1))) submittedRows += 1;
      startRow = submittedRows;
    },
    serve(next) {
      model = next;
      batcher.serve(VERSION, next, { shadow: false });
    },
    close: () => batcher.close(),
  };
}
