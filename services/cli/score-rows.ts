/**
 * Batch prediction: the records of a source through the validator's rules and the scorer of the
 * inference-worker, and the answers in the order of the source.
 *
 * Memory is bounded: rows go to the scorer in parts as it has room for them, and no more parts are
 * open than `PARTS_OPEN_MAX`, however long the first of them takes.
 */
import { createEventReader } from '../core/codec/event-reader.ts';
import type { Rejection } from '../core/errors.ts';
import type { Monitor, MonitorModel } from '../core/monitor/monitor.ts';
import type { RowAnswer, ScoreRow } from '../inference-worker/score-row.ts';
import type { Scorer } from '../inference-worker/scorer.ts';
import type { ServiceScope } from '../platform/lifecycle/service-scope.ts';
import type { SourceRecord } from '../replay/source.ts';
import { createValidate } from '../validator/validate.ts';
import type { ScoredRow } from './score-format.ts';
import { type ScoreTally, Tally } from './score-tally.ts';

const PART_ROWS = 512;
const PARTS_OPEN_MAX = 64;

/** A record as a row for the scorer, or why it is none. */
export type DecodeRow = (
  value: Uint8Array | null,
) => ScoreRow | { readonly id: string | null; readonly rejection: Rejection };

/** Decides as the validator does of a record without a timestamp: future skew is not checked. */
export function createDecodeRow(
  { eventSchema, writerSchemas }: Pick<ServiceScope, 'eventSchema' | 'writerSchemas'>,
  monitor: Monitor,
  { policies, fallback }: MonitorModel,
): DecodeRow {
  const needsRoot =
    monitor.relations.length > 0 || policies.length > 0 || fallback?.kind === 'rule';
  const reader = createEventReader({
    ...{ schema: eventSchema, writerSchemas, mapping: monitor, needsRoot },
  });
  const validate = createValidate(monitor);
  return (value) => {
    const outcome = reader.read(value);
    if (outcome.kind === 'rejected') return { id: null, rejection: outcome.rejection };
    if (outcome.kind === 'schema-needed') {
      const message = `writer schema ${outcome.schemaId} is not in the file`;
      return { id: null, rejection: { code: 'decode.unknown-schema', message } };
    }
    const { id, eventTimeMs, cells } = outcome.event;
    const root = outcome.event.root as Record<string, unknown>;
    const rejection = validate({ id, eventTimeMs, cells, root }, Number.POSITIVE_INFINITY);
    return rejection === null ? { id, cells, root } : { id, rejection };
  };
}

export interface ScoreRowsOptions {
  readonly records: AsyncIterable<SourceRecord>;
  /** Of the source's first record in the data. */
  readonly firstRow: number;
  readonly decode: DecodeRow;
  readonly scorer: Pick<Scorer, 'hasRoom' | 'score' | 'drain'>;
  write(rows: readonly ScoredRow[]): Promise<void>;
  onProgress(read: number, written: number): void;
}

export async function scoreRows(options: ScoreRowsOptions): Promise<ScoreTally> {
  const { scorer, decode, firstRow } = options;
  const tally = new Tally();
  const open: Part[] = [];
  let read = 0;

  async function writeFirst(): Promise<void> {
    const rows = await open.shift()!.complete;
    for (const { answer } of rows) tally.add(answer);
    await options.write(rows);
    options.onProgress(read, tally.rows);
  }

  for await (const records of inParts(options.records)) {
    read += records.length;
    const part = new Part(records.length);
    const rows: ScoreRow[] = [];
    const places: number[] = [];
    for (const [place, { offset, value }] of records.entries()) {
      const decoded = decode(value);
      part.name(place, firstRow + offset, decoded.id);
      if ('rejection' in decoded) {
        part.answer(place, { kind: 'rejected', rejection: decoded.rejection });
      } else {
        rows.push(decoded);
        places.push(place);
      }
    }
    while (open.length > 0 && (open.length >= PARTS_OPEN_MAX || !scorer.hasRoom(rows.length))) {
      await writeFirst();
    }
    open.push(part);
    if (rows.length > 0) scorer.score(rows, (index, answer) => part.answer(places[index]!, answer));
    while (open[0]?.isComplete === true) await writeFirst();
  }
  await scorer.drain();
  while (open.length > 0) await writeFirst();
  return tally.result();
}

/** Consecutive rows whose answers come in any order. */
class Part {
  readonly complete: Promise<readonly ScoredRow[]>;
  readonly #rows: number[];
  readonly #ids: (string | null)[];
  readonly #answers: RowAnswer[];
  #left: number;
  #resolve: (rows: readonly ScoredRow[]) => void = () => undefined;

  constructor(length: number) {
    this.#rows = new Array<number>(length);
    this.#ids = new Array<string | null>(length);
    this.#answers = new Array<RowAnswer>(length);
    this.#left = length;
    this.complete = new Promise((resolve) => {
      this.#resolve = resolve;
    });
  }

  get isComplete(): boolean {
    return this.#left === 0;
  }

  name(place: number, row: number, id: string | null): void {
    this.#rows[place] = row;
    this.#ids[place] = id;
  }

  answer(place: number, answer: RowAnswer): void {
    this.#answers[place] = answer;
    this.#left -= 1;
    if (this.#left > 0) return;
    this.#resolve(
      this.#rows.map((row, index) => ({
        ...{ row, id: this.#ids[index]!, answer: this.#answers[index]! },
      })),
    );
  }
}

async function* inParts(records: AsyncIterable<SourceRecord>): AsyncIterable<SourceRecord[]> {
  let part: SourceRecord[] = [];
  for await (const record of records) {
    part.push(record);
    if (part.length < PART_ROWS) continue;
    yield part;
    part = [];
  }
  if (part.length > 0) yield part;
}
