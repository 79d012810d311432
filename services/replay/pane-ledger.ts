/**
 * The panes of one run as a comparison needs them: what each is about, where its events began and
 * ended in the event topic, and digests instead of sketches, so that months of them fit in memory.
 */
import { createHash } from 'node:crypto';
import { HEADER, headerText } from '../core/message/header.ts';
import { parseOrigin } from '../core/message/origin.ts';
import { type Pane, type PaneSource, paneCodec } from '../core/message/pane.ts';
import type { Headers } from '../core/message/record.ts';

export interface PaneEntry {
  readonly source: PaneSource;
  readonly partition: number;
  readonly sequence: number;
  readonly kind: Pane['kind'];
  readonly startMs: number;
  readonly endMs: number;
  readonly slice: string;
  readonly count: number;
  readonly sealedThroughMs: number;
  /** Offset in the event topic of the record that caused it; `null` where none had. */
  readonly origin: number | null;
  /** Offset in the event topic of the first event in it; `null` for kinds without data. */
  readonly firstOrigin: number | null;
  /**
   * Hex SHA-256 of its bytes without `sequence` and `sealedThroughMs`, which say where a run began and
   * not what is in the pane.
   */
  readonly digest: string;
  readonly columns: readonly PaneColumnEntry[];
}

export interface PaneColumnEntry {
  readonly name: string;
  readonly byteCount: number;
  /** Hex, the first 64 bits of the sketch's SHA-256. */
  readonly digest: string;
}

export class PaneLedger {
  readonly #bySeries = new Map<string, Map<number, PaneEntry>>();
  readonly #conflicts: string[] = [];
  #idleCount = 0;

  /** A pane may come any number of times; a sequence with two contents is a conflict. */
  take(pane: Pane, headers: Headers): void {
    const series = seriesOf(pane);
    let entries = this.#bySeries.get(series);
    if (entries === undefined) {
      entries = new Map();
      this.#bySeries.set(series, entries);
    }
    const entry = toEntry(pane, headers);
    const known = entries.get(pane.sequence);
    if (known === undefined) {
      entries.set(pane.sequence, entry);
      if (pane.kind === 'idle') this.#idleCount += 1;
    } else if (known.digest !== entry.digest) {
      this.#conflicts.push(`${series} has two different panes with sequence ${pane.sequence}`);
    }
  }

  /** By sequence. */
  entriesOf(series: Pick<Pane, 'source' | 'partition'>): readonly PaneEntry[] {
    const entries = this.#bySeries.get(seriesOf(series));
    return [...(entries?.values() ?? [])].sort((a, b) => a.sequence - b.sequence);
  }

  get conflicts(): readonly string[] {
    return this.#conflicts;
  }

  /** How often a partition was announced as idle. */
  get idleCount(): number {
    return this.#idleCount;
  }
}

function seriesOf({ source, partition }: Pick<Pane, 'source' | 'partition'>): string {
  return `${source}:${partition}`;
}

function toEntry(pane: Pane, headers: Headers): PaneEntry {
  const { columns, monitor: _, ...rest } = pane;
  const bytes = paneCodec.encode({ ...pane, sequence: 0, sealedThroughMs: 0 });
  return {
    ...rest,
    origin: originOffset(headers, HEADER.origin),
    firstOrigin: originOffset(headers, HEADER.firstOrigin),
    digest: sha256(bytes),
    columns: columns.map(({ name, sketch }) => ({
      name,
      byteCount: sketch.length,
      digest: sha256(sketch).slice(0, 16),
    })),
  };
}

function originOffset(headers: Headers, name: string): number | null {
  const text = headerText(headers, name);
  return (text === null ? null : parseOrigin(text))?.offset ?? null;
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
