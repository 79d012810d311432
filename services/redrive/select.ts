/**
 * The redrive's decision, pure: which quarantined records are sent back, and why the others are not.
 *
 * An event may stand in quarantine more than once (a crash repeats a contiguous run), so it is known
 * by the offset it had in the event topic, its origin, and not by that of the quarantined record.
 */
import type { ErrorClass, ErrorCode } from '../core/errors.ts';
import { EVENT_BYTES_MAX } from '../core/limits.ts';
import type { QuarantineStage } from '../core/message/quarantine.ts';
import type { BusRecord } from '../core/message/record.ts';
import type { OffsetSet } from './offset-set.ts';
import type { Refusal } from './refusal.ts';

/** Each list narrows the choice; `null`: any. */
export interface Criteria {
  readonly classes: readonly ErrorClass[] | null;
  readonly rules: readonly ErrorCode[] | null;
  readonly stage: QuarantineStage | null;
  /** An event refused this often is left where it is. */
  readonly attemptsMax: number;
}

/**
 * `redriven`: its event was sent back before. `repeated`: the same refusal as an earlier one in this
 * choice. `attempts`: refused too often. `tooLarge`: longer than an event may be, so it would be
 * refused again; what quarantine has cut is among these.
 */
export const SKIP_REASONS = ['redriven', 'repeated', 'attempts', 'tooLarge'] as const;
export type SkipReason = (typeof SKIP_REASONS)[number];

export function isSelected(refusal: Refusal, { classes, rules, stage }: Criteria): boolean {
  return (
    (classes === null || classes.includes(refusal.class)) &&
    (rules === null || rules.includes(refusal.rule)) &&
    (stage === null || stage === refusal.stage)
  );
}

/** Origins of one partition. */
export interface Known {
  readonly redriven: OffsetSet;
  /** Chosen earlier in this redrive; `decide` adds to it. */
  readonly chosen: OffsetSet;
}

/** Why a selected record is not sent; `null`: it is chosen. */
export function decide(
  record: BusRecord,
  refusal: Refusal,
  known: Known,
  { attemptsMax }: Criteria,
): SkipReason | null {
  const { offset } = refusal.origin;
  if (known.chosen.has(offset)) return 'repeated';
  if (known.redriven.has(offset)) return 'redriven';
  if (refusal.attempt >= attemptsMax) return 'attempts';
  if (record.value !== null && record.value.length > EVENT_BYTES_MAX) return 'tooLarge';
  known.chosen.add(offset);
  return null;
}
