/**
 * How far every (source, partition) has come with its panes, pure.
 *
 * Sequences are without gaps, so a repeat is known by its sequence and a loss is noticed. A partition
 * that is added while the monitor runs contributes from its first pane on; a source is never added.
 */
import { CodedError } from '../errors.ts';
import type { Pane, PaneSource } from '../message/pane.ts';

export interface Contributor {
  readonly source: PaneSource;
  readonly partition: number;
}

export interface ContributorProgress extends Contributor {
  /** Of the next pane expected; `null`: whatever comes first, as the log has lost what was before. */
  readonly sequence: number | null;
  readonly sealedThroughMs: number;
  /** Holds no window back. */
  readonly idle: boolean;
  readonly ended: boolean;
}

export class Contributors {
  readonly #progress = new Map<string, ContributorProgress>();
  readonly #sources: ReadonlySet<PaneSource>;

  /** `known` is what was stored; who is expected besides has written nothing yet. */
  constructor(expected: readonly Contributor[], known: readonly ContributorProgress[]) {
    for (const each of [...expected.map(newcomer), ...known]) this.#put(each);
    this.#sources = new Set([...this.#progress.values()].map(({ source }) => source));
  }

  get snapshot(): readonly ContributorProgress[] {
    return [...this.#progress.values()];
  }

  /** True when every contributor has said that the run is over. */
  get ended(): boolean {
    return this.snapshot.every(({ ended }) => ended);
  }

  /** The least sealed edge over contributors that are not idle; where all are, the farthest one. */
  get sealedThroughMs(): number {
    const all = this.snapshot;
    const waitedFor = all.filter(({ idle }) => !idle);
    if (waitedFor.length === 0) return Math.max(...all.map((each) => each.sealedThroughMs));
    return Math.min(...waitedFor.map((each) => each.sealedThroughMs));
  }

  /**
   * False for a repeat. Throws `state.corrupt` on a gap in a contributor's sequence, and on a source
   * that the monitor does not have.
   */
  advance(pane: Pane): boolean {
    const { source, partition, kind } = pane;
    const progress = this.#progressOf(pane);
    const due = progress.sequence ?? pane.sequence;
    if (pane.sequence < due) return false;
    if (pane.sequence > due) {
      throw new CodedError(
        'state.corrupt',
        `pane ${pane.sequence} of ${source}:${partition} came where ${due} was due; panes in between are lost`,
      );
    }
    // Only the closing record of a sealing may move the edge: its panes come before it.
    const closes = kind === 'progress' || kind === 'end';
    this.#put({
      source,
      partition,
      sequence: due + 1,
      sealedThroughMs: closes ? pane.sealedThroughMs : progress.sealedThroughMs,
      idle: kind === 'idle',
      ended: kind === 'end',
    });
    return true;
  }

  #progressOf({ source, partition }: Pane): ContributorProgress {
    const progress = this.#progress.get(keyOf({ source, partition }));
    if (progress !== undefined) return progress;
    if (this.#sources.has(source)) return newcomer({ source, partition });
    throw new CodedError(
      'state.corrupt',
      `pane of ${source}:${partition}, a source that this monitor does not have; was the model added or removed?`,
    );
  }

  #put(progress: ContributorProgress): void {
    this.#progress.set(keyOf(progress), progress);
  }
}

function newcomer({ source, partition }: Contributor): ContributorProgress {
  return { source, partition, sequence: 0, sealedThroughMs: 0, idle: false, ended: false };
}

function keyOf({ source, partition }: Contributor): string {
  return `${source}:${partition}`;
}
