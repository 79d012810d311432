/**
 * The combiners of an ensemble: several members' values, row-major and of one width, into one. Sums
 * are taken in double precision and in the members' order, so equal inputs give equal bytes.
 */

export type Numbers = Float32Array | Float64Array | Int32Array | Uint8Array | BigInt64Array;
export type Floats = Float32Array | Float64Array;
/** Labels are compared, never computed with. */
export type Labels = Numbers | readonly string[];

/** One member at a time: a loop that knows the type of its array is several times faster. */
function addTo(sums: Float64Array, values: Numbers, weight: number): void {
  if (values instanceof BigInt64Array) {
    for (let i = 0; i < sums.length; i++) sums[i]! += weight * Number(values[i]!);
  } else {
    for (let i = 0; i < sums.length; i++) sums[i]! += weight * values[i]!;
  }
}

/** A NaN of one member is a NaN of the mean. */
export function combineMean(members: readonly Numbers[], into: Floats): void {
  const sums = new Float64Array(into.length);
  for (const values of members) addTo(sums, values, 1);
  for (let i = 0; i < into.length; i++) into[i] = sums[i]! / members.length;
}

/** `weights` add up to 1. */
export function combineWeighted(
  members: readonly Numbers[],
  weights: readonly number[],
  into: Floats,
): void {
  const sums = new Float64Array(into.length);
  for (const [member, values] of members.entries()) addTo(sums, values, weights[member]!);
  into.set(sums);
}

/** Where several labels have most votes, the one listed first of them. NaN agrees with nothing. */
export function combineVote(
  members: readonly Labels[],
  into: { [index: number]: number | bigint | string },
  length: number,
): void {
  const count = members.length;
  for (let i = 0; i < length; i++) {
    let best = 0;
    let bestVotes = 0;
    // What is left cannot outvote the best once it has as many votes.
    for (let member = 0; member < count - bestVotes; member++) {
      const label = members[member]![i];
      let votes = 1;
      for (let other = member + 1; other < count; other++) {
        if (members[other]![i] === label) votes++;
      }
      if (votes > bestVotes) [best, bestVotes] = [member, votes];
    }
    into[i] = members[best]![i]!;
  }
}

export interface FirstMember {
  readonly data: Labels;
  /** 1 for each row without an answer; `null`: all rows have one. */
  readonly failed: Uint8Array | null;
}

function isFiniteRow(data: Labels, row: number, width: number): boolean {
  if (!(data instanceof Float32Array || data instanceof Float64Array)) return true;
  for (let i = row * width; i < (row + 1) * width; i++) {
    if (!Number.isFinite(data[i]!)) return false;
  }
  return true;
}

/** The member whose row is taken; where no answer is finite the first that is not; -1: none. */
function firstAnswer(members: readonly FirstMember[], row: number, width: number): number {
  let unusable = -1;
  for (let index = 0; index < members.length; index++) {
    const { data, failed } = members[index]!;
    if (failed !== null && failed[row] === 1) continue;
    if (isFiniteRow(data, row, width)) return index;
    if (unusable < 0) unusable = index;
  }
  return unusable;
}

/**
 * Row by row, the first member that neither failed nor gave a value that is not finite. Gives the
 * rows no member answered, 1 for each, `null` where there are none.
 */
export function combineFirst(
  members: readonly FirstMember[],
  into: { [index: number]: number | bigint | string },
  { rowCount, width }: { readonly rowCount: number; readonly width: number },
): Uint8Array | null {
  let unanswered: Uint8Array | null = null;
  for (let row = 0; row < rowCount; row++) {
    const chosen = firstAnswer(members, row, width);
    if (chosen < 0) {
      unanswered ??= new Uint8Array(rowCount);
      unanswered[row] = 1;
      continue;
    }
    const { data } = members[chosen]!;
    for (let i = row * width; i < (row + 1) * width; i++) into[i] = data[i]!;
  }
  return unanswered;
}
