/**
 * What a pane book is restored from, and what it gives away: its head, what changed, and panes on their
 * way out with what it takes to make a lost book anew.
 */
import type { Origin } from '../core/message/origin.ts';
import type { Pane } from '../core/message/pane.ts';
import type { OpenPane, Place } from './open-pane.ts';

export interface PaneHead {
  readonly eventTimeMsMax: number;
  readonly sealedThroughMs: number;
  /** Sequence of the next pane. */
  readonly sequence: number;
  readonly idle: boolean;
  /** Of the last record; `null` before the first. */
  readonly lastPlace: Place | null;
  /** Of the record that caused the last sealing: what came late since has not left; -1 before the first. */
  readonly sealedAtOriginOffset: number;
}

export const EMPTY_HEAD: PaneHead = {
  eventTimeMsMax: -1,
  sealedThroughMs: 0,
  sequence: 0,
  idle: false,
  lastPlace: null,
  sealedAtOriginOffset: -1,
};

/** A pane on its way out. */
export interface LeavingPane {
  readonly pane: Pane;
  /** Of the record that caused it; `null` where there was none yet. */
  readonly origin: Origin | null;
  /** Of the first record in the pane; `null` for kinds without data. */
  readonly firstOrigin: Origin | null;
  /** Of a closing record; `null` for the others. */
  readonly rebuild: RebuildPoint | null;
}

/** What a book is made anew from, besides the closing record itself. */
export interface RebuildPoint {
  /** Of the input: everything that has not left is there or later. */
  readonly fromOffset: number;
  readonly sealedAtOriginOffset: number;
}

export interface PaneChanges {
  readonly dirty: readonly OpenPane[];
  /** Keys of panes that were open and are now sealed. */
  readonly closed: readonly string[];
  readonly leaving: readonly LeavingPane[];
}
