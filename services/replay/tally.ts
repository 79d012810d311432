/** How a comparison counts, and that it remembers the first difference in the order of its places. */

export interface Tally {
  readonly equal: number;
  readonly different: number;
  readonly onlyLive: number;
  readonly onlyRun: number;
  /** For a person; `null`: all that was compared is equal. */
  readonly firstDifference: string | null;
}

export const EMPTY_TALLY: Tally = {
  equal: 0,
  different: 0,
  onlyLive: 0,
  onlyRun: 0,
  firstDifference: null,
};

export function addDifference(
  tally: Tally,
  kind: 'different' | 'onlyLive' | 'onlyRun',
  text: string,
): Tally {
  return {
    ...tally,
    [kind]: tally[kind] + 1,
    firstDifference: tally.firstDifference ?? text,
  };
}

export function comparedCount({ equal, different, onlyLive, onlyRun }: Tally): number {
  return equal + different + onlyLive + onlyRun;
}
