/**
 * A dry run of one partition: what was sent back before is read from the event topic alone, and what
 * would be sent is given to the validator's decision instead. Nothing is written, nobody is fenced.
 */
import type { ErrorCode } from '../core/errors.ts';
import type { OutgoingRecord } from '../core/message/record.ts';
import { OffsetSet } from './offset-set.ts';
import { firstRedrivable, type RedrivenLog, readRedriven } from './redriven-log.ts';

/** For each event the rule that would refuse it now, `null` where it would be valid. */
export type Try = (events: readonly OutgoingRecord[]) => Promise<readonly (ErrorCode | null)[]>;

/** What was redriven of `[from, to)` of a quarantined partition, by the offsets of the events. */
export async function findRedriven(
  log: RedrivenLog,
  span: { readonly from: number; readonly to: number },
): Promise<OffsetSet> {
  const redriven = new OffsetSet();
  const first = await firstRedrivable(log, span.from, span.to);
  if (first === null) return redriven;
  const { next } = await log.bus.offsets(log.events);
  for await (const offset of readRedriven(log, first, next)) redriven.add(offset);
  return redriven;
}
