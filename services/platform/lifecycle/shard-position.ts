/**
 * The stored position of a shard: where reading goes on, and which commit said so.
 *
 *     position = offset "#" epoch "." commit     ; decimal
 *
 * The epoch makes a position unique per commit: two owners that both start from the same commit would
 * otherwise write the same one, and each would take the other's commit for its own.
 */
import { CodedError } from '../../core/errors.ts';

const POSITION = /^(\d+)#(\d+)\.(\d+)$/;

export interface ShardPosition {
  readonly nextOffset: number;
  readonly epoch: number;
  /** Counts the shard's commits over all owners. */
  readonly commitNumber: number;
}

export function encodePosition({ nextOffset, epoch, commitNumber }: ShardPosition): string {
  return `${nextOffset}#${epoch}.${commitNumber}`;
}

export function isPosition(text: string): boolean {
  return POSITION.test(text);
}

/** `null` where nothing was ever committed. Throws `state.corrupt`. */
export function parsePosition(position: string | null): ShardPosition {
  if (position === null) return { nextOffset: 0, epoch: 0, commitNumber: 0 };
  const match = POSITION.exec(position);
  if (match === null) {
    throw new CodedError(
      'state.corrupt',
      `stored position ${position} is not <offset>#<epoch>.<commit>`,
    );
  }
  return {
    nextOffset: Number(match[1]),
    epoch: Number(match[2]),
    commitNumber: Number(match[3]),
  };
}
